"""A session that was recorded, played to a module (`vsara test --port`) and back to the host program
(`vsara replay`)."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import tty

import serial

from vsara import BINARY, PROFILE_UID, STOP_S, Case, Program, Terminal, run

# A host program: brings its module up, seals it, and tells on stdout what it made of it.
HOST = f"""
import serial, sys, time
port = serial.Serial(sys.argv[1], 115200, timeout=0.5)

def ask(text):
    port.write(text.encode() + b"\\r")
    lines = []
    end = time.monotonic() + 20
    while time.monotonic() < end:
        line = port.readline().strip().decode()
        if line in ("OK", "ERROR") or line.startswith("+CME ERROR"):
            return lines, line
        if line and line != text:
            lines.append(line)
    sys.exit(f"no answer to {{text}}")

assert ask("ATE0")[1] == "OK"
if sys.argv[2:] == ["slowly"]:
    time.sleep(3.5)
print(ask("ATI")[0][0])
assert ask("AT+CMEE=2")[1] == "OK"
print(ask("AT+NOSUCH?")[1])
for _ in range(200):
    if ask("AT+USECDEVINFO?")[0] == ["+USECDEVINFO: 1,0,1"]:
        break
    time.sleep(0.05)
else:
    sys.exit("never registered")
print(ask('AT+USECDEVINFO="{PROFILE_UID}","serial-1"')[1])
assert ask("AT+CEREG=1;+COPS=2")[1] == "OK"
print(next(line for line in (port.readline().strip().decode() for _ in range(20)) if line))
"""

SEEN = ["SARA-R510S-01B-00", "+CME ERROR: operation not supported", "OK", "+CEREG: 0"]

DIALOGUE = """\
modem dut sara-r510s
> AT+CGMI
< u-blox
< OK
"""


class OfASession(Case):
    def setUp(self):
        super().setUp()
        self.host = self.folder / "host.py"
        self.host.write_text(HOST)
        self.session = self.folder / "session.at"

    def record(self):
        """Has the host program talk to a new module, and gives what it saw. It is slow enough for the
        module to have registered when it asks, in any time."""
        modem = self.modem(state="recorded")
        done = run(
            "record", "--port", modem.tty, "--out", self.session, "--", sys.executable, self.host, "{tty}",
            "slowly", status=0, within=60,
        )
        return done.stdout.splitlines()

    def test_it_is_played_in_memory_to_a_port_and_back_to_its_host_program(self):
        seen = self.record()
        self.assertEqual(seen, SEEN)

        self.assertIn("1 passed", run("test", self.session, status=0).stdout)

        other = self.modem(state="other")
        other.wait_for_flags("1,0,1")
        done = run("test", "--port", other.tty, self.session, status=0, within=60)
        self.assertIn("1 passed, 0 failed, 0 skipped", done.stdout)
        self.assertIn(f"{self.session}:4: passed over: that is the module at the port", done.stderr)
        self.assertTrue(other.command("AT+COPS=0").ok)
        other.wait_for_flags("1,1,1")

        done = run("replay", self.session, "--", sys.executable, self.host, "{tty}", status=0, within=60)
        self.assertEqual(done.stdout.splitlines(), seen)
        self.assertIn(" 0 unknown, 0 guessed, 0 never asked", done.stderr)

    def test_a_host_program_in_another_order_and_spelling_still_finds_its_module(self):
        self.record()
        other = HOST.replace('"ATI"', '"ati "').replace("AT+CEREG=1;+COPS=2", "AT+cereg = 1; +cops = 2")
        self.host.write_text(other.replace('print(ask("AT+NOSUCH?")[1])', 'ask("AT+SECOND?")'))
        done = run("replay", self.session, "--", sys.executable, self.host, "{tty}", status=0, within=60)
        self.assertEqual(done.stdout.splitlines(), [SEEN[0], *SEEN[2:]])
        self.assertIn("AT+SECOND? is in no line; the answer was ERROR", done.stderr)
        self.assertRegex(done.stderr, r"session.at:\d+: never asked: dut> AT\+NOSUCH\?")
        self.assertIn(" 1 unknown, 0 guessed, ", done.stderr)


class OnAPort(Case):
    """`vsara test --port`."""

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_what_only_an_emulator_can_do_is_skipped_and_said_and_leaves_the_module_alone(self):
        modem = self.modem("--service", "none")
        cut = self.write("cut.at", "modem dut sara-r510s\n> ATE0\n< OK\npower dut cut\n")
        claims = self.write("claims.at", DIALOGUE + "device dut state=NONE\n")
        fails = self.write("fails.at", DIALOGUE.replace("u-blox", "v-blox"))
        good = self.write("good.at", DIALOGUE + "wait 10s\n> AT\n< OK\n")
        results = self.folder / "results.xml"
        began = time.monotonic()
        done = run("test", "--port", modem.tty, "--junit", results, cut, claims, fails, good, status=1, within=60)
        self.assertGreaterEqual(time.monotonic() - began, 10)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], f"skip {cut}:4: the power of a real module is out of reach")
        self.assertTrue(lines[1].startswith(f"skip {claims}:5: the dialogue held;"), lines[1])
        self.assertEqual(lines[2], f"FAIL {fails}:3: < v-blox")
        self.assertIn("  seen      u-blox", lines)
        self.assertEqual(lines[-1], "1 passed, 1 failed, 2 skipped")
        self.assertIn(f"{good}:5: waits 10s of real time", done.stderr)
        self.assertIn("<skipped", results.read_text())
        with modem.terminal() as terminal:
            terminal.send("AT")
            self.assertEqual(terminal.line(), "AT", "no statement of cut.at was sent")

    def test_a_read_is_repeated_until_it_holds_or_its_time_is_over(self):
        modem = self.modem()
        path = self.write("wait.at", "modem dut sara-r510s\nwait until < +USECDEVINFO: 1,0,1 within 30s\n")
        run("test", "--port", modem.tty, path, status=0, within=40)
        path = self.write("never.at", "modem dut sara-r510s\nwait until < +USECDEVINFO: 1,1,1 within 2s\n")
        self.assertIn("1 failed", run("test", "--port", modem.tty, path, status=1).stdout)

    def test_a_read_that_a_booting_module_did_not_see_is_asked_again(self):
        modem = self.modem("--service", "none", "--timing", "module")
        path = self.write(
            "boot.at",
            "modem dut sara-r510s\n> AT+CFUN=16\n< OK\nwait until < +CMEE: 0 within 60s\n> AT+CGMI\n< u-blox\n< OK\n",
        )
        run("test", "--port", modem.tty, path, status=0, within=60)

    def test_a_port_that_goes_away_fails_the_file_and_is_said(self):
        modem = self.modem("--service", "none")
        first = self.write("a.at", DIALOGUE + "wait 1h\n")
        second = self.write("b.at", DIALOGUE)
        threading.Timer(1.5, modem.stop).start()
        done = run("test", "--port", modem.tty, first, second, status=1)
        self.assertIn(f"FAIL {first}:5: wait 1h", done.stdout)
        self.assertIn("0 passed, 1 failed, 0 skipped", done.stdout)
        self.assertIn("1 file was not played", done.stderr)

    def test_an_interrupt_ends_it_at_once_and_the_module_is_there_for_the_next(self):
        modem = self.modem("--service", "none")
        path = self.write("long.at", DIALOGUE + "wait 1h\n")
        process = self.running.enter_context(
            subprocess.Popen(
                [BINARY, "test", "--port", modem.tty, path],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )
        self.running.callback(process.kill)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(STOP_S), -signal.SIGINT)
        self.assertTrue(modem.command("AT").ok)

    def test_what_cannot_be_is_refused(self):
        path = self.write("good.at", DIALOGUE)
        wrong = self.write("wrong.at", "dance\n")
        for arguments, status, what in (
            (("--port", "/dev/no-such-tty", path), 1, "/dev/no-such-tty"),
            (("--port", "/dev/no-such-tty", wrong), 2, "wrong.at:1:1"),
            (("--port", "/dev/no-such-tty", "--bless", path), 2, "--bless"),
            (("--port", "/dev/no-such-tty", "--jobs", "2", path), 2, "--jobs"),
            (("--rate", "9600", path), 2, "--port"),
        ):
            done = run("test", *arguments)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(what, done.stderr)


class StandIn(Case):
    """`vsara replay`."""

    def replay(self, text, *options):
        path = self.folder / "session.at"
        path.write_text(text)
        return self.running.enter_context(Program(self.folder / "replay", "replay", path, *options))

    def test_it_says_in_the_end_what_it_made_of_its_file(self):
        stand_in = self.replay(
            DIALOGUE + "> AT+CGSN\n< *\n< OK\nwait 1s\n<< +CEREG: 5\n> AT+CSQ\n< +CSQ: 1,2\n< OK\n"
        )
        with Terminal(stand_in.ready["tty"]) as terminal:
            self.assertEqual(terminal.command("AT+CGMI").lines, ["u-blox"])
            self.assertFalse(terminal.command("AT+NOSUCH").ok)
            (number,) = terminal.command("AT+CGSN").lines
            self.assertRegex(number, r"^\d{15}$")
            began = time.monotonic()
            self.assertEqual(terminal.line(), "+CEREG: 5")
            self.assertGreater(time.monotonic() - began, 0.5)
        # Who comes after finds it as it was left.
        with Terminal(stand_in.ready["tty"]) as terminal:
            self.assertEqual(terminal.command("AT+CGMI").lines, ["u-blox"])
        self.assertEqual(stand_in.stop(signal.SIGINT), 0)
        text = stand_in.stderr()
        for part in (
            "AT+NOSUCH is in no line; the answer was ERROR",
            f"session.at:6: said {number}",
            "session.at:10: never asked: > AT+CSQ",
            "3 answered (0 out of order, 1 repeated), 1 unknown, 1 guessed, 1 never asked",
        ):
            self.assertIn(part, text)

    def test_what_it_made_of_it_is_one_object_with_json(self):
        path = self.folder / "session.at"
        path.write_text(DIALOGUE)
        done = run("replay", path, "--json", "--", "true", status=0)
        account = json.loads(done.stderr)
        self.assertEqual((account["answered"], account["never_asked"]), (0, [[2, "> AT+CGMI"]]))

    def test_the_status_is_that_of_the_command(self):
        path = self.folder / "session.at"
        path.write_text(DIALOGUE)
        self.assertEqual(run("replay", path, "--", "sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(run("replay", path, "--", "no-such-program").returncode, 127)

    def test_it_answers_on_a_serial_port_until_that_is_gone(self):
        host, port = pty.openpty()
        tty.setraw(port)
        path = os.ttyname(port)
        stand_in = self.replay(DIALOGUE, "--port", path)
        self.assertEqual(stand_in.ready["tty"], path)
        os.write(host, b"AT+CGMI\r")
        heard = b""
        while not heard.endswith(b"\r\nOK\r\n"):
            heard += os.read(host, 100)
        self.assertEqual(heard, b"AT+CGMI\r\r\nu-blox\r\n\r\nOK\r\n")
        os.close(port)
        os.close(host)
        self.assertEqual(stand_in.process.wait(STOP_S), 1)
        self.assertIn(path, stand_in.stderr())
        self.assertIn("1 answered", stand_in.stderr())

    def test_a_host_program_that_never_reads_does_not_stop_it(self):
        stand_in = self.replay(DIALOGUE)
        with serial.Serial(stand_in.ready["tty"], 115200, timeout=0, write_timeout=STOP_S) as port:
            for _ in range(2000):
                port.write(b"AT+NOSUCH\r" * 10)
        with Terminal(stand_in.ready["tty"]) as terminal:
            terminal.receive()
            self.assertEqual(terminal.command("AT+CGMI").lines, ["u-blox"])
        self.assertEqual(stand_in.stop(), 0)

    def test_what_cannot_be_played_back_is_refused(self):
        good, wrong, mute, two = (self.folder / name for name in ("good.at", "wrong.at", "mute.at", "two.at"))
        good.write_text(DIALOGUE)
        wrong.write_text("dance\n")
        mute.write_text("modem dut sara-r510s\n")
        two.write_text("modem dut sara-r510s ports=2\n> AT\n< OK\ndut.2> AT\n")
        for arguments, status, what in (
            ((wrong,), 2, "wrong.at:1:1"),
            ((mute,), 2, "mute.at:1"),
            ((two,), 2, "two.at:4"),
            ((self.folder / "nowhere.at",), 2, "nowhere.at"),
            ((good, "--port", "/dev/no-such-tty"), 1, "/dev/no-such-tty"),
            ((good, "--port", "/dev/ttyS0", "--", "true"), 2, "--port"),
            ((good, "--rate", "0"), 2, "--rate"),
        ):
            done = run("replay", *arguments)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(what, done.stderr)
