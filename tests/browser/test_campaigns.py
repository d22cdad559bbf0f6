"""Campaigns on the console's pages: begun there, and watched as heartbeats arrive."""

from selenium.webdriver.common.keys import Keys

from browser import ConsoleCase
from store import multiply
from vsara import wait_until

ROT = "0a04f008003c9623"


class Campaigns(ConsoleCase):
    limit_s = 120

    def sealed(self, server, serial):
        modem = self.modem("--service", server.address, "--time", "virtual", state=serial)
        modem.wait_for_flags("1,0,1")
        self.assertTrue(modem.seal(serial).ok)
        modem.wait_for_flags("1,1,1")
        return modem

    def test_a_campaign_is_begun_on_the_page_and_goes_on_as_heartbeats_arrive(self):
        server = self.server("--time", "virtual")
        browser = self.signed_in(server)
        browser.submit(".sections a[href='/campaigns']")
        self.assertIn("No campaign yet", browser.text())
        self.assert_look(browser, "campaigns-none")
        modems = [self.sealed(server, serial) for serial in ("pump-1", "pump-2")]

        browser.submit("a[href='/campaigns/new']")
        browser.fill(name="Protect the pumps", feature="ldp", enabled="on")
        self.assertFalse(browser.find("#period").is_displayed(), "what the chosen change needs, and nothing else")
        self.assert_look(browser, "campaign-new")
        browser.submit("form.wizard button")
        self.assertIn("The campaign has begun", browser.text())
        here = browser.driver.current_url.partition("?")[0]
        wait_until(lambda: "0 of 2" in browser.submit("main .row a.button"), "both were told")
        self.assertIn("UNDER WAY", browser.text())
        self.assert_look(browser, "campaign-waiting")
        browser.path(f"/things/{modems[0].rot}")
        self.assertIn("Protect the pumps", browser.text())

        for number, modem in enumerate(modems, 1):
            modem.ctl("time", "advance", "24h")
            self.assertTrue(modem.command("AT+USECCONN", within=20).ok)
            browser.driver.get(here)
            self.assertIn(f"{number} of 2 applied", browser.text())
            self.assertEqual(float(browser.find("progress").get_attribute("value")), number)
            thing = server.account()("/v1/device/get", ROTPublicUID=modem.rot)
            self.assertEqual(thing["Features"]["Applied"], ["ldp"])
            if number == 1:
                self.assert_look(browser, "campaign-half")
                browser.fill(outcome="waiting")
                browser.submit(".filters button")
                self.assertIn("1–1 of 1", browser.text())
                self.assertIn("pump-2", browser.text())
        self.assertIn("DONE", browser.text())
        self.assertEqual([badge.text for badge in browser.all("td .badge")], ["Applied", "Applied"])
        browser.path("/campaigns")
        self.assertIn("2 of 2 applied", browser.text())
        self.assertIn("Local data protection on", browser.text())
        self.assert_look(browser, "campaigns")

    def test_a_campaign_for_a_list_is_begun_by_keyboard(self):
        server = self.server("--time", "virtual")
        modem = self.sealed(server, "pump-1")
        browser = self.signed_in(server)
        browser.path("/campaigns")
        browser.tab_to("a[href='/campaigns/new']")
        browser.keys(Keys.ENTER)
        browser.tab_to("#name")
        browser.keys("Daily")
        browser.tab_to("#change-feature")
        browser.keys(Keys.ARROW_DOWN)
        browser.tab_to("#period")
        browser.driver.execute_script("document.activeElement.select()")
        browser.keys("1d")
        browser.tab_to("#for-profile")
        browser.keys(Keys.ARROW_DOWN)
        browser.tab_to("#rots")
        browser.keys(modem.rot)
        browser.tab_to("form.wizard button")
        browser.keys(Keys.ENTER)
        browser.wait_for("0 of 1 applied")
        self.assertEqual(server.account()("/v1/device/get", ROTPublicUID=modem.rot)["HeartbeatPeriod"]["Wanted"], 86400)

    def test_what_is_filled_in_wrongly_stays_and_is_told(self):
        server = self.server()
        browser = self.signed_in(server)
        browser.path("/campaigns/new")
        check = lambda what: self.assertIn(what, browser.find("[role=alert]").text)
        browser.fill(name="Daily")
        browser.click("label[for=change-period]")
        browser.fill(period="soon")
        browser.submit("form.wizard button")
        check("not a time like 7d")
        self.assertEqual(browser.find("#period").get_attribute("value"), "soon")
        self.assertTrue(browser.find("#change-period").is_selected())
        browser.fill(period="1s")
        browser.submit("form.wizard button")
        check("300 to 31536000 seconds")
        browser.click("label[for=change-plan]")
        browser.click("label[for=for-list]")
        browser.fill(plan="flex", rots=f"{ROT} nonsense")
        browser.submit("form.wizard button")
        check("not a root of trust")
        browser.fill(rots=ROT)
        browser.submit("form.wizard button")
        check("not in the domain default")
        self.assertEqual(browser.find("#rots").get_attribute("value"), ROT)
        self.assertEqual(browser.barriers(), [])
        browser.path("/campaigns/nothing")
        self.assertIn("no campaign of that UID", browser.find("[role=alert]").text)
        self.assertEqual(server.account()("/v1/campaign/list")["Total"], 0)

    def test_a_thousand_things_and_many_campaigns_are_paged(self):
        server = self.server()
        modem = self.sealed(server, "pump-0")
        server.stop()
        multiply(server.state / "service.db", modem.rot, 999)
        server = self.server()
        owner = server.account()
        for number in range(50):
            owner("/v1/campaign/heartbeat/set", Name=f"before-{number}", ROTPublicUIDs=[modem.rot], HeartbeatPeriod=3600 + number)
        uid = owner("/v1/campaign/feature/set", Name="everybody", Feature="ldp", Enabled=True)["CampaignUID"]
        wait_until(lambda: not owner("/v1/campaign/get", CampaignUID=uid)["Progress"]["Running"], "all were told")
        browser = self.signed_in(server)
        browser.path("/campaigns")
        self.assertIn("1–50 of 51", browser.text())
        self.assertEqual(browser.find("tbody td").text.splitlines()[-1], "everybody", "the newest is first")
        browser.submit("a[rel=next]")
        self.assertIn("before-0", browser.text())
        browser.path(f"/campaigns/{uid}")
        self.assertIn("0 of 1,000 applied", browser.text())
        self.assertIn("1–50 of 1,000", browser.text())
        browser.fill(outcome="waiting")
        browser.submit(".filters button")
        browser.submit("a[rel=next]")
        self.assertIn("51–100 of 1,000", browser.text())
        self.assertEqual(browser.find("#outcome").get_attribute("value"), "waiting")
