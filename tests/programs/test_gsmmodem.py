"""python-gsmmodem-new, the library, and the script that comes with it."""

import json
import re
from importlib.metadata import distributions
from pathlib import Path

from program import INSTALLED, ProgramCase

PLACE = INSTALLED / "gsmmodem"
SESSION = Path(__file__).parent / "gsmmodem" / "session.py"


class GsmModem(ProgramCase):
    program = "python-gsmmodem-new"
    passes = "`identify-modem.py`, `connect()` with and without PIN, identity, `waitForNetworkCoverage()`"

    @classmethod
    def version(cls):
        folders = [str(folder) for folder in PLACE.glob("lib/python3*/site-packages")]
        return next(found.version for found in distributions(name="python-gsmmodem-new", path=folders))

    def session(self, modem, *pin, status=0):
        shown = self.run_program(
            PLACE / "bin/python", SESSION, modem.tty, *pin, status=status, env=self.environment()
        )
        return json.loads(shown.splitlines()[-1]) if status == 0 else shown

    def test_its_script_identifies_the_module(self):
        modem = self.modem()
        shown = self.run_program(PLACE / "bin/identify-modem.py", modem.tty, env=self.environment())
        self.assertIn("Model: SARA-R510S\n", shown)
        self.assertIn(f"IMEI: {modem.ready['imei']}\n", shown)
        self.assertIn("Network: vsara test network\n", shown)
        # Dozens of probes for what no module has.
        self.run_program(PLACE / "bin/identify-modem.py", "--debug", modem.tty, env=self.environment())

    def test_it_connects_to_every_family_and_waits_for_coverage(self):
        for profile in ("sara-r510s", "sara-r410m-02b", "sara-r422m8s"):
            with self.subTest(profile):
                modem = self.modem("--profile", profile, state=profile)
                told = self.session(modem)
                self.assertEqual(told["manufacturer"], "u-blox")
                self.assertEqual(told["imei"], modem.ready["imei"])
                self.assertTrue(told["imsi"].startswith("00101"), told)
                self.assertEqual(told["network"], "vsara test network")
                self.assertEqual(told["signal"], 20)
                self.assertIn("+COPS", told["commands"])

    def test_a_message_is_refused_and_the_port_goes_on(self):
        told = self.session(self.modem())
        self.assertTrue(re.match(r"CM[ES]", told["sms"]), told)
        self.assertEqual(told["after sms"], ["SARA-R510S", "OK"])

    def test_it_gives_the_pin(self):
        modem = self.modem()
        self.lock_sim(modem)
        self.assertIn("PinRequiredError", self.session(modem, status=1))
        self.assertIn("IncorrectPinError", self.session(modem, "0000", status=1))
        self.assertEqual(self.session(modem, "1234")["model"], "SARA-R510S")
