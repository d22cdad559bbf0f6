"""Rates on a pseudo-terminal; rates, lines and everything else over RFC 2217, by pyserial's client."""

import contextlib
import os
import random
import socket
import time

import serial

from vsara import ANSWER_S, Case, address, rfc2217, run, wait_until

R4_SECURE = "sara-r410m-83b"


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

    def test_the_world_is_refused_unless_it_is_meant(self):
        refused = run("modem", "--ephemeral", "--port", "rfc2217:0.0.0.0:0", status=2)
        self.assertIn("--expose", refused.stderr)

    def test_a_newer_client_takes_the_line_over(self):
        modem, older = self.line()
        with rfc2217(modem.ready["port1"]) as newer:
            self.assertTrue(newer.command("AT").ok)
            older.port.close()
            self.assertTrue(newer.command("AT").ok)


class LineFaults(Case):
    """What `vsara ctl fault line …` does to the bytes between a host program and the module."""

    def test_bytes_are_lost_late_and_in_pieces(self):
        modem = self.modem("--service", "none")
        with modem.terminal() as terminal:
            self.assertTrue(terminal.command("ATE0").ok)
            modem.ctl("fault", "line", "drop", "2", "to-module")
            terminal.send("AT+CGMM")
            self.assertEqual(terminal.receive(), b"", "the prefix was lost")
            self.assertTrue(terminal.command("AT+CGMM").ok)
            modem.ctl("fault", "line", "delay", "300ms", "to-host")
            began = time.monotonic()
            self.assertTrue(terminal.command("AT").ok)
            self.assertGreater(time.monotonic() - began, 0.25)
            modem.ctl("fault", "line", "none")
            modem.ctl("fault", "line", "drop", "100%", "to-host")
            terminal.send("AT")
            self.assertEqual(terminal.receive(), b"")
            modem.ctl("fault", "line", "none")
            modem.ctl("fault", "line", "split", "100%")
            self.assertEqual(terminal.command("AT+CGMM").lines, ["SARA-R510S"])
            modem.ctl("fault", "line", "none")
            self.assertTrue(terminal.command("AT").ok)

    def test_what_is_no_fault_is_refused(self):
        modem = self.modem("--service", "none")
        for words, part in (
            (("line", "dance"), "drop 3, corrupt 5%"),
            (("line", "drop", "many"), "how many, such as 3"),
            (("line", "drop", "3", "sideways"), "to-module, to-host"),
            (("phase", "3"), "faults of a module are those of its line"),
        ):
            done = run("ctl", "--state", modem.state, "fault", *words, status=2)
            self.assertIn(part, done.stderr)
