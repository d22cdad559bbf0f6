"""The pseudo-terminal as a host program sees it."""

import fcntl
import os
import stat
import struct
import termios
import time

from vsara import Case, Terminal

TIOCGEXCL = 0x80045440


class Port(Case):
    def test_the_ready_line_names_the_module(self):
        rot = "0a04f008003c9623"
        modem = self.modem("--rot", rot, "--service", "none")
        fields = [field.split("=")[0] for field in modem.ready_line.split()]
        self.assertEqual(fields[:5], ["ready", "tty", "link", "profile", "rot"])
        self.assertEqual(fields[5], "imei")
        self.assertEqual(modem.ready["profile"], "sara-r510s")
        self.assertEqual(modem.ready["rot"], rot)
        self.assertTrue(has_check_digit(modem.ready["imei"]), modem.ready["imei"])
        self.assertNotIn("console", modem.ready)
        self.assertEqual(os.readlink(modem.ready["link"]), modem.tty)
        self.assertTrue(stat.S_ISCHR(os.stat(modem.tty).st_mode))
        self.assertEqual(modem.command("AT+USECROTUID").lines, [f'+USECROTUID: "{rot}"'])
        self.assertEqual(modem.more_lines(), [], "all but the ready line goes to stderr")

    def test_a_command_line_is_echoed_byte_for_byte_until_switched_off(self):
        with self.modem().terminal() as terminal:
            terminal.send("AT")
            self.assertEqual(terminal.receive(), b"AT\r\r\nOK\r\n")
            terminal.send("at e0")
            self.assertEqual(terminal.receive(), b"at e0\r\r\nOK\r\n")
            terminal.send("AT")
            self.assertEqual(terminal.receive(), b"\r\nOK\r\n")

    def test_a_module_without_power_is_silent_and_answers_again_after_power_on(self):
        modem = self.modem()
        with modem.terminal() as terminal:
            for off in ("cut", "off"):
                modem.ctl("power", off)
                terminal.receive()
                terminal.send("AT")
                self.assertEqual(terminal.receive(), b"", f"power {off}")
                modem.ctl("power", "on")
                power_up = terminal.receive().decode()
                for line in filter(None, power_up.split("\r\n")):
                    self.assertRegex(line, r"^\+\w+", "power-up gives whole lines only")
                self.assertTrue(terminal.command("AT").ok)

    def test_a_thousand_opens_lose_nothing(self):
        modem = self.modem()
        for number in range(1000):
            with modem.terminal() as terminal:
                self.assertTrue(terminal.command("AT").ok, number)

    def test_a_line_sent_right_before_the_close_greets_nobody(self):
        modem = self.modem()
        for _ in range(20):
            with modem.terminal() as terminal:
                terminal.send("ATI9;+CGMM;+CGSN")
            # Everybody is asked in turn, so behind the second answer the port was.
            modem.ctl("status")
            modem.ctl("status")
            with Terminal(modem.tty) as terminal:
                terminal.send("AT")
                self.assertEqual(terminal.receive(0.05), b"AT\r\r\nOK\r\n")

    def test_an_exclusive_open_does_not_outlive_its_close(self):
        modem = self.modem()
        with Terminal(modem.tty, exclusive=True) as terminal:
            fcntl.ioctl(terminal.port.fd, termios.TIOCEXCL)
            self.assertTrue(terminal.command("AT").ok)
        time.sleep(0.1)
        with modem.terminal() as terminal:
            held = fcntl.ioctl(terminal.port.fd, TIOCGEXCL, struct.pack("i", 0))
            self.assertEqual(struct.unpack("i", held), (0,))

    def test_the_ready_line_comes_once_the_port_answers(self):
        for pace in ("20x", "virtual"):
            modem = self.modem("--timing", "module", "--time", pace, state=pace)
            self.assertTrue(modem.command("AT", within=1).ok, pace)

    def test_the_mode_of_the_port_is_the_one_asked_for(self):
        modem = self.modem("--mode", "0606")
        self.assertEqual(stat.S_IMODE(os.stat(modem.tty).st_mode), 0o606)

    def test_a_host_that_never_reads_stops_nobody(self):
        modem = self.modem()
        with modem.terminal() as deaf:
            for _ in range(2000):
                deaf.send("ATI9")
        self.assertTrue(modem.command("AT").ok)

    def test_two_ports_have_settings_of_their_own(self):
        modem = self.modem("--port", "pty", "--port", "tcp:127.0.0.1:0")
        with Terminal(modem.ready["port2"].replace("tcp:", "socket://")) as other, modem.terminal() as terminal:
            self.assertTrue(terminal.command("ATE0").ok)
            terminal.send("AT")
            self.assertEqual(terminal.receive(), b"\r\nOK\r\n")
            other.send("AT")
            self.assertEqual(other.receive(), b"AT\r\r\nOK\r\n")

    def test_waiting_costs_no_processor_time(self):
        modem = self.modem()
        modem.wait_for_flags("1,0,1")
        for connected in (False, True):
            terminal = modem.terminal() if connected else None
            time.sleep(0.2)
            before = processor_ticks(modem.pid)
            time.sleep(2)
            ticks = processor_ticks(modem.pid) - before
            # One tick of 10 ms in 2 s is the resolution of the measurement.
            self.assertLessEqual(ticks, 1, f"host connected: {connected}")
            if terminal:
                terminal.close()


def processor_ticks(pid):
    """User and system time of a process so far, in clock ticks."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as line:
        fields = line.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def has_check_digit(imei):
    """Whether 15 digits end in their Luhn check digit."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(imei)]
    return len(imei) == 15 and sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0
