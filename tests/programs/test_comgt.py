"""comgt, the script interpreter for mobile data cards, and the scripts inside it."""

from program import ProgramCase, debian_version


class Comgt(ProgramCase):
    program = "comgt"
    passes = "its default script, `info`, `sig`, `reg`, `PIN`, a script of one's own"

    @classmethod
    def version(cls):
        return debian_version("comgt")

    def comgt(self, modem, *script, status=0, **more):
        command = ("comgt", "-d", modem.tty, *script)
        return self.run_program(*command, status=status, env=self.environment(**more))

    def test_its_scripts_find_sim_network_and_signal(self):
        modem = self.modem()
        shown = self.comgt(modem)
        self.assertIn("SIM ready", shown)
        self.assertIn('Registered on Home network: "vsara test network"', shown)
        self.assertIn("Signal Quality: 20,99", shown)
        self.assertIn("Signal Quality: 20,99", self.comgt(modem, "sig"))
        self.assertIn("Registered on Home network", self.comgt(modem, "reg"))
        shown = self.comgt(modem, "info")
        self.assertIn("SARA-R510S-01B-00", shown)
        self.assertRegex(shown, r"Manufacturer: +u-blox")
        self.assertIn(modem.ready["imei"], shown)

    def test_it_gives_the_pin(self):
        modem = self.modem()
        self.lock_sim(modem)
        self.comgt(modem, "PIN", COMGTPIN="1234")
        self.assertEqual(modem.command("AT+CPIN?").lines, ["+CPIN: READY"])

    def test_a_script_of_ones_own_reads_an_answer(self):
        script = self.folder / "own"
        script.write_text(
            'opengt\n set com 115200n81\n set senddelay 0.05\n waitquiet 1 0.2\n'
            ' send "AT+CGSN^m"\n get 2 "OK" $s\n print "read ",$s\n exit 0\n'
        )
        modem = self.modem()
        self.assertIn(modem.ready["imei"], self.comgt(modem, "-s", script))
