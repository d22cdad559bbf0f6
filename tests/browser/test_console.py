"""The console from the first visit to a clone, as a person uses it."""

import re
import time

from selenium.webdriver.common.keys import Keys

from browser import ConsoleCase
from store import multiply

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
        browser.fill(name="Pumps", plan="flex", period="7d")
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
        original = self.modem("--service", server.address, "--rot", ROT, "--time", "virtual")
        original.wait_for_flags("1,0,1")
        self.assert_ok(original.seal("pump-17", uid))
        browser.wait_for('registered with serial number "pump-17"')
        original.wait_for_flags("1,1,1")
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
        for program in (server, original):
            program.ctl("time", "advance", "24h")
        self.assert_ok(original.command("AT+USECCONN", within=20))
        browser.path(f"/things/{ROT}")
        self.assertEqual(self.wanted_and_applied(browser, "ztp"), ("on", "on"))
        self.assertRegex(browser.text(), r"Certificate\s+in force until .* signed by acme device CA")

        # The copy is refused, and everybody sees it.
        browser.path("/")
        browser.wait_for("Live")
        copy = self.modem("--service", server.address, "--time", "virtual", state="copy")
        copy.ctl("time", "advance", "24h")
        copy.command("AT+USECCONN", within=30)
        browser.wait_for("contact chain broken")
        browser.path("/events?kind=clone")
        self.assertIn("contact chain broken", browser.text())
        self.assertIn(ROT, browser.text())
        self.assertEqual(browser.find(".badge.bad").text, "clone")
        for name, path in (("events-clone", "/events?kind=clone"), ("thing", f"/things/{ROT}"), ("things", "/things"),
                           ("overview", "/"), ("profiles", "/profiles"), ("whitelist", "/whitelist"), ("keys", "/keys"),
                           ("cas", "/cas"), ("world", "/world"), ("api", "/api"), ("domains", "/signup"), ("events", "/events")):
            browser.path(path)
            self.assert_look(browser, name)

    def assert_ok(self, answer):
        self.assertTrue(answer.ok, answer)

    def wanted_and_applied(self, browser, feature):
        text = browser.find(f".switches li:has([value={feature}]) .states").text
        return tuple(re.findall(r"(?:wanted|in force)\s+(on|off)", text))


class Refusals(ConsoleCase):
    """What is wrong is said on the page, in words, and never as a bare 500."""

    def test_who_is_not_let_in_is_told_why(self):
        server = self.server()
        browser = self.browser(server)
        for path in ("/", "/things", f"/things/{ROT}", "/keys", "/world"):
            browser.path(path)
            self.assertIn("Sign in", browser.text(), path)
        browser.path("/?token=wrong")
        self.assertIn("does not open this console", browser.text())
        browser.driver.get(server.ready["console"])
        browser.submit("button[name=open]")
        # The session of an earlier token.
        for cookie in browser.driver.get_cookies():
            self.assertTrue(cookie["httpOnly"] and cookie["sameSite"] == "Strict", cookie)
            if "domain" not in cookie["name"]:
                browser.driver.add_cookie({**cookie, "value": "b2xk"})
        browser.path("/things")
        self.assertIn("Your session has ended", browser.text())
        self.assertEqual(server.http.send("GET", "/live").status, 401)

    def test_another_host_or_origin_is_told_in_a_page(self):
        server = self.server()
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            reply = server.http.send("GET", "/things", headers={"Accept": "text/html", **headers})
            self.assertEqual(reply.status, 403)
            self.assertTrue(reply.headers["Content-Type"].startswith("text/html"))
            self.assertIn(b"Not from there", reply.body)
            self.assertEqual(server.http.send("GET", "/things", headers=headers)["Error"]["Code"], "Forbidden")
        reply = server.http.send("POST", "/signup", "name=x&company=y", {"Origin": "null", "Accept": "text/html"})
        self.assertEqual(reply.status, 403)

    def test_what_is_filled_in_wrongly_is_told_on_the_form(self):
        server = self.server()
        browser = self.signed_in(server, "acme")
        check = lambda what: self.assertIn(what, browser.find("[role=alert]").text)
        browser.path("/signup")
        browser.fill(company="Another", name="acme")
        browser.submit("form.card button")
        check("The domain acme is there already")
        self.assertEqual(browser.find("#company").get_attribute("value"), "Another", "what was filled in stays")
        for path in ("/things/ffffffffffffffff", "/things/nonsense", "/profiles/nothing1", "/nowhere"):
            browser.path(path)
            self.assertTrue(browser.find("[role=alert]").text, path)
            self.assertIn("Not here", browser.text(), path)
        # A browser that does not hold to maxlength.
        browser.path("/profiles/new")
        browser.driver.execute_script("document.querySelector('#name').removeAttribute('maxlength')")
        browser.fill(name="x" * 101, period="7d")
        browser.submit("form.wizard button")
        check("1 to 100 characters")
        browser.fill(name="Pumps", period="soon")
        browser.submit("form.wizard button")
        check("not a time like 7d")
        browser.fill(period="7d")
        browser.submit("form.wizard button")
        browser.path("/whitelist")
        browser.fill(rots="0a04f008003c9623 nonsense")
        browser.submit("button[value=add]")
        check("not a root of trust")
        browser.fill(rots="0a04f008003c9623, 0a04f008003c9624")
        browser.submit("button[value=add]")
        self.assertIn("1–2 of 2", browser.text())
        browser.submit("button[value=remove]")
        self.assertIn("1–1 of 1", browser.text())
        browser.path("/world")
        browser.fill(loss="101")
        browser.submit("button[value=faults]")
        check("0 to 100")
        browser.path("/events?rot=zz")
        check("not a root of trust")

    def test_the_sixth_access_key_is_refused_and_a_secret_is_shown_once(self):
        server = self.server()
        browser = self.signed_in(server, "acme")
        browser.path("/keys")
        for _ in range(5):
            browser.submit("button[value=create]")
            key, secret = browser.find("#api-key").text, browser.find("#api-secret").text
            self.assertTrue(browser.find("button[data-copy=api-secret]").is_displayed())
            self.assertTrue(server.http("/v1/authenticate", APIKey=key, APISecret=secret)["AuthToken"])
            browser.submit("a.primary")
            self.assertNotIn(secret, browser.driver.page_source)
        browser.submit("button[value=create]")
        self.assertIn("at most 5 access keys", browser.find("[role=alert]").text)
        browser.submit(f"button[name=key][value='{key}']")
        self.assertNotIn(key, browser.text())
        self.assertEqual(server.http.send("POST", "/v1/authenticate", {"APIKey": key, "APISecret": secret}).status, 404)


    def test_a_private_ca_is_made_named_by_a_profile_and_kept_while_it_is(self):
        server = self.server()
        browser = self.signed_in(server, "acme")
        browser.path("/cas")
        self.assertIn("No private CA yet", browser.text())
        browser.fill(name=" Größe")
        browser.submit("button[value=create]")
        self.assertIn("printable ASCII", browser.find("[role=alert]").text)
        browser.fill(name="pumps", certificates="30")
        browser.submit("button[value=create]")
        self.assertIn("The private CA is made", browser.text())
        self.assertIn("30 days", browser.text())
        browser.click("summary")
        self.assertIn("BEGIN CERTIFICATE", browser.text())
        self.assertEqual(browser.barriers(), [])

        owner = server.account("acme")
        (ca,) = owner("/v1/ca/list")["CAs"]
        browser.path("/profiles/new")
        browser.fill(name="Pumps", ca=ca["CAUID"])
        browser.submit("form.wizard button")
        (profile,) = owner("/v1/deviceprofile/list")["DeviceProfiles"]
        self.assertEqual(profile["CAUID"], ca["CAUID"])
        browser.path("/cas")
        browser.submit("button.danger")
        self.assertIn("names that private CA", browser.find("[role=alert]").text)
        owner("/v1/deviceprofile/update", DeviceProfileUID=profile["DeviceProfileUID"], CAUID=None)
        browser.submit("button.danger")
        self.assertIn("No private CA yet", browser.text())


class Use(ConsoleCase):
    def test_the_clock_and_faults_are_moved_from_the_page(self):
        server = self.server("--time", "virtual")
        browser = self.signed_in(server)
        browser.path("/world")
        before = server.admin.get("/clock")["Time"]
        browser.submit("button[value='24h']")
        self.assertIn("The clock is moved", browser.text())
        self.assertNotEqual(server.admin.get("/clock")["Time"][:10], before[:10])
        browser.fill(loss="30")
        browser.submit("button[value=faults]")
        self.assertEqual(server.admin.get("/faults")["LossPercent"], 30)
        browser.submit("button[value=right]")
        self.assertEqual(server.admin.get("/faults")["LossPercent"], 0)
        browser.fill(by="never")
        browser.submit("form:has(#by) button")
        self.assertIn("not a time", browser.find("[role=alert]").text)

    def test_the_pages_work_where_no_script_runs(self):
        server = self.server()
        token = server.ready["console"].partition("token=")[2]
        cookies = [server.http.send("GET", f"/?token={token}").headers["Set-Cookie"].partition(";")[0]]

        def send(method, path, form=None):
            return server.http.send(method, path, form, {"Cookie": "; ".join(cookies), "Accept": "text/html"})

        reply = send("POST", "/signup", "name=acme&company=Acme+Pumps")
        self.assertEqual((reply.status, reply.headers["Location"]), (303, "/"))
        cookies.append(reply.headers["Set-Cookie"].partition(";")[0])
        reply = send("POST", "/profiles/new", "name=Pumps&plan=flex&feature=ldp&period=7d")
        self.assertEqual(reply.status, 303)
        self.assertIn(b"Pumps", send("GET", reply.headers["Location"]).body)
        profiles = server.account("acme")("/v1/deviceprofile/list")["DeviceProfiles"]
        self.assertEqual([(one["Name"], one["Plan"], one["Features"]) for one in profiles], [("Pumps", "flex", ["ldp"])])
        reply = send("POST", "/campaigns/new", "name=Hourly&change=period&period=1h&for=all")
        self.assertEqual(reply.status, 303)
        self.assertIn(b"Hourly", send("GET", reply.headers["Location"]).body)
        reply = send("POST", "/signout")
        self.assertTrue(all("Max-Age=0" in cookie for cookie in reply.headers.get_all("Set-Cookie")))

    def test_a_keyboard_is_enough(self):
        server = self.server()
        server.account()("/v1/deviceprofile/create", Name="pumps", Plan="flex")
        modem = self.modem("--service", server.address)
        browser = self.browser(server)
        browser.path("/")
        browser.tab_to("#token")
        browser.keys(server.ready["console"].partition("token=")[2], Keys.ENTER)
        browser.wait_for("Register a domain")
        browser.tab_to("button[value=default]")
        browser.keys(Keys.ENTER)
        browser.wait_for("Your first device")
        modem.wait_for_flags("1,0,1")
        modem.seal("pump-1", server.account()("/v1/deviceprofile/list")["DeviceProfiles"][0]["DeviceProfileUID"])
        modem.wait_for_flags("1,1,1")
        browser.tab_to(".sections a[href='/things']")
        browser.keys(Keys.ENTER)
        browser.wait_for("pump-1")
        browser.tab_to("td a")
        browser.keys(Keys.ENTER)
        browser.wait_for("bytes in all")
        browser.tab_to("button[aria-labelledby=feature-ldp]")
        browser.keys(Keys.SPACE)
        browser.wait_for("at its next security heartbeat")
        thing = server.account()("/v1/device/get", ROTPublicUID=modem.rot)
        self.assertEqual(thing["Features"]["Wanted"], ["ldp"])

    def test_ten_thousand_things_are_searched_and_paged(self):
        server = self.server()
        uid = server.account()("/v1/deviceprofile/create", Name="pumps", Plan="flex")["DeviceProfileUID"]
        modem = self.modem("--service", server.address)
        modem.wait_for_flags("1,0,1")
        modem.seal("pump-0", uid)
        modem.wait_for_flags("1,1,1")
        server.stop()
        multiply(server.state / "service.db", modem.rot, 9_999)
        server = self.server()
        browser = self.signed_in(server)
        for path, expected in (("/", "10,000"), ("/things", "1–50 of 10,000"), ("/things?page=200", "9,951–10,000 of 10,000"),
                               ("/things?state=ACTIVE&q=pump-7777", "1–1 of 1"), ("/things?page=900", "Nothing here")):
            began = time.monotonic()
            browser.path(path)
            self.assertIn(expected, browser.text(), path)
            self.assertLess(time.monotonic() - began, 2, path)
        browser.path("/things")
        self.assert_fine(browser, "/things")
        browser.submit("a[rel=next]")
        self.assertIn("51–100 of 10,000", browser.text())
