"""`vsara exec`: a host program with a module beside it, and what is left when it ends."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

from test_state import environment, is_litter
from vsara import BINARY, STOP_S, Case, run, wait_until

# Says AT on the pseudo-terminal it is given, and prints what comes back.
SAY_AT = """
import serial, sys
port = serial.Serial(sys.argv[1], 115200, timeout=5)
port.write(b"ATE0\\r")
print(port.read_until(b"OK").decode().split()[-1])
"""


class ExecCase(Case):
    """What a command leaves behind is found by the folder of the test in its environment."""

    def options(self, *options):
        return ("exec", "--state", self.folder / "state", "--service", "none", *options)

    def exec(self, *command, options=(), status=0, **more):
        """Runs `vsara exec` to its end."""
        return run(*self.options(*options), "--", *command, status=status, **more)

    def started(self, *command, options=()):
        """A `vsara exec` whose command has started and says so by its first line."""
        arguments = map(str, [*self.options(*options), "--", *command])
        process = self.running.enter_context(
            subprocess.Popen(
                [BINARY, *arguments],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )
        )
        self.running.callback(process.kill)
        self.assertEqual(process.stdout.readline(), "started\n")
        return process

    def assert_nothing_left(self):
        self.assertEqual(self.processes(), [])
        left = [path.name for path in (self.folder / "state").rglob("*") if is_litter(path)]
        self.assertEqual(left, [])

    def processes(self):
        """Those that have this test's state in their environment: commands, and what they started."""
        mark = b"VSARA_CONTROL=" + os.fsencode(self.folder)
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes():
                    found.append(path.parent.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found


class Exec(ExecCase):
    def test_the_status_is_that_of_the_command(self):
        for command, status in (("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -HUP $$", 129)):
            self.exec("sh", "-c", command, status=status)
            self.assert_nothing_left()

    def test_the_command_talks_to_the_module_on_the_tty_it_is_given(self):
        self.assertEqual(self.exec(sys.executable, "-c", SAY_AT, "{tty}").stdout, "OK\n")
        done = self.exec("sh", "-c", 'echo "$VSARA_TTY"; echo "$1"; stat -L -c %F "$VSARA_TTY"', "x", "--tty={tty}")
        tty, argument, kind = done.stdout.splitlines()
        self.assertEqual(argument, f"--tty={tty}")
        self.assertEqual(kind, "character special file")

    def test_the_command_finds_the_module_by_its_environment(self):
        with environment(VSARA_CONSOLE="http://of.another.module/"):
            done = self.exec("sh", "-c", 'test -S "$VSARA_CONTROL"; echo $?; echo "${VSARA_CONSOLE-absent}"; pwd')
        self.assertEqual(done.stdout.splitlines()[:2], ["0", "absent"])
        done = self.exec("sh", "-c", '"$1" ctl power off; "$1" ctl status', "x", BINARY)
        self.assertIn("off", done.stdout)
        done = self.exec("sh", "-c", "echo $VSARA_PORT2", options=("--port", "pty", "--port", "tcp:127.0.0.1:0"))
        self.assertRegex(done.stdout, r"^tcp:127\.0\.0\.1:\d+\n$")

    def test_the_control_socket_has_an_absolute_name(self):
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        script = 'cd /; test -S "$VSARA_CONTROL" && echo "$VSARA_CONTROL"'
        done = run("exec", "--service", "none", "--", "sh", "-c", script, status=0)
        self.assertEqual(done.stdout, f"{self.folder.resolve()}/.vsara/control.sock\n")

    def test_the_standard_streams_are_those_of_the_command(self):
        command = [BINARY, *map(str, self.options()), "--", "sh", "-c", "cat; echo wrong >&2"]
        done = subprocess.run(command, input=b"in\n", capture_output=True, timeout=STOP_S, check=True)
        self.assertEqual((done.stdout, done.stderr), (b"in\n", b"wrong\n"))

    def test_the_ready_line_is_in_the_log_for_who_wants_it(self):
        done = self.exec("echo", "mine", options=("--log", "info"))
        self.assertEqual(done.stdout, "mine\n")
        self.assertIn("ready tty=/dev/pts/", done.stderr)

    def test_the_state_is_that_of_the_module_as_ever(self):
        script = [sys.executable, "-c", SAY_AT.replace("ATE0", "AT+USECROTUID"), "{tty}"]
        self.exec(*script, options=("--rot", "0a04f008003c9623"))
        modem = self.modem("--service", "none", state="state")
        self.assertEqual(modem.rot, "0a04f008003c9623")
        refused = self.exec("true", status=1)
        self.assertIn(str(modem.pid), refused.stderr)

    def test_an_ephemeral_module_leaves_nothing(self):
        temporary = self.folder / "tmp"
        temporary.mkdir()
        with environment(TMPDIR=str(temporary)):
            self.exec("sh", "-c", "ls $TMPDIR | wc -l", options=("--ephemeral",))
        self.assertEqual(os.listdir(temporary), [])
        self.assertFalse((self.folder / "state").exists())


class Refused(ExecCase):
    def test_a_command_that_is_not_there_or_not_executable(self):
        plain = self.folder / "plain"
        plain.write_text("#!/bin/sh\n")
        for command, status in (("no-such-program", 127), ("/no/such/program", 127), (plain, 126), ("/", 126)):
            done = self.exec(command, status=status)
            self.assertIn(f"vsara: {command}: ", done.stderr)
            self.assertEqual(done.stdout, "")
            self.assert_nothing_left()

    def test_wrong_usage_ends_with_status_2(self):
        for wrong in (["--"], [], ["true"], ["--timeout", "5", "--", "true"], ["--profile", "x", "--", "true"]):
            done = run(*self.options(), *wrong)
            self.assertEqual(done.returncode, 2, f"{wrong}: {done.stderr}")
        done = self.exec("echo", "{tty}", options=("--port", "tcp:127.0.0.1:0"), status=2)
        self.assertIn("{tty}", done.stderr)
        self.assert_nothing_left()


class Ending(ExecCase):
    def test_a_signal_reaches_the_whole_process_group(self):
        for name, status in (("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGQUIT", 131)):
            # A child in the background of a shell ignores SIGINT and SIGQUIT; this one does not.
            child = "import signal, time; [signal.signal(s, signal.SIG_DFL) for s in (2, 3)]; time.sleep(60)"
            script = f"ulimit -c 0; {sys.executable} -c '{child}' & echo started; exec sleep 60"
            process = self.started("sh", "-c", script)
            process.send_signal(signal.Signals[name])
            self.assertEqual(process.wait(STOP_S), status, name)
            self.assert_nothing_left()

    def test_a_command_is_waited_for_while_it_tidies_up(self):
        for name in ("SIGINT", "SIGTERM"):
            tidy = self.folder / name
            script = f'trap "sleep 0.4; touch {tidy}; exit 9" INT TERM; echo started; while :; do sleep 0.05; done'
            process = self.started("sh", "-c", script)
            process.send_signal(signal.Signals[name])
            self.assertEqual(process.wait(STOP_S), 9)
            self.assertTrue(tidy.exists())
            self.assert_nothing_left()

    def test_an_interrupt_that_the_command_ignores_ends_nothing(self):
        process = self.started("sh", "-c", 'trap "" INT; echo started; sleep 0.5; echo here; exit 4')
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(STOP_S), 4)
        self.assertEqual(process.stdout.read(), "here\n")

    def test_a_command_that_will_not_end_by_sigterm_is_killed_after_10_s(self):
        process = self.started("sh", "-c", 'trap "" TERM; echo started; while :; do sleep 1; done')
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10 + STOP_S), 137)
        self.assertGreater(time.monotonic() - began, 9)
        self.assert_nothing_left()

    def test_the_time_limit_ends_the_command_and_all_it_started(self):
        for script in (
            "sleep 60 & sleep 60",
            "(sleep 60 & sleep 60) & (sh -c 'sleep 60; :'); :",
            'trap "" TERM; sleep 60 & sleep 60; sleep 60',
            "kill -STOP $$",
        ):
            began = time.monotonic()
            done = self.exec("sh", "-c", script, options=("--timeout", "300ms"), status=124)
            self.assertLess(time.monotonic() - began, 5, script)
            self.assertIn("300ms", done.stderr)
            self.assert_nothing_left()

    def test_a_command_in_time_is_not_touched_by_the_limit(self):
        self.exec("sh", "-c", "sleep 0.2; exit 3", options=("--timeout", "20s"), status=3)

    def test_children_that_outlive_the_command_are_ended(self):
        began = time.monotonic()
        self.exec("sh", "-c", "sleep 60 & (sleep 60 &); exit 5", status=5)
        self.assertLess(time.monotonic() - began, 5)
        self.assert_nothing_left()

    def test_a_module_that_fails_takes_the_command_with_it(self):
        cable, port = pty.openpty()
        path = os.ttyname(port)
        process = self.started(
            "sh", "-c", "echo started; sleep 60", options=("--port", "pty", "--port", f"tty:{path}", "--log", "off")
        )
        os.close(port)
        os.close(cable)
        self.assertEqual(process.wait(STOP_S), 1)
        self.assert_nothing_left()


class OnATerminal(ExecCase):
    """As a user runs it: as a job in the foreground of a shell."""

    def setUp(self):
        super().setUp()
        self.screen, self.terminal = pty.openpty()
        self.addCleanup(os.close, self.screen)
        self.addCleanup(os.close, self.terminal)
        os.set_blocking(self.screen, False)
        self.shown = b""

    def shell(self, *command):
        job = [os.ttyname(self.terminal), BINARY, *map(str, self.options()), "--", *command]
        shell = self.running.enter_context(
            subprocess.Popen(
                [sys.executable, Path(__file__).with_name("shell.py"), *job],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            )
        )
        self.running.callback(shell.kill)
        return shell

    def wait_for(self, text):
        def seen():
            with contextlib.suppress(BlockingIOError):
                self.shown += os.read(self.screen, 4096)
            return text in self.shown
        wait_until(seen, f"{text!r} on the screen", within=STOP_S)

    def type(self, keys):
        os.write(self.screen, keys)

    def test_a_command_may_read_the_terminal_and_set_its_modes(self):
        shell = self.shell("sh", "-c", "stty -echo; echo ready; read line; stty echo; echo got $line; exit 6")
        self.wait_for(b"ready")
        self.type(b"hello\n")
        self.wait_for(b"got hello")
        self.assertEqual(shell.stdout.readline(), "ended 6 kept\n")
        self.assert_nothing_left()

    def test_control_c_ends_the_command_whether_it_uses_the_terminal_or_not(self):
        for script in ("echo ready; sleep 60", "stty echo; echo ready; cat", "echo ready; read line"):
            self.shown = b""
            shell = self.shell("sh", "-c", script)
            self.wait_for(b"ready")
            self.type(b"\x03")
            self.assertEqual(shell.stdout.readline(), "ended 130 kept\n", script)
            self.assert_nothing_left()

    def test_control_z_stops_the_job_and_the_shell_continues_it(self):
        for script, keys in (
            ("echo ready; sleep 1; echo done", b""),
            ("stty echo; echo ready; read line; echo done", b"line\n"),
        ):
            self.shown = b""
            shell = self.shell("sh", "-c", script)
            self.wait_for(b"ready")
            self.type(b"\x1a")
            self.assertEqual(shell.stdout.readline(), "stopped\n", script)
            shell.stdin.write("fg\n")
            shell.stdin.flush()
            self.type(keys)
            self.wait_for(b"done")
            self.assertEqual(shell.stdout.readline(), "ended 0 kept\n", script)

    def test_a_command_killed_while_it_has_the_terminal_gives_it_back(self):
        shell = self.shell("sh", "-c", "stty echo; echo ready; kill -KILL $$")
        self.assertEqual(shell.stdout.readline(), "ended 137 kept\n")


INTERRUPTED = """\
# The power goes in phase 3; the host program does not notice more than a late bootstrap.
device-profile "AgbCtixjwqLjwV3VWpfPyz" features=ldp
modem dut sara-r510s
fault dut at phase 3 cut
wait until dut at phase 3 within 1m
wait 200ms
device state=BOOTSTRAPPING
power dut on
wait until dut < +USECDEVINFO: 1,1,1 within 1m
device state=ACTIVE features=ldp serial=from-the-host
event bootstrap count=1
no event
"""

# Seals the module and waits until it is registered, as the vendor's host driver does, on whatever
# becomes of the module meanwhile.
SEALS = """\
import sys, time, serial
port = serial.Serial(sys.argv[1], 115200, timeout=0.2)
deadline = time.monotonic() + 60
def ask(line):
    port.reset_input_buffer()
    port.write(line.encode() + b"\\r")
    said = b""
    while time.monotonic() < deadline:
        got = port.read(4096)
        said += got
        if b"OK\\r\\n" in said or b"ERROR" in said or not got:
            return said.decode()
sealed = False
while time.monotonic() < deadline:
    sealed = sealed or "OK" in ask('AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz","from-the-host"')
    if sealed and "1,1,1" in ask("AT+USECDEVINFO?"):
        sys.exit(0)
sys.exit(9)
"""


class Scenario(Case):
    limit_s = 300

    def exec(self, scenario, *command, status, options=(), within=100):
        path = self.folder / "world.at"
        path.write_text(scenario)
        return run("exec", "--ephemeral", "--scenario", path, *options, "--timeout", "90s", "--", *command,
                   within=within, status=status)

    def test_a_host_program_goes_through_an_interrupted_bootstrap(self):
        program = self.folder / "seals.py"
        program.write_text(SEALS)
        done = self.exec(INTERRUPTED, sys.executable, program, "{tty}", status=0)
        self.assertRegex(done.stderr, r"pass .*world.at \(")

    def test_every_point_that_can_be_struck_is(self):
        program = self.folder / "seals.py"
        program.write_text(SEALS)
        faults = ("at phase 2 drop-request", "at phase 2 drop-response", "at phase 4 cut before",
                  "at datagram 3 drop", "at datagram 4 duplicate", "at datagram 5 delay 500ms",
                  "at datagram 6 corrupt", "at datagram 7 cut before", "at datagram 8 cut after",
                  "at nvm-write 2 cut before", "at nvm-write 3 cut after")
        for fault in faults:
            cut = "wait 2m\npower dut on\n" if "cut" in fault else ""
            world = f"""\
device-profile "AgbCtixjwqLjwV3VWpfPyz"
modem dut sara-r510s
network dut down
power dut cut
fault dut {fault}
network dut up
power dut on
{cut}wait until dut < +USECDEVINFO: 1,1,1 within 1h
device state=ACTIVE
no event
"""
            # A contact that failed is tried again half a minute of system time later.
            with self.subTest(fault):
                self.exec(world, sys.executable, program, "{tty}", status=0, options=("--time", "60x"))

    def test_an_assertion_that_fails_ends_the_program_with_status_1(self):
        world = "modem dut sara-r510s\nwait until dut < +USECDEVINFO: 1,0,1 within 1m\ndevice state=ACTIVE\n"
        done = self.exec(world, "sleep", "30", status=1, within=20)
        self.assertIn("world.at:3: device state=ACTIVE", done.stderr)
        self.assertIn("  seen      state=UNOWNED", done.stderr)
        world = "modem dut sara-r510s\nfault dut at datagram 9999 drop\nwait 1s\n"
        self.assertIn("this fault never struck", self.exec(world, "sleep", "30", status=1, within=20).stderr)

    def test_the_status_of_the_program_counts_before_the_rest_of_the_scenario(self):
        self.exec("modem dut sara-r510s\nwait 1h\n", "sh", "-c", "exit 7", status=7, within=20)
        self.exec("modem dut sara-r510s\nwait 300ms\n> AT\n< OK\n", "true", status=0, within=20)

    def test_weeks_pass_at_virtual_time(self):
        world = """\
device-profile "AgbCtixjwqLjwV3VWpfPyz"
modem dut sara-r510s
wait until dut < +USECDEVINFO: 1,0,1 within 1m
dut> AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz","s"
dut< OK
wait until dut < +USECDEVINFO: 1,1,1 within 1m
wait 22d
device heartbeats=3
"""
        self.exec(world, "true", status=0, options=("--time", "virtual"))

    def test_what_cannot_be_played_beside_a_program_is_refused_before_it_starts(self):
        touched = self.folder / "touched"
        for line, part in (
            ("modem two sara-r510s", "there is one modem"),
            ("service cut", "`fault service silent` stops it"),
            ("dance", "is no statement"),
        ):
            done = self.exec(f"modem dut sara-r510s\n{line}\n", "touch", touched, status=2)
            self.assertIn("world.at:2", done.stderr)
            self.assertIn(part, done.stderr)
        done = self.exec("modem dut sara-r510s\n", "touch", touched, status=2, options=("--profile", "sara-r422s"))
        self.assertIn("its modem is a sara-r510s, and --profile asks for sara-r422s", done.stderr)
        self.assertFalse(touched.exists())
