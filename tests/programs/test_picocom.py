"""picocom."""

from program import ProgramCase, debian_version

CTRL_A, CTRL_X, CTRL_U = "\x01", "\x18", "\x15"


class Picocom(ProgramCase):
    program = "picocom"
    passes = "a session by hand, change of rate, `--initstring` with `--exit-after`"

    @classmethod
    def version(cls):
        return debian_version("picocom")

    def picocom(self, modem, *options):
        return self.screen("picocom", *options, modem.tty, environment=self.environment())

    def test_what_is_typed_is_answered(self):
        screen = self.picocom(self.modem(), "-b", 115200)
        screen.wait_for("Terminal ready")
        screen.type("ATI\r")
        screen.wait_for(r"ATI\n+SARA-R510S-01B-00\n+OK")
        screen.type(CTRL_A + CTRL_U)
        screen.wait_for(r"\*\*\* baud: 230400")
        screen.type("AT+CGMM\r")
        screen.wait_for(r"AT\+CGMM\n+SARA-R510S\n+OK")
        screen.type(CTRL_A + CTRL_X)
        screen.wait_for("Thanks for using picocom")
        self.assertEqual(screen.end(), 0)

    def test_it_sends_its_initstring_and_leaves_after_the_answer(self):
        modem = self.modem()
        screen = self.picocom(modem, "--quiet", "--exit-after", 500, "--initstring", "AT+CGMI\r")
        self.assertEqual(screen.end(), 0)
        screen.wait_for(r"AT\+CGMI\n+u-blox\n+OK", within=2)
