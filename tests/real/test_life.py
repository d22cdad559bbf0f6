"""Power-up, sleep, reset and coverage as a host program meets them, byte for byte."""

import statistics
import time

from vsara import Case

PSM = 'AT+CPSMS=1,,,"00100001","00001010"'
NEVER_BUSY = ("--service", "none", "--time", "virtual")


class Life(Case):
    def test_a_sleeping_module_is_silent_until_pwr_on_or_its_periodic_update(self):
        modem = self.modem("--profile", "sara-r510s-01b-01", *NEVER_BUSY)
        with modem.terminal() as terminal:
            self.assertTrue(terminal.command(f"ATE0+UPSMR=1;{PSM[2:]}").ok)
            modem.ctl("time", "advance", "60s")
            self.assertEqual(terminal.receive(), b"\r\n+UUPSMR: 1\r\n")
            terminal.send("AT")
            self.assertEqual(terminal.receive(), b"")
            modem.ctl("power", "on")
            self.assertEqual(terminal.receive(), b"\r\n+UUPSMR: 0\r\n")
            terminal.send("AT")
            self.assertEqual(terminal.receive(), b"AT\r\r\nOK\r\n", "echo is on again")
            modem.ctl("time", "advance", "60s")
            self.assertEqual(terminal.receive(), b"\r\n+UUPSMR: 1\r\n")
            modem.ctl("time", "advance", "1h")
            self.assertEqual(terminal.receive(), b"\r\n+UUPSMR: 0\r\n\r\n+UUPSMR: 1\r\n", "and sleeps again")

    def test_the_greeting_shows_at_every_boot_in_the_form_of_the_family(self):
        for profile, greeting in (("sara-r510s", b"\r\nhello\r\n"), ("sara-r410m-02b", b"\r\n\rhello\r\n")):
            modem = self.modem("--profile", profile, "--service", "none", state=profile)
            with modem.terminal() as terminal:
                self.assertTrue(terminal.command('ATE0+CSGT=1,"hello"').ok)
                terminal.send("AT+CFUN=15")
                self.assertEqual(terminal.receive(), b"\r\nOK\r\n" + greeting, profile)
                modem.ctl("reset")
                self.assertEqual(terminal.receive(), greeting, profile)
                modem.ctl("power", "cut")
                modem.ctl("power", "on")
                self.assertEqual(terminal.receive(), greeting, profile)

    def test_coverage_that_goes_and_comes_is_told_in_whole_lines(self):
        modem = self.modem("--service", "none")
        with modem.terminal() as terminal:
            self.assertTrue(terminal.command("ATE0+CREG=2;+CGREG=2;+CEREG=4;+CGEREP=1").ok)
            self.assertEqual(terminal.command("AT+UPSDA=0,3").final, "OK")
            self.assertRegex(terminal.line(), r'^\+UUPSDA: 0,"10\.[0-9.]+"$')
            terminal.receive()
            modem.ctl("network", "down")
            lost = ("+CREG: 2", "+CGREG: 2", "+CEREG: 2", "+CGEV: NW DETACH", "+UUPSDD: 0")
            self.assertEqual(terminal.receive(), b"".join(b"\r\n%s\r\n" % line.encode() for line in lost))
            modem.ctl("network", "up")
            cell = '1,"0001","01a2d001",7'
            found = (f"+CREG: {cell}", f"+CGREG: {cell}", f'+CEREG: {cell},,,"00000000","00000000"', "+CGEV: ME PDN ACT 1")
            self.assertEqual(terminal.receive(), b"".join(b"\r\n%s\r\n" % line.encode() for line in found))

    def test_with_its_own_timing_a_module_boots_busy_and_answers_within_100_ms(self):
        for profile in ("sara-r510s", "sara-r410m-83b"):
            modem = self.modem("--profile", profile, "--service", "none", "--timing", "module", state=profile)
            with modem.terminal() as terminal:
                self.assertTrue(terminal.command("AT+CMEE=2").ok)
                self.assertEqual(terminal.command("AT+CPIN?").final, "+CME ERROR: SIM busy", profile)
                self.assertEqual(terminal.command("AT+USECROTUID").final, "+CME ERROR: SEC busy", profile)
                times = []
                for query in ("AT+CGSN", "AT+CSQ", "AT+CCLK?", "AT+CEREG?", "AT+CGPADDR") * 3:
                    began = time.monotonic()
                    self.assertTrue(terminal.command(query).ok, query)
                    times.append(time.monotonic() - began)
                # A host gives up on a query after 100 ms; this computer may be busy for a while.
                self.assertLess(statistics.median(times), 0.1, profile)
