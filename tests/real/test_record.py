"""`vsara record`: a pseudo-terminal in front of a module, and the scenario of what passed."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import threading
import time
import tty

import serial

from vsara import BINARY, PROFILE_UID, STOP_S, Case, Program, Terminal, run, wait_until

TCGETS2 = 0x802C542A
TERMIOS2 = "4I20B2I"

# Sends the command lines it is given and waits for the end of each answer.
SAY = """
import serial, sys
port = serial.Serial(sys.argv[1], 115200, timeout=5)
for line in sys.argv[2:]:
    port.write(line.encode() + b"\\r")
    port.read_until(b"OK\\r\\n")
"""


class RecordCase(Case):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "session.at"

    def recorder(self, port, *options):
        """A running `vsara record` without a command."""
        return self.running.enter_context(
            Program(self.folder / "record", "record", "--port", port, "--out", self.out, *options)
        )

    def record(self, port, *command, **more):
        """Runs `vsara record` with a command to its end."""
        return run("record", "--port", port, "--out", self.out, "--", *command, **more)

    def statements(self):
        """The scenario without what stands before the first empty line."""
        return self.out.read_text().partition("\n\n")[2].splitlines()


class OfAModule(RecordCase):
    def test_what_was_said_is_written_when_it_is_interrupted(self):
        modem = self.modem("--service", "none")
        recorder = self.recorder(modem.tty)
        self.assertEqual(recorder.ready["port"], modem.tty)
        self.assertNotEqual(recorder.ready["tty"], modem.tty)
        with Terminal(recorder.ready["tty"]) as terminal:
            self.assertEqual(terminal.command("ATI").lines, ["SARA-R510S-01B-00"])
            terminal.send("ATE0")
            terminal.answer(echo="ATE0")
            self.assertTrue(terminal.command("AT+CEREG=1;+COPS=2").ok)
            self.assertEqual(terminal.line(), "+CEREG: 0")
            self.assertFalse(terminal.command("AT+NO{SUCH}").ok)
        self.assertFalse(self.out.exists(), "it gets its name when it is whole")
        self.assertEqual(recorder.stop(signal.SIGINT), 0)
        self.assertEqual(recorder.more_lines(), [])
        head = self.out.read_text().splitlines()
        self.assertIn(modem.tty, head[0])
        self.assertIn("modem dut sara-r510s", head)
        self.assertEqual(
            self.statements(),
            [
                "dut> ATI",
                "dut< SARA-R510S-01B-00",
                "dut< OK",
                "dut> ATE0",
                "dut< OK",
                "dut> AT+CEREG=1;+COPS=2",
                "dut< OK",
                "dut<< +CEREG: 0 within 10s",
                "dut> AT+NO{SUCH}",
                "dut< ERROR",
            ],
        )
        self.assertIn("1 passed", run("test", self.out, status=0).stdout)
        self.assertEqual(sorted(os.listdir(self.folder)), ["modem", "modem.log", "record.log", "session.at"])

    def test_a_sealed_module_plays_back(self):
        modem = self.modem("--profile", "sara-r422s")
        modem.wait_for_flags("1,0,1")
        seal = f'AT+USECDEVINFO="{PROFILE_UID}","serial-1"'
        self.record(modem.tty, sys.executable, "-c", SAY, "{tty}", "AT+CGMM", "AT+CMEE=1", seal, status=0)
        text = self.out.read_text()
        self.assertIn("modem dut sara-r422s\n", text)
        self.assertIn(f'device-profile "{PROFILE_UID}"\n', text)
        self.assertIn(f"dut> {seal}\ndut< OK\n", text)
        self.assertIn("1 passed", run("test", self.out, status=0).stdout)

    def test_the_status_and_the_streams_are_those_of_the_command(self):
        modem = self.modem("--service", "none")
        done = self.record(modem.tty, "sh", "-c", 'test "$VSARA_TTY" = "$1" && cat; echo x; exit 7', "x", "{tty}")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "x\n", ""))
        self.assertIn('by sh -c test "$VSARA_TTY"', self.out.read_text().splitlines()[0])
        self.record(modem.tty, "sh", "-c", "kill -TERM $$", status=143)

    def test_inside_exec_the_module_is_still_found(self):
        inner = f'{BINARY} record --port "$VSARA_TTY" --out {self.out} -- {BINARY} ctl status'
        done = run("exec", "--ephemeral", "--service", "none", "--", "sh", "-c", inner, status=0)
        self.assertIn("sara-r510s", done.stdout)

    def test_a_module_that_goes_away_leaves_what_it_said(self):
        modem = self.modem("--service", "none")
        recorder = self.recorder(modem.tty)
        with Terminal(recorder.ready["tty"]) as terminal:
            self.assertTrue(terminal.command("AT").ok)
        modem.stop()
        self.assertEqual(recorder.process.wait(STOP_S), 1)
        self.assertIn(modem.tty, recorder.stderr())
        self.assertEqual(self.statements(), ["dut> AT", "dut< OK"])


class OfALine(RecordCase):
    """With a module that is played by hand on the other end of a pseudo-terminal."""

    def setUp(self):
        super().setUp()
        self.module, self.port = pty.openpty()
        tty.setraw(self.port)
        self.path = os.ttyname(self.port)
        self.addCleanup(os.close, self.module)
        self.addCleanup(os.close, self.port)

    def expect(self, wanted):
        """Reads what the host sent."""
        heard = b""
        while len(heard) < len(wanted):
            heard += os.read(self.module, 4096)
        self.assertEqual(heard, wanted)

    def test_the_line_follows_the_rate_of_the_host_program(self):
        recorder = self.recorder(self.path)
        self.assertEqual(self.rate(), 115200)
        for rate in (9600, 460800):
            with serial.Serial(recorder.ready["tty"], rate) as port:
                port.write(b"AT\r")
                self.expect(b"AT\r")
            self.assertEqual(self.rate(), rate)

    def test_a_host_program_that_sets_no_rate_finds_that_of_the_line(self):
        recorder = self.recorder(self.path, "--rate", "19200")
        self.assertEqual(self.rate(), 19200)
        with open(recorder.ready["tty"], "wb", buffering=0) as port:
            port.write(b"AT\r")
            self.expect(b"AT\r")
        self.assertEqual(self.rate(), 19200)

    def rate(self):
        """The rate of the line as a number, which `termios` knows only for some."""
        modes = fcntl.ioctl(self.port, TCGETS2, bytes(struct.calcsize(TERMIOS2)))
        return struct.unpack(TERMIOS2, modes)[-1]

    def test_data_and_pauses_are_written_down(self):
        recorder = self.recorder(self.path)
        with serial.Serial(recorder.ready["tty"], 115200, timeout=5) as port:
            port.write(b"AT+USOWR=0,3\r")
            self.expect(b"AT+USOWR=0,3\r")
            os.write(self.module, b"AT+USOWR=0,3\r\r\n@")
            port.read_until(b"@")
            port.write(b"\x00\r\xff")
            self.expect(b"\x00\r\xff")
            os.write(self.module, b"\r\n+USOWR: 0,3\r\n\r\nOK\r\n")
            port.read_until(b"OK\r\n")
            time.sleep(4)
            port.write(b"AT\r")
            self.expect(b"AT\r")
        self.assertEqual(recorder.stop(), 0)
        self.assertEqual(
            self.statements(),
            [
                "dut> AT+USOWR=0,3",
                'dut<prompt "@"',
                'dut>> "\\x00\\r\\xff"',
                "dut< +USOWR: 0,3",
                "dut< OK",
                "wait 5s",
                "dut> AT",
            ],
        )

    def test_every_byte_arrives_however_slowly_the_other_side_reads(self):
        recorder = self.recorder(self.path)
        sent = os.urandom(300_000)
        with serial.Serial(recorder.ready["tty"], 115200, timeout=5) as port:
            # Waits behind its first byte until the pseudo-terminal knows that somebody is there.
            port.write(b"\0")
            self.expect(b"\0")
            for write, read in (
                (port.write, lambda: os.read(self.module, 5000)),
                (self.write_all, lambda: port.read(max(1, min(5000, port.in_waiting)))),
            ):
                writer = threading.Thread(target=write, args=(sent,), daemon=True)
                writer.start()
                heard = b""
                while len(heard) < len(sent):
                    heard += read()
                    time.sleep(0.001)
                self.assertEqual(heard, sent)
                writer.join(STOP_S)
        self.assertEqual(recorder.stop(), 0)

    def write_all(self, text):
        while text:
            text = text[os.write(self.module, text):]


class Refused(RecordCase):
    def test_what_cannot_be_recorded_is_said_and_leaves_no_file(self):
        modem = self.modem("--service", "none")
        before = sorted(os.listdir(self.folder))
        for port, out, command, status, what in (
            ("/dev/no-such-tty", self.out, ["true"], 1, "/dev/no-such-tty"),
            (modem.tty, self.folder / "nowhere" / "x.at", ["true"], 1, "nowhere"),
            (modem.tty, self.folder, ["true"], 2, str(self.folder)),
            (modem.tty, self.out, ["no-such-program"], 127, "no-such-program"),
            (modem.tty, self.out, ["/"], 126, "/"),
        ):
            done = run("record", "--port", port, "--out", out, "--", *command)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(what, done.stderr)
            self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.assertTrue(modem.command("AT").ok)

    def test_a_command_is_told_of_the_signal_and_waited_for(self):
        modem = self.modem("--service", "none")
        command = ["sh", "-c", 'trap "echo tidy; exit 9" TERM; echo started; while :; do sleep 0.05; done']
        process = self.running.enter_context(
            subprocess.Popen(
                [BINARY, "record", "--port", modem.tty, "--out", self.out, "--", *command],
                stdout=subprocess.PIPE, text=True,
            )
        )
        self.running.callback(process.kill)
        self.assertEqual(process.stdout.readline(), "started\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(STOP_S), 9)
        self.assertEqual(process.stdout.read(), "tidy\n")
        wait_until(self.out.exists, "the scenario", within=1)
