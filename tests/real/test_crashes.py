"""`kill -9` of module or service at random moments: nothing acknowledged is lost, nobody is a clone."""

import os
import random
import time

from vsara import LONG, PROFILE_UID, Case

ROUNDS = 300 if LONG else 30
# The longest wait before a kill: a start, a bootstrap and a registration take less.
WINDOW_S = 0.25


class Crashes(Case):
    limit_s = 60 + 6 * ROUNDS

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("VSARA_SEED", random.randrange(1 << 32)))
        print(f"     VSARA_SEED={seed}")
        self.random = random.Random(seed)
        self.service = self.server()

    def start(self, number):
        return self.modem("--service", self.service.address, "--time", "virtual", state=f"modem-{number}")

    def kill_one(self, modem, number, window_s=WINDOW_S, terminal=None):
        """Kills module or service after a random time and starts it again.

        Gives the module, and whether the terminal heard an OK before.
        """
        wait_s = self.random.uniform(0, window_s)
        heard = terminal.receive(wait_s) if terminal else time.sleep(wait_s)
        if self.random.random() < 0.5:
            self.service.kill()
            self.service = self.server(bind=self.service.address)
        else:
            modem.kill()
            modem = self.start(number)
        return modem, b"\r\nOK\r\n" in (heard or b"")

    def until_flags(self, modem, flags):
        """Lets the back-off of the module pass, until the flags are there."""
        for _ in range(40):
            if modem.command("AT+USECDEVINFO?", within=30).lines == [f"+USECDEVINFO: {flags}"]:
                return
            modem.ctl("time", "advance", "10m", within=60)
            time.sleep(0.05)
        self.fail(f"not {flags}: {modem.ctl('status')}\n{modem.stderr()}")

    def check_nobody_is_a_clone(self, modem):
        kinds = self.service.kinds(modem.rot)
        self.assertFalse({"clone", "suspicious"} & set(kinds), kinds)
        # A module killed between the service's commit and its own begins again, rightly.
        self.assertGreaterEqual(kinds.count("bootstrap"), 1, kinds)

    def test_a_seal_acknowledged_is_never_lost(self):
        for number in range(ROUNDS // 3):
            modem, _ = self.kill_one(self.start(number), number)
            with modem.terminal() as terminal:
                terminal.send(f'AT+USECDEVINFO="{PROFILE_UID}","{number}"')
                modem, acknowledged = self.kill_one(modem, number, 0.02, terminal)
            if not acknowledged:
                self.assertTrue(modem.seal(number).ok)
            modem, _ = self.kill_one(modem, number)
            self.until_flags(modem, "1,1,1")
            self.check_nobody_is_a_clone(modem)
            modem.stop()

    def test_bootstrapped_once_is_bootstrapped_for_ever(self):
        for number in range(ROUNDS // 3):
            modem, _ = self.kill_one(self.start(number), number)
            self.until_flags(modem, "1,0,1")
            before = self.service.kinds(modem.rot).count("bootstrap")
            modem, _ = self.kill_one(modem, number)
            self.assertEqual(modem.command("AT+USECDEVINFO?").lines, ["+USECDEVINFO: 1,0,1"], modem.stderr())
            self.check_nobody_is_a_clone(modem)
            self.assertEqual(self.service.kinds(modem.rot).count("bootstrap"), before, "bootstrapped again")
            modem.stop()

    def test_a_heartbeat_acknowledged_counts_on_both_ends(self):
        for number in range(ROUNDS // 3):
            modem = self.start(number)
            self.until_flags(modem, "1,0,1")
            with modem.terminal() as terminal:
                terminal.send("AT+USECCONN")
                modem, acknowledged = self.kill_one(modem, number, 0.05, terminal)
            if acknowledged:
                self.assertFalse(modem.command("AT+USECCONN").ok, "the limit survives")
                self.assertIn("heartbeat", self.service.kinds(modem.rot))
            modem.ctl("time", "advance", "24h", within=60)
            self.assertTrue(modem.command("AT+USECCONN", within=30).ok)
            self.check_nobody_is_a_clone(modem)
            modem.stop()
