"""chat, the dialler that ppp brings with it."""

import subprocess

from program import ProgramCase, debian_version, find

# The index of an ABORT string plus 4 is the exit status.
ABORTED_BY_ERROR = 4


class Chat(ProgramCase):
    program = "ppp's chat"
    passes = "init strings, `ABORT`, `REPORT`, a context; a dial-up is refused at once"

    @classmethod
    def version(cls):
        return debian_version("ppp")

    def chat(self, modem, *script, status=0):
        with open(modem.tty, "r+b", buffering=0) as port:
            command = (find("chat"), "-s", "-S", "TIMEOUT", "5", "ABORT", "ERROR", *script)
            done = subprocess.run(
                command, stdin=port, stdout=port, stderr=subprocess.PIPE, timeout=20, check=False
            )
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr.decode()

    def test_it_sets_the_module_up(self):
        modem = self.modem()
        shown = self.chat(
            modem,
            "REPORT", "SARA",
            "", "ATZ",
            "OK", "ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0",
            "OK", "AT+CGMM",
            "OK", "ATE0",
            "OK", 'AT+CGDCONT=2,"IP","internet"',
            "OK", "AT+CREG?",
            "0,1", "",
            "OK", "ATH",
            "OK", "",
        )
        self.assertIn("SARA-R510S", shown)
        self.assertIn("internet", "".join(modem.command("AT+CGDCONT?").lines))

    def test_a_dial_up_is_refused_at_once(self):
        modem = self.modem()
        self.chat(modem, "", "ATZ", "OK", "ATD*99***1#", "CONNECT", "", status=ABORTED_BY_ERROR)
        self.assertTrue(modem.command("AT").ok)
