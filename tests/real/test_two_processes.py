"""A module against `vsara server` in another process, through a restart of either."""

from vsara import Case, wait_until


class TwoProcesses(Case):
    def check(self, bind):
        server = self.server(bind=bind)
        modem = self.modem("--service", server.address)
        self.assertEqual(modem.ready["service"], server.address)
        modem.wait_for_flags("1,0,1")

        self.assertEqual(server.stop(), 0)
        server = self.server(bind=server.address)
        self.assertTrue(modem.seal().ok)
        modem.wait_for_flags("1,1,1", within=60)

        self.assertEqual(modem.stop(), 0)
        modem = self.modem("--service", server.address)
        self.assertEqual(modem.command("AT+USECDEVINFO?").lines, ["+USECDEVINFO: 1,1,1"])
        self.assertTrue(modem.command("AT+USECCONN", within=30).ok)
        self.assertFalse(modem.command("AT+USECCONN").ok)

        kinds = server.kinds(modem.rot)
        self.assertEqual([kinds.count(kind) for kind in ("bootstrap", "heartbeat")], [1, 1], kinds)
        self.assertFalse({"clone", "suspicious"} & set(kinds), kinds)

    def test_over_ipv4(self):
        self.check("127.0.0.1:0")

    def test_over_ipv6(self):
        self.check("[::1]:0")

    def test_a_heartbeat_waits_out_a_restart_of_the_service(self):
        server = self.server()
        modem = self.modem("--service", server.address)
        modem.wait_for_flags("1,0,1")
        server.kill()
        with modem.terminal() as terminal:
            terminal.send("AT+USECCONN")
            terminal.receive(1.0)
            server = self.server(bind=server.address)
            self.assertTrue(terminal.answer(within=60).ok)
        self.assertEqual(server.kinds(modem.rot).count("heartbeat"), 1)

    def test_a_service_that_comes_late_is_found(self):
        server = self.server()
        server.stop()
        modem = self.modem("--service", server.address, "--time", "virtual")
        self.server(bind=server.address)
        modem.ctl("time", "advance", "1h", within=60)
        modem.wait_for_flags("1,0,1")

    def test_many_modules_share_one_service(self):
        server = self.server()
        modems = [self.modem("--service", server.address, state=f"modem-{number}") for number in range(5)]
        for modem in modems:
            modem.seal(modem.rot)
        for modem in modems:
            modem.wait_for_flags("1,1,1")
        wait_until(lambda: server.kinds().count("bootstrap") == 5, "five bootstraps")
        self.assertEqual(len({modem.rot for modem in modems}), 5)
