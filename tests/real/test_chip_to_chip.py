"""Chip-to-chip security against a host's end that shares no code with the module's."""

import re

import chip
from vsara import Case, wait_until

TE = bytes.fromhex("0001020304050607f8f9fafbfcfdfeff")
PROFILES = {"sara-r510s": 2, "sara-r510s-00b": 1, "sara-r410m-83b": 2}


class ChipToChip(Case):
    def module(self, profile="sara-r510s", *options):
        """A module that never bootstraps: its service has no name."""
        return self.modem("--service", "none", "--profile", profile, *options, state=profile)

    def test_the_description_is_its_own_test_vector(self):
        keys = chip.Keys(TE, bytes(range(16, 32)), bytes(range(32, 48)))
        for version, length in ((keys, 54), (chip.Keys(TE, keys.key), 70)):
            sent = chip.frame(version.seal(b"Hello world!"))
            self.assertEqual(len(sent), length)
            self.assertEqual(version.open(sent[3:-3]), b"Hello world!")
        self.assertEqual(chip.fcs(b"123456789"), 0x906E)

    def test_other_code_pairs_opens_speaks_and_closes(self):
        for profile, version in PROFILES.items():
            with self.module(profile).terminal() as terminal:
                keys = chip.pair(terminal, TE)
                self.assertEqual(2 if keys.hmac_key else 1, version, profile)
                chip.enter(terminal, keys)
                self.assertTrue(terminal.command("AT").ok)
                self.assertIn("+USECC2C", "".join(terminal.command("AT+CLAC").lines))
                self.assertEqual(terminal.command("AT+NOSUCH").final, "ERROR")
                terminal.send("ATE0")
                self.assertEqual(terminal.receive(), b"ATE0\r\r\nOK\r\n")
                self.assertTrue(terminal.command('AT+CGDCONT=1,"IP","' + "a" * 60 + '"').ok)
                self.assertLessEqual(terminal.port.largest, 1040)
                chip.leave(terminal)
                terminal.send("AT")
                self.assertEqual(terminal.receive(), b"\r\nOK\r\n", "in clear")

    def test_frames_may_be_cut_up_and_spoilt(self):
        modem = self.module()
        with modem.terminal() as terminal:
            keys = chip.pair(terminal, TE)
            chip.enter(terminal, keys)
            self.assertTrue(terminal.command("ATE0").ok)
            line, whole = terminal.port.port, chip.frame(keys.seal(b"AT+CGMM\r"))
            for byte in whole:
                line.write(bytes([byte]))
            self.assertEqual(terminal.answer().lines, ["SARA-R510S"])
            stranger = chip.Keys(TE, keys.key, bytes(16))
            for spoilt in (whole[:20], whole[:30] + b"\0" + whole[31:], whole[3:], b"AT+CGMM\r",
                           chip.frame(stranger.seal(b"AT+CGMM\r")), whole[:10] + whole[11:]):
                line.write(spoilt)
                self.assertEqual(terminal.receive(0.1), b"", "silence")
                self.assertTrue(terminal.command("AT").ok, "the next one is found")
        dropped = [event for event in modem.events() if "passed over" in event["reason"]]
        self.assertTrue(any("dropped 1 with a wrong MAC" in event["reason"] for event in dropped), dropped)
        passed_over = sum(int(re.search(r"passed over (\d+)", event["reason"])[1]) for event in dropped)
        self.assertGreater(passed_over, 150, dropped)

    def test_a_session_ends_with_power_and_the_pairing_does_not(self):
        modem = self.module()
        with modem.terminal() as terminal:
            keys = chip.pair(terminal, TE)
            for end in ("cut", "off"):
                chip.enter(terminal, keys)
                self.assertTrue(terminal.command("AT").ok)
                framed, terminal.port = terminal.port, terminal.port.port
                modem.ctl("power", end)
                modem.ctl("power", "on")
                terminal.receive()
                self.assertTrue(terminal.command("AT").ok, f"{end}: in clear")
                self.assertGreater(framed.frames, 0)
        modem.kill()
        with self.module().terminal() as terminal:
            chip.enter(terminal, keys)
            self.assertTrue(terminal.command("AT").ok, "kept through a kill of the program")

    def test_after_the_bootstrap_a_session_needs_its_feature(self):
        modem = self.modem("--service", "none")
        with modem.terminal() as terminal:
            keys = chip.pair(terminal, TE)
        modem.stop()
        modem = self.modem()
        modem.wait_for_flags("1,0,1")
        with modem.terminal() as terminal:
            self.assertTrue(terminal.command("AT+CMEE=2").ok)
            refused = terminal.command(f'AT+USECC2C=1,"{keys.te_secret.hex()}"')
            self.assertEqual(refused.final, "+CME ERROR: SEC ROT not personalized")

    def test_keys_do_not_show_in_the_log(self):
        modem = self.module("sara-r510s", "--log", "debug")
        with modem.terminal() as terminal:
            keys = chip.pair(terminal, TE)
            chip.enter(terminal, keys)
            self.assertTrue(terminal.command("AT").ok)
        wait_until(lambda: "session opened" in modem.stderr(), "the session in the log")
        for secret in (keys.te_secret, keys.key, keys.hmac_key):
            self.assertNotIn(secret.hex(), modem.stderr().lower())
