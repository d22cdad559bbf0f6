"""pyserial: its terminal, and the ways in which programs open a port with it."""

import sys

import serial
from program import ProgramCase
from vsara import Terminal

CTRL_CLOSING_BRACKET = "\x1d"


class PySerial(ProgramCase):
    program = "pyserial"
    passes = "`miniterm`, every rate, framing and flow control, `exclusive`, break"

    @classmethod
    def version(cls):
        return serial.__version__

    def test_miniterm_is_a_terminal_of_the_module(self):
        modem = self.modem()
        miniterm = (sys.executable, "-m", "serial.tools.miniterm")
        screen = self.screen(*miniterm, modem.tty, 115200, environment=self.environment())
        screen.wait_for("Quit:")
        screen.type("ATI\r")
        screen.wait_for(r"ATI\n+SARA-R510S-01B-00\n+OK")
        screen.type(CTRL_CLOSING_BRACKET)
        self.assertEqual(screen.end(), 0)

    def test_a_port_opens_in_every_way(self):
        modem = self.modem()
        for options in (
            {"rtscts": True},
            {"dsrdtr": True},
            {"xonxoff": True},
            {"exclusive": True},
            {"baudrate": 9600},
            {"baudrate": 3_000_000},
            {"bytesize": serial.SEVENBITS, "parity": serial.PARITY_EVEN},
            {"stopbits": serial.STOPBITS_TWO},
        ):
            with self.subTest(options):
                with serial.Serial(modem.tty, timeout=2, **options) as port:
                    port.write(b"AT\r")
                    self.assertEqual(port.read_until(b"OK\r\n"), b"AT\r\r\nOK\r\n")
                    port.send_break(0.01)
                    port.reset_input_buffer()
                    port.reset_output_buffer()
                    port.write(b"AT\r")
                    self.assertEqual(port.read_until(b"OK\r\n"), b"AT\r\r\nOK\r\n")

    def test_a_pseudo_terminal_has_no_modem_lines(self):
        modem = self.modem()
        with Terminal(modem.tty) as terminal:
            with self.assertRaises(OSError):
                terminal.port.dtr = False
            with self.assertRaises(OSError):
                _ = terminal.port.cts
            self.assertTrue(terminal.command("AT").ok)
