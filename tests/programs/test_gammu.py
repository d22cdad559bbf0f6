"""gammu, the command-line program of the Gammu library."""

from program import ProgramCase, answer, debian_version
from vsara import wait_until


class Gammu(ProgramCase):
    program = "gammu"
    passes = "`identify`, `networkinfo`, `battery`, `monitor`, PIN, clock, soft reset"

    @classmethod
    def version(cls):
        return debian_version("gammu")

    def gammu(self, modem, *command, status=0):
        settings = self.folder / "gammurc"
        settings.write_text(f"[gammu]\ndevice = {modem.tty}\nconnection = at115200\n")
        return self.run_program("gammu", "-c", settings, *command, status=status, env=self.environment())

    def test_it_identifies_every_family(self):
        for profile, model in (
            ("sara-r510s", "SARA-R510S"),
            ("sara-r410m-02b", "SARA-R410M-02B"),
            ("sara-r422m8s", "SARA-R422M8S"),
        ):
            with self.subTest(profile):
                modem = self.modem("--profile", profile, state=profile)
                shown = self.gammu(modem, "identify")
                self.assertRegex(shown, r"Manufacturer +: u-blox\n")
                self.assertRegex(shown, rf"Model +: unknown \({model}\)\n")
                self.assertRegex(shown, rf"IMEI +: {modem.ready['imei']}\n")
                self.assertRegex(shown, r"SIM IMSI +: 00101\d{10}\n")

    def test_it_tells_network_signal_battery_and_sim(self):
        modem = self.modem()
        shown = self.gammu(modem, "networkinfo")
        for line in (
            r"Network state +: home network",
            r"Network +: 001 01 .*, LAC 0001, CID 01a2d001",
            r'Name in phone +: "vsara test network"',
            r"GPRS +: attached",
        ):
            self.assertRegex(shown, line)
        self.assertRegex(self.gammu(modem, "battery"), r"Battery level +: 100 percent")
        self.assertRegex(self.gammu(modem, "monitor", "1"), r"Signal strength +: -73 dBm")
        self.assertIn("Nothing to enter.", self.gammu(modem, "getsecuritystatus"))
        modem.ctl("network", "down")
        self.assertRegex(self.gammu(modem, "networkinfo"), r"Network state +: (requesting|not logged|search)")

    def test_it_gives_the_pin(self):
        modem = self.modem()
        self.lock_sim(modem)
        self.assertIn("Waiting for PIN", self.gammu(modem, "getsecuritystatus"))
        self.gammu(modem, "entersecuritycode", "PIN", "1234")
        self.assertIn("Nothing to enter.", self.gammu(modem, "getsecuritystatus"))

    def test_it_sets_and_reads_the_clock(self):
        modem = self.modem("--time", "virtual")
        modem.command('AT+CCLK="30/01/01,00:00:00+00"')
        self.assertIn("2030", self.gammu(modem, "getdatetime"))
        self.gammu(modem, "setdatetime")
        self.assertNotRegex(self.gammu(modem, "getdatetime"), "2030")

    def test_it_resets_the_module(self):
        modem = self.modem()
        self.assertTrue(modem.command("AT+CREG=2").ok)
        self.assertNotEqual(answer(modem, "AT+CREG?"), ["+CREG: 0,1"])
        self.gammu(modem, "reset", "soft")
        wait_until(lambda: answer(modem, "AT+CREG?") == ["+CREG: 0,1"], "the setting of the factory")

    def test_messages_and_phonebook_are_refused_at_once(self):
        modem = self.modem()
        self.assertIn("Empty", self.gammu(modem, "getsmsc", status=122))
        self.assertIn("not supported", self.gammu(modem, "getmemory", "SM", "1", status=121))
