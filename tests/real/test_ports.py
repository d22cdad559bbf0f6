"""Several ports at once, and those on TCP and on a real line, as host programs see them."""

import contextlib
import fcntl
import os
import signal
import socket
import statistics
import struct
import time
import tty

from vsara import ANSWER_S, Case, Terminal, address, fill, rfc2217, tcp, wait_until

TCGETS2 = 0x802C542A
TERMIOS2 = "=4IB19s2I"
R4_SECURE = "sara-r410m-83b"


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
