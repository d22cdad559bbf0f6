"""Pseudo-terminals that come and go with the module."""

import contextlib
import os
import time
from pathlib import Path

import serial

from vsara import Case, Terminal, run, tcp, wait_until


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
        """Opens the port by its link, again and again as after a hang-up, until the module answers."""
        def answered():
            with contextlib.suppress(OSError, serial.SerialException), Terminal(os.path.realpath(link)) as terminal:
                return terminal.command("AT").ok
        wait_until(answered, "the port is back", within=5)

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

    def test_it_is_absent_while_the_module_sleeps(self):
        modem = self.modem("--replug", "--time", "virtual", "--service", "none")
        link = modem.ready["link"]
        self.assertTrue(modem.command('AT+CPSMS=1,,,"01000001","00000001"').ok)
        modem.ctl("time", "advance", "5m")
        wait_until(lambda: not os.path.lexists(link), "asleep", within=2)
        modem.ctl("power", "on")
        self.answers(link)

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

    def test_a_reset_while_it_is_on_its_way_out_is_one_absence(self):
        modem = self.modem("--replug", "--service", "none")
        for _ in range(20):
            modem.ctl("reset")
            modem.ctl("power", "cut")
            modem.ctl("power", "on")
        self.answers(modem.ready["link"])

    def test_without_a_pty_it_is_refused(self):
        refused = run("modem", "--ephemeral", "--replug", "--port", "tcp:127.0.0.1:0", status=2)
        self.assertIn("--port pty", refused.stderr)
