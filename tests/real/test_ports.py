"""Several ports, of every kind, as host programs see them."""

import contextlib
import fcntl
import os
import random
import signal
import socket
import statistics
import struct
import time
import tty
from pathlib import Path

import serial

from vsara import ANSWER_S, Case, Terminal, run, wait_until

TCGETS2 = 0x802C542A
TERMIOS2 = "=4IB19s2I"
R4_SECURE = "sara-r410m-83b"


def rfc2217(port, **options):
    """A terminal on a port `rfc2217:ADDRESS`, as pyserial's client opens it."""
    terminal = Terminal.__new__(Terminal)
    url = port.replace("rfc2217:", "rfc2217://")
    terminal.port = serial.serial_for_url(url, 115200, timeout=0.02, **options)
    terminal.input = b""
    return terminal


def tcp(port):
    """A terminal on a port `tcp:ADDRESS`."""
    return Terminal(port.replace("tcp:", "socket://"))


def address(port):
    """Where a port of the ready line listens; the path of one that does not."""
    if port.startswith("/"):
        return port
    host, number = port.split(":", 1)[1].rsplit(":", 1)
    return host, int(number)


def fill(line, text):
    """Writes a text again and again until nobody takes more; gives how many bytes were taken."""
    taken = 0
    line.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while taken < 4_000_000:
            taken += line.send(text[taken % len(text):])
    line.setblocking(True)
    return taken


class SeveralPorts(Case):
    def ports(self, *options):
        kinds = ("pty", "pty", "tcp:127.0.0.1:0", "rfc2217:127.0.0.1:0")
        modem = self.modem(*(option for kind in kinds for option in ("--port", kind)), *options)
        opened = (modem.terminal(), Terminal(modem.ready["port2"]),
                  tcp(modem.ready["port3"]), rfc2217(modem.ready["port4"]))
        for terminal in opened:
            self.running.enter_context(terminal)
        return modem, opened

    def test_each_has_its_echo_its_settings_and_its_urcs(self):
        modem, ports = self.ports()
        self.assertEqual(os.readlink(f"{modem.state}/tty.2"), modem.ready["port2"])
        for number, port in enumerate(ports):
            for setting in (f"ATE{number % 2}", f"AT+CMEE={number % 3}", f"AT+CREG={number % 3}"):
                self.assertTrue(port.command(setting).ok, setting)
        for number, port in enumerate(ports):
            port.send("AT+NONE")
            refused = ["ERROR", "+CME ERROR: 4", "+CME ERROR: operation not supported"][number % 3]
            echo = "AT+NONE\r" if number % 2 else ""
            self.assertEqual(port.receive().decode(), f"{echo}\r\n{refused}\r\n", number)
        modem.ctl("network", "down")
        for number, port in enumerate(ports):
            heard = port.receive().decode().split()
            self.assertEqual(heard, [[], ["+CREG:", "2"], ["+CREG:", "2"]][number % 3], number)

    def test_what_blocks_one_lets_the_others_go_on(self):
        _, ports = self.ports("--profile", R4_SECURE, "--service", "127.0.0.1:9")
        for blocked in ports:
            others = [port for port in ports if port is not blocked]
            blocked.send("AT+USECDEVINFO?")
            self.assertEqual(blocked.receive().strip(), b"AT+USECDEVINFO?")
            for other in others:
                self.assertTrue(other.command("ATI", within=1).ok)
            # Without coverage it answers.
            self.assertTrue(others[0].command("AT+CFUN=4").ok)
            self.assertEqual(blocked.answer().final, "ERROR")
            self.assertTrue(others[0].command("AT+CFUN=1").ok)

    def test_a_port_that_floods_keeps_nobody_waiting(self):
        modem = self.modem("--port", "tcp:127.0.0.1:0", "--port", "tcp:127.0.0.1:0", "--port", "pty",
                           "--service", "none", "--log", "debug")
        flooding, other, last = (address(modem.ready[f"port{number}"]) for number in (1, 2, 3))
        with socket.create_connection(flooding) as flood, socket.create_connection(other) as port, \
                Terminal(last) as terminal:
            for line in (flood, port):
                line.sendall(b"ATE0\r")
                wait_until(lambda: line.recv(100).endswith(b"OK\r\n"), "OK")
            os.kill(modem.pid, signal.SIGSTOP)
            sent = fill(flood, b"x" * 999 + b"\r")
            port.sendall(b"ATI\r")
            terminal.send("AT+CGMM")
            os.kill(modem.pid, signal.SIGCONT)
            wait_until(lambda: port.recv(100).endswith(b"OK\r\n"), "an answer")
            terminal.answer()
            lines = modem.stderr().splitlines()
            for command in ("> ATI", "> AT+CGMM"):
                before = next(at for at, line in enumerate(lines) if line.endswith(command))
                flooded = sum("xxx" in line for line in lines[:before])
                self.assertLess(flooded, sent // 1000 // 2, command)

    def test_a_port_that_floods_does_not_keep_the_program_from_ending(self):
        modem = self.modem("--port", "tcp:127.0.0.1:0", "--service", "none", "--log", "debug")
        with socket.create_connection(address(modem.ready["port1"])) as flood:
            os.kill(modem.pid, signal.SIGSTOP)
            sent = fill(flood, b"x" * 999 + b"\r")
            modem.process.send_signal(signal.SIGTERM)
            os.kill(modem.pid, signal.SIGCONT)
            self.assertEqual(modem.process.wait(ANSWER_S), 0)
            flooded = sum("xxx" in line for line in modem.stderr().splitlines())
            self.assertLess(flooded, sent // 1000 // 2)


class Tcp(Case):
    def test_an_answer_never_waits_for_more(self):
        modem = self.modem("--port", "tcp:127.0.0.1:0")
        with socket.create_connection(address(modem.ready["port1"]), ANSWER_S) as line:
            times = []
            for _ in range(100):
                began = time.monotonic()
                line.sendall(b"AT+CGMI;+CGMM\r")
                heard = b""
                while not heard.endswith(b"OK\r\n"):
                    heard += line.recv(4096)
                times.append(time.monotonic() - began)
            # An echo and three lines are four writes: with Nagle's algorithm, 40 ms.
            self.assertLess(statistics.median(times), 0.02)

    def test_each_line_comes_in_one_piece(self):
        modem = self.modem("--port", "tcp:127.0.0.1:0")
        with socket.create_connection(address(modem.ready["port1"]), ANSWER_S) as line:
            line.sendall(b"ATE0;+CREG=2\r")
            time.sleep(0.2)
            line.recv(4096)
            for up, urc in (("down", b"\r\n+CREG: 2\r\n"), ("up", b"\r\n+CREG: 1,")):
                modem.ctl("network", up)
                heard = line.recv(4096)
                if not heard.startswith(urc):
                    # Searching and registered are two lines, which may come as one piece or two.
                    self.assertEqual(heard, b"\r\n+CREG: 2\r\n")
                    heard = line.recv(4096)
                self.assertTrue(heard.startswith(urc) and heard.endswith(b"\r\n"), heard)


class PtyRates(Case):
    def test_a_rate_counts_from_the_first_ipr_on(self):
        modem = self.modem("--profile", "sara-r410m-02b", "--service", "none")
        for rate in (9600, 115200, 921600):
            with contextlib.closing(serial.Serial(modem.tty, rate, timeout=0.3)) as port:
                port.write(b"AT\r")
                self.assertIn(b"OK", port.read(9), rate)
        with contextlib.closing(serial.Serial(modem.tty, 115200, timeout=0.3)) as port:
            port.write(b"AT+IPR=9600;&W\r")
            self.assertTrue(port.read(100).endswith(b"\r\nOK\r\n"), "the OK leaves at the old rate")
            port.write(b"AT\r")
            self.assert_garbage(port.read(100))
            port.baudrate = 9600
            port.write(b"\rAT\r")
            self.assertIn(b"OK", port.read(100))
        modem.stop()
        modem = self.modem("--service", "none")
        with contextlib.closing(serial.Serial(modem.tty, 115200, timeout=0.3)) as port:
            port.write(b"AT\r")
            self.assert_garbage(port.read(100))
        careless = os.open(modem.tty, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, careless)
        os.write(careless, b"\rAT\r")
        wait_until(lambda: b"OK" in os.read(careless, 100), "whoever sets no rate is served", within=2)

    def assert_garbage(self, heard):
        self.assertTrue(heard and min(heard) >= 0x80, heard)

    def test_autobauding_takes_the_first_rate(self):
        modem = self.modem("--service", "none")
        self.assertTrue(modem.command("AT+IPR=0;&W").ok)
        for rate in (57600, 9600):
            modem.ctl("power", "cut")
            modem.ctl("power", "on")
            with contextlib.closing(serial.Serial(modem.tty, rate, timeout=0.3)) as port:
                port.write(b"At\r")
                self.assertEqual(port.read(10), b"")
                port.write(b"AT+IPR?\r")
                self.assertIn(f"+IPR: {rate}\r\n".encode(), port.read(100))
                port.baudrate = 115200
                port.write(b"AT\r")
                self.assert_garbage(port.read(100))


class RealUart(Case):
    """A serial port of this computer; a pair of pseudo-terminals stands for the cable."""

    def cable(self):
        ours, theirs = os.openpty()
        self.addCleanup(os.close, theirs)
        self.addCleanup(os.close, ours)
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        return ours, os.ttyname(theirs)

    def rate(self, line):
        """The rate of the cable in bits per second, whether it has a name in termios or not."""
        modes = fcntl.ioctl(line, TCGETS2, bytes(struct.calcsize(TERMIOS2)))
        return struct.unpack(TERMIOS2, modes)[-1]

    def heard(self, line, until, within=ANSWER_S):
        heard = b""

        def more():
            nonlocal heard
            with contextlib.suppress(BlockingIOError):
                heard += os.read(line, 4096)
            return until in heard

        wait_until(more, f"{until} in {heard}", within)
        return heard

    def test_the_module_is_at_the_other_end(self):
        line, path = self.cable()
        modem = self.modem("--port", f"tty:{path}", "--service", "none")
        self.assertEqual(modem.ready["port1"], f"tty:{path}")
        os.write(line, b"ATI\r")
        self.assertEqual(self.heard(line, b"OK\r\n"), b"ATI\r\r\nSARA-R510S-01B-00\r\n\r\nOK\r\n")

    def test_the_line_follows_ipr_behind_the_ok(self):
        line, path = self.cable()
        modem = self.modem("--port", f"tty:{path}", "--service", "none")
        self.assertEqual(self.rate(line), 115200)
        os.write(line, b"AT+IPR=9600;&W\r")
        self.heard(line, b"OK\r\n")
        wait_until(lambda: self.rate(line) == 9600, "the new rate", within=2)
        os.write(line, b"AT+IPR?\r")
        self.heard(line, b"+IPR: 9600\r\n\r\nOK\r\n")
        modem.stop()
        self.modem("--port", f"tty:{path}", "--service", "none")
        wait_until(lambda: self.rate(line) == 9600, "kept by &W", within=2)

    def test_a_port_that_vanishes_ends_the_program(self):
        ours, theirs = os.openpty()
        modem = self.modem("--port", f"tty:{os.ttyname(theirs)}", "--service", "none")
        os.close(theirs)
        os.close(ours)
        self.assertEqual(modem.process.wait(5), 1)
        self.assertIn("tty:", modem.stderr())


class Replug(Case):
    def gone(self, port):
        """A host program meets a hang-up."""
        os.set_blocking(port, False)

        def look():
            try:
                return os.read(port, 100) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True
        wait_until(look, "a hang-up", within=2)

    def open(self, path):
        port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, port)
        return port

    def answers(self, link):
        """Opens the port by its link, as soon as it is there, and speaks to the module."""
        wait_until(lambda: os.path.exists(link), "the port is back", within=5)
        with Terminal(os.path.realpath(link)) as terminal:
            self.assertTrue(terminal.command("AT").ok)

    def test_every_pty_hangs_up_and_comes_back_under_its_link(self):
        modem = self.modem("--replug", "--port", "pty", "--port", "tcp:127.0.0.1:0", "--port", "pty",
                           "--service", "none")
        links = [modem.ready["link"], f"{modem.state}/tty.2"]
        with tcp(modem.ready["port2"]) as other:
            for cause in ("AT+CFUN=16", "AT+CFUN=15", "reset"):
                held = [self.open(link) for link in links]
                old = [os.readlink(link) for link in links]
                if cause == "reset":
                    modem.ctl("reset")
                else:
                    with Terminal(links[0]) as terminal:
                        self.assertTrue(terminal.command(cause).ok, "the OK is read before the hang-up")
                for port in held:
                    self.gone(port)
                for link in links:
                    self.answers(link)
                self.assertEqual(set(old) & {os.readlink(link) for link in links}, set(), "they are new")
                self.assertTrue(other.command("AT").ok, "TCP stays")

    def test_without_power_there_is_no_port_and_no_link(self):
        modem = self.modem("--replug", "--service", "none")
        link = modem.ready["link"]
        for cause in ("off", "cut"):
            held = self.open(link)
            terminal = os.readlink(link)
            modem.ctl("power", cause)
            self.gone(held)
            wait_until(lambda: not os.path.lexists(link), "no link dangles", within=2)
            self.assertFalse(os.path.exists(terminal) and os.fstat(held).st_rdev == os.stat(terminal).st_rdev)
            modem.ctl("power", "on")
            self.answers(link)
        with Terminal(link) as last:
            self.assertTrue(last.command("AT+CPWROFF").ok)
        wait_until(lambda: not os.path.lexists(link), "no link dangles", within=2)
        modem.stop()
        self.assertFalse(os.path.lexists(link))

    def test_it_is_absent_as_long_as_the_module_boots(self):
        modem = self.modem("--replug", "--timing", "module", "--time", "10x", "--service", "none")
        link = modem.ready["link"]
        with Terminal(link) as terminal:
            self.assertTrue(terminal.command("AT+CFUN=16").ok)
        wait_until(lambda: not os.path.lexists(link), "gone", within=2)
        began = time.monotonic()
        self.answers(link)
        self.assertGreater(time.monotonic() - began, 0.8, "15 s at ten times the pace")

    def test_a_link_that_somebody_else_took_is_left_alone(self):
        modem = self.modem("--replug", "--service", "none")
        link = Path(modem.ready["link"])
        link.unlink()
        link.write_text("precious")
        modem.ctl("power", "cut")
        time.sleep(0.2)
        self.assertEqual(link.read_text(), "precious")
        with contextlib.suppress(AssertionError):
            modem.ctl("power", "on")
        self.assertEqual(modem.process.wait(5), 1)
        self.assertIn("no symbolic link", modem.stderr())
        self.assertEqual(link.read_text(), "precious")

    def test_a_usb_port_has_no_rate(self):
        modem = self.modem("--replug", "--service", "none")
        with modem.terminal() as terminal:
            self.assertTrue(terminal.command("AT+IPR=9600").ok)
            self.assertTrue(terminal.command("AT").ok)

    def test_without_a_pty_it_is_refused(self):
        refused = run("modem", "--ephemeral", "--replug", "--port", "tcp:127.0.0.1:0", status=2)
        self.assertIn("--port pty", refused.stderr)


class Rfc2217(Case):
    def line(self, *options, **settings):
        modem = self.modem("--port", "rfc2217:127.0.0.1:0", *options)
        terminal = self.running.enter_context(rfc2217(modem.ready["port1"], **settings))
        return modem, terminal

    def test_the_lines_are_those_of_the_module(self):
        modem, terminal = self.line()
        port = terminal.port

        def lines():
            return (port.cts, port.dsr, port.cd, port.ri)

        self.assertEqual(lines(), (True, False, False, False))
        for setting, shown in (("&C0", (True, False, True, False)), ("&S0", (True, True, True, False)),
                               ("&C1", (True, True, False, False)), ("&S1", (True, False, False, False))):
            self.assertTrue(terminal.command(f"AT{setting}").ok)
            wait_until(lambda: lines() == shown, f"{setting} {shown}", within=2)
        modem.ctl("power", "cut")
        wait_until(lambda: lines() == (False,) * 4, "all off", within=2)
        modem.ctl("power", "on")
        wait_until(lambda: port.cts, "on again", within=2)

    def test_rates_are_negotiated_and_count_from_the_first_ipr_on(self):
        _, terminal = self.line()
        for rate in (9600, 3_000_000, 115200):
            terminal.port.baudrate = rate
            self.assertTrue(terminal.command("AT").ok)
        self.assertTrue(terminal.command("AT+IPR=57600").ok)
        terminal.send("AT")
        heard = terminal.receive()
        self.assertTrue(heard and min(heard) >= 0x80, heard)
        terminal.port.baudrate = 57600
        terminal.send("")
        terminal.receive()
        self.assertEqual(terminal.command("AT+IPR?").lines, ["+IPR: 57600"])

    def test_rts_dtr_frames_break_and_purge(self):
        _, terminal = self.line()
        port = terminal.port
        port.rts = False
        terminal.send("AT")
        self.assertEqual(terminal.receive(), b"", "&K3: the module waits")
        port.rts = True
        self.assertEqual(terminal.receive(), b"AT\r\r\nOK\r\n")
        for setting in range(3):
            self.assertTrue(terminal.command(f"AT&D{setting}").ok)
            port.dtr = False
            port.dtr = True
            self.assertTrue(terminal.command("AT").ok)
        port.bytesize, port.parity, port.stopbits = 7, "E", 2
        port.break_condition = True
        port.break_condition = False
        port.reset_input_buffer()
        port.reset_output_buffer()
        self.assertTrue(terminal.command("AT").ok)

    def test_iac_is_escaped_both_ways(self):
        _, terminal = self.line()
        terminal.port.write(b"AT\xff\xff+N\xff\r")
        self.assertEqual(terminal.receive(), b"AT\xff\xff+N\xff\r\r\nERROR\r\n")

    def test_hardware_flow_control_loses_nothing(self):
        modem, terminal = self.line("--profile", R4_SECURE, "--service", "127.0.0.1:9", rtscts=True)
        terminal.send("ATE0")
        terminal.receive()
        terminal.send("AT+USECDEVINFO?")
        flood = b"AT+CGMI\r" * 5000
        terminal.port.write(flood)
        wait_until(lambda: not terminal.port.cts, "CTS goes off", within=2)
        modem.ctl("network", "down")
        heard = b""

        def all_answered():
            nonlocal heard
            heard += terminal.receive(0.05)
            return heard.count(b"OK\r\n") == 5000

        wait_until(all_answered, "every command is answered", within=20)
        wait_until(lambda: terminal.port.cts, "CTS is on again", within=2)

    def test_any_bytes_do_no_harm(self):
        modem, terminal = self.line()
        terminal.close()
        where = address(modem.ready["port1"])
        seed = random.randrange(1 << 32)
        print("seed", seed)
        generator = random.Random(seed)
        alphabet = [255, 250, 240, 251, 252, 253, 254, 44, 0, 1, 3, 5, 12, 13, *b"AT"]
        for _ in range(60):
            with contextlib.suppress(OSError), socket.create_connection(where, ANSWER_S) as line:
                line.settimeout(0.05)
                for _ in range(generator.randrange(1, 20)):
                    count = generator.randrange(1, 5000)
                    pick = generator.randbytes if generator.random() < 0.5 else \
                        lambda n: bytes(generator.choices(alphabet, k=n))
                    line.sendall(pick(count))
                    if generator.random() < 0.5:
                        with contextlib.suppress(TimeoutError):
                            line.recv(65536)
        self.assertIsNone(modem.process.poll(), modem.stderr())
        with rfc2217(modem.ready["port1"]) as again:
            again.port.write(b"\r")
            again.receive()
            # The noise may have set anything, but the module is there.
            again.port.write(b"ATZ\rAT\r")
            self.assertTrue(again.receive(0.5))
        with open(f"/proc/{modem.pid}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        self.assertLess(resident, 64 * 1024, "KiB")

    def test_a_newer_client_takes_over_and_a_gone_one_drops_dtr(self):
        modem, older = self.line()
        with rfc2217(modem.ready["port1"]) as newer:
            self.assertTrue(newer.command("AT").ok)
            older.port.close()
            self.assertTrue(newer.command("AT").ok)
