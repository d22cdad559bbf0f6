"""The console from the first visit to a clone, as a person uses it."""

import re

from browser import DESKTOP, PHONE, ConsoleCase

ROT = "0a04f008003c9623"


class Story(ConsoleCase):
    limit_s = 120

    def test_from_the_first_visit_to_a_clone_in_events(self):
        server = self.server("--time", "virtual")
        browser = self.browser(server)
        browser.path("/")
        self.assertIn("Sign in", browser.text())
        self.assert_look(browser, "sign-in", complaints=False)

        # The token of the ready line becomes a cookie, and leaves the address.
        browser.driver.get(server.ready["console"])
        self.assertNotIn("token", browser.driver.current_url)
        self.assertIn("Register a domain", browser.text())
        self.assert_look(browser, "sign-up")
        browser.fill(company="Acme Pumps", name="acme")
        browser.submit("form.card button")
        self.assertIn("Acme Pumps", browser.text())

        # Somebody without a device is told what to type, with this server's address.
        self.assertIn(f"vsara --service {server.address} --state module-1", browser.text())
        self.assert_look(browser, "first-steps")

        browser.submit("a[href='/profiles/new']")
        browser.fill(name="Pumps", plan="flex", period="1d")
        browser.click("label[for=feature-ldp]")
        self.assert_look(browser, "wizard")
        browser.submit("form.wizard button")
        uid = browser.find("#uid").text
        self.assertRegex(uid, "^[A-Za-z0-9]{22}$")
        self.assertNotIn(uid, browser.driver.current_url)
        self.assert_look(browser, "profile")
        browser.path("/")
        self.assertIn(f'AT+USECDEVINFO="{uid}"', browser.text())

        # What happens appears by itself.
        browser.wait_for("Live")
        original = self.modem("--service", server.address, "--rot", ROT)
        self.assertTrue(original.seal("pump-17", uid).ok)
        browser.wait_for('registered with serial number "pump-17"')
        server.ctl("time", "advance", "24h")
        self.assertTrue(original.command("AT+USECCONN", within=20).ok)
        browser.path("/things")
        self.assertIn("pump-17", browser.text())

        # A switch, and the next heartbeat.
        browser.submit("td a")
        self.assertIn("bytes in all", browser.text())
        browser.submit("form:has([value=ztp]) button[role=switch]")
        self.assertIn("at its next security heartbeat", browser.text())
        self.assertEqual(self.wanted_and_applied(browser, "ztp"), ("on", "off"))
        self.assertIn("ztp", server.account("acme")("/v1/device/get", ROTPublicUID=ROT)["Features"]["Wanted"])
        original.ctl("clone", self.folder / "copy")
        server.ctl("time", "advance", "24h")
        self.assertTrue(original.command("AT+USECCONN", within=20).ok)
        browser.path(f"/things/{ROT}")
        self.assertEqual(self.wanted_and_applied(browser, "ztp"), ("on", "on"))

        # The copy is refused, and everybody sees it.
        browser.path("/")
        browser.wait_for("Live")
        copy = self.modem("--service", server.address, state="copy")
        copy.command("AT+USECCONN", within=30)
        browser.wait_for("contact chain broken")
        browser.path("/events?kind=clone")
        self.assertIn("contact chain broken", browser.text())
        self.assertIn(ROT, browser.text())
        for name, path in (("events-clone", "/events?kind=clone"), ("thing", f"/things/{ROT}"), ("things", "/things"),
                           ("overview", "/"), ("profiles", "/profiles"), ("whitelist", "/whitelist"), ("keys", "/keys"),
                           ("world", "/world"), ("api", "/api"), ("domains", "/signup"), ("events", "/events")):
            browser.path(path)
            self.assert_look(browser, name)

    def wanted_and_applied(self, browser, feature):
        text = browser.find(f".switches li:has([value={feature}]) .states").text
        return tuple(re.findall(r"(?:wanted|in force)\s+(on|off)", text))

    def assert_look(self, browser, name, complaints=True):
        """Looks at a page on a desk and on a phone, light and dark."""
        for size, place in ((PHONE, "phone"), (DESKTOP, "desktop")):
            for dark in (True, False):
                browser.look(size, dark)
                browser.screenshot(f"{name}-{place}-{'dark' if dark else 'light'}")
                self.assertEqual(browser.barriers(), [], f"{name} {place} dark={dark}")
        if complaints:
            self.assertEqual(browser.complaints(), [], name)
        else:
            # Chromium notes a 401 itself.
            browser.complaints()
