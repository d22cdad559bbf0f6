"""Seal, bootstrap and heartbeat through the port, with days passed by `vsara ctl time advance`."""

from vsara import PROFILE_UID, Case, wait_until

R5, R4 = "sara-r510s", "sara-r422m8s"


class Bootstrap(Case):
    def test_a_module_bootstraps_by_itself_and_a_seal_makes_it_owned(self):
        for profile in (R5, R4):
            with self.subTest(profile):
                modem = self.modem("--profile", profile, state=profile)
                modem.wait_for_flags("1,0,1")
                self.assertTrue(modem.seal().ok)
                modem.wait_for_flags("1,1,1")
                self.assertEqual(modem.kinds(modem.rot).count("bootstrap"), 1)

    def test_a_seal_before_the_bootstrap_travels_in_it(self):
        modem = self.modem()
        modem.ctl("power", "off")
        modem.ctl("network", "down")
        modem.ctl("factory-reset")
        modem.ctl("power", "on")
        self.assertFalse(modem.command("AT+USECDEVINFO?").ok)
        self.assertTrue(modem.seal().ok)
        modem.ctl("network", "up")
        modem.wait_for_flags("1,1,1")

    def test_r5_answers_an_error_until_it_is_bootstrapped(self):
        modem = self.modem("--service", "none", "--profile", R5)
        self.assertFalse(modem.command("AT+USECDEVINFO?").ok)

    def test_a_seal_is_set_once(self):
        modem = self.modem()
        self.assertTrue(modem.seal("first").ok)
        modem.wait_for_flags("1,1,1")
        self.assertTrue(modem.seal("second", "0" * 22).ok)
        self.assertEqual(modem.command("AT+USECDEVINFO?").lines, ["+USECDEVINFO: 1,1,1"])

    def test_a_seal_with_an_unknown_profile_is_no_ownership(self):
        modem = self.modem()
        modem.wait_for_flags("1,0,1")
        self.assertTrue(modem.seal(profile_uid=PROFILE_UID[::-1]).ok)
        wait_until(lambda: "suspicious" in modem.kinds(modem.rot), "a suspicious event")
        modem.wait_for_flags("1,0,1")

    def test_of_two_copies_the_first_that_communicates_wins(self):
        original = self.modem()
        original.wait_for_flags("1,0,1")
        original.ctl("clone", self.folder / "copy")
        self.assertTrue(original.command("AT+USECCONN").ok)
        copy = self.modem("--service", original.ready["service"], state="copy")
        self.assertEqual(copy.rot, original.rot)
        self.assertFalse(copy.command("AT+CMEE=2").lines, "the copy speaks AT like any other")
        copy.seal("copied")
        wait_until(lambda: "clone" in original.kinds(original.rot), "a clone event")
        self.assertEqual(original.command("AT+USECDEVINFO?").lines, ["+USECDEVINFO: 1,0,1"])


class Heartbeat(Case):
    """Under `--time virtual`, so that the limits of days are a matter of a command."""

    def bootstrapped(self, *options):
        modem = self.modem("--time", "virtual", *options)
        modem.wait_for_flags("1,0,1")
        return modem

    def heartbeat(self, modem):
        return modem.command("AT+USECCONN", within=20).ok

    def check(self, profile, too_early, rest):
        modem = self.bootstrapped("--profile", profile)
        self.assertTrue(self.heartbeat(modem), "the bootstrap starts no limit")
        self.assertFalse(self.heartbeat(modem), "at once")
        modem.ctl("time", "advance", too_early)
        self.assertFalse(self.heartbeat(modem), too_early)
        modem.ctl("time", "advance", rest)
        self.assertTrue(self.heartbeat(modem), f"{too_early} and {rest}")
        self.assertEqual(modem.kinds(modem.rot).count("heartbeat"), 2)

    def test_r5_refuses_a_second_heartbeat_within_24_hours(self):
        self.check(R5, "23h", "1h")

    def test_r4_refuses_a_second_heartbeat_within_5_minutes(self):
        self.check(R4, "4m", "1m")

    def test_the_limit_survives_power_loss_restart_and_kill(self):
        modem = self.bootstrapped()
        self.assertTrue(self.heartbeat(modem))
        modem.ctl("power", "cut")
        modem.ctl("power", "on")
        self.assertFalse(self.heartbeat(modem), "power loss")
        modem.stop()
        modem = self.modem("--time", "virtual")
        self.assertFalse(self.heartbeat(modem), "restart")
        modem.kill()
        modem = self.modem("--time", "virtual")
        self.assertFalse(self.heartbeat(modem), "kill")
        modem.ctl("time", "advance", "24h")
        self.assertTrue(self.heartbeat(modem))

    def test_without_a_word_a_heartbeat_comes_once_a_week(self):
        modem = self.bootstrapped()
        modem.ctl("time", "advance", "6d")
        self.assertEqual(modem.kinds(modem.rot).count("heartbeat"), 0)
        modem.ctl("time", "advance", "22d")
        self.assertEqual(modem.kinds(modem.rot).count("heartbeat"), 4)

    def test_no_coverage_and_a_name_that_does_not_resolve_are_errors_at_once(self):
        modem = self.bootstrapped()
        modem.ctl("network", "down")
        self.assertFalse(modem.command("AT+USECCONN", within=1).ok)
        modem = self.modem("--service", "none", state="nowhere")
        self.assertFalse(modem.command("AT+USECCONN", within=1).ok)

    def test_a_heartbeat_on_r5_gives_up_after_five_minutes(self):
        modem = self.bootstrapped()
        modem.ctl("network", "loss", "100%")
        with modem.terminal() as terminal:
            terminal.send("AT+USECCONN")
            terminal.receive(0.5)
            modem.ctl("time", "advance", "4m59s")
            self.assertEqual(terminal.receive(0.5), b"", "still trying")
            modem.ctl("time", "advance", "1s")
            self.assertFalse(terminal.answer().ok)
