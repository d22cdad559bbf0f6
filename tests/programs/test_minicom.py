"""minicom, and runscript, its interpreter of scripts."""

import subprocess

from program import ProgramCase, debian_version
from vsara import wait_until

CTRL_A = "\x01"
SCRIPT = """
send "AT+CGMM"
expect {
    "SARA-R510S" break
    timeout 5 goto failed
}
expect {
    "OK" break
    timeout 5 goto failed
}
send "AT+NOSUCHCOMMAND"
expect {
    "ERROR" break
    timeout 5 goto failed
}
! touch done
exit 0
failed:
exit 1
"""


class Minicom(ProgramCase):
    program = "minicom"
    passes = "a session by hand with its capture file, a script at start, `runscript`"

    @classmethod
    def version(cls):
        return debian_version("minicom")

    def script(self):
        script = self.folder / "script"
        script.write_text(SCRIPT)
        return script

    def minicom(self, modem, *options):
        command = ("minicom", "-o", "-b", "115200", "-D", modem.tty, *options)
        screen = self.screen(*command, environment=self.environment())
        screen.wait_for("Press CTRL-A Z for help")
        return screen

    def leave(self, screen):
        screen.type(f"{CTRL_A}x")
        screen.wait_for("Leave Minicom")
        screen.type("\r")
        self.assertEqual(screen.end(), 0)

    def test_what_is_typed_is_answered_on_screen_and_in_the_capture_file(self):
        modem = self.modem()
        screen = self.minicom(modem, "-C", "capture")
        screen.type("ATI\r")
        screen.wait_for(r"SARA-R510S-01B-00\s+OK")
        self.leave(screen)
        self.assertIn("ATI\nSARA-R510S-01B-00\n\nOK\n", (self.folder / "capture").read_text())

    def test_a_script_runs_at_its_start(self):
        screen = self.minicom(self.modem(), "-S", self.script())
        done = self.folder / "done"
        wait_until(done.exists, "the end of the script")
        self.leave(screen)

    def test_runscript_talks_to_the_module(self):
        modem = self.modem()
        with open(modem.tty, "r+b", buffering=0) as port:
            shown = self.run_program(
                "runscript", self.script(), stdin=port, stdout=port, stderr=subprocess.PIPE,
                env=self.environment(), cwd=self.folder,
            )
        self.assertEqual(shown, "", "all it said went to the module")
        self.assertTrue((self.folder / "done").exists())
