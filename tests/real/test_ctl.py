"""`vsara ctl` does with the service what REST and the console do, inside a module and on a server alike."""

import json
import re
import subprocess
from html.parser import HTMLParser

from rest import sign_in
from vsara import BINARY, PROFILE_UID, Case, run, wait_until

NOWHERE = "0" * 16


class ServiceCase(Case):
    """`place()` of `InAModule` and `OnAServer` gives a program with a service, a module that is sealed, and an owner's REST."""

    def sealed(self, modem, serial, uid):
        modem.wait_for_flags("1,0,1")
        self.assertTrue(modem.seal(serial, uid).ok)
        modem.wait_for_flags("1,1,1")
        return modem

    def heartbeat(self, program, modem):
        """A day passes, and a security heartbeat."""
        for one in {program.pid: program, modem.pid: modem}.values():
            one.ctl("time", "advance", "24h")
        answer = modem.command("AT+USECCONN", within=20)
        self.assertTrue(answer.ok, answer)

    def says(self, program, *verb):
        """The JSON of a verb."""
        return json.loads(program.ctl(*verb, "--json"))

    def refused(self, program, *verb, status=1):
        """What a verb that is refused says."""
        done = run("ctl", "--state", program.state, *verb, status=status)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("panicked", done.stderr)
        return done.stderr


class Owner:
    """REST of the domain `default`, with a new token for each call: time is moved, and tokens end with it."""

    def __init__(self, program, url):
        self.url, self.key = url, json.loads(program.ctl("accesskey", "create", "--json"))

    def __call__(self, path, **fields):
        return sign_in(self.url, self.key)(path, **fields)


class Both:
    """What each verb does, seen by REST and by the module."""

    def test_a_feature_switched_by_ctl_is_in_force_at_the_next_heartbeat(self):
        program, modem, owner = self.place()
        rot = modem.rot
        self.assertIn("- (wanted: ldp)", program.ctl("feature", rot, "ldp", "on"))
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=rot)["Features"], {"Wanted": ["ldp"], "Applied": []})
        self.heartbeat(program, modem)
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=rot)["Features"], {"Wanted": ["ldp"], "Applied": ["ldp"]})
        self.assertIn("ldp", json.loads(modem.ctl("status", "--json"))["features"])
        self.assertEqual(self.says(program, "thing", rot), owner("/v1/device/get", ROTPublicUID=rot))
        self.assertEqual(self.says(program, "feature", rot, "ldp", "off")["Features"]["Wanted"], [])

    def test_period_plan_keys_and_standing_of_a_thing(self):
        program, modem, owner = self.place()
        rot = modem.rot
        thing = lambda: owner("/v1/device/get", ROTPublicUID=rot)
        before = thing()["KeySet"]
        self.assertIn("7d (wanted: 3d)", program.ctl("heartbeat-period", rot, "3d"))
        self.assertIn("flex", program.ctl("plan", rot, "flex"))
        self.assertIn(rot, program.ctl("new-keys", rot))
        self.assertEqual((thing()["HeartbeatPeriod"]["Wanted"], thing()["Plan"]), (259200, "flex"))
        self.heartbeat(program, modem)
        self.assertEqual(thing()["HeartbeatPeriod"], {"Wanted": 259200, "Applied": 259200})
        self.assertEqual(thing()["KeySet"], before + 1)
        self.assertEqual(self.says(program, "plans"), owner("/v1/plan/list"))
        self.assertRegex(program.ctl("plans"), r"flex +yes +1 ")

        self.assertIn("SUSPENDED", program.ctl("suspend", rot))
        self.heartbeat(program, modem)
        modem.wait_for_flags("1,1,0")
        self.assertIn("ACTIVE", program.ctl("resume", rot))
        self.heartbeat(program, modem)
        modem.wait_for_flags("1,1,1")
        self.assertEqual(thing()["State"], "ACTIVE")

    def test_a_device_profile_and_its_whitelist_rule_what_a_thing_gets(self):
        program, modem, owner = self.place()
        new = program.ctl("device-profile", "create", "pumps", "--plan", "flex", "--features", "ldp,ztp",
                          "--whitelist", "on", "--heartbeat-period", "1d").strip()
        self.assertRegex(new, "^[A-Za-z0-9]{22}$")
        expected = {"DeviceProfileUID": new, "Name": "pumps", "Plan": "flex", "Features": ["ldp", "ztp"],
                    "Whitelist": True, "HeartbeatPeriod": 86400}
        profile = owner("/v1/deviceprofile/get", DeviceProfileUID=new)
        self.assertEqual({**profile, **expected}, profile)
        self.assertEqual(self.says(program, "device-profile", "show", new), profile)
        self.assertEqual(self.says(program, "device-profile", "list"), owner("/v1/deviceprofile/list"))
        changed = self.says(program, "device-profile", "update", new, "--features", "ldp", "--name", "more pumps")
        self.assertEqual(changed, {**profile, "Features": ["ldp"], "Name": "more pumps"}, "what is not named stays")

        kept_out = self.sealed(self.another(program, "kept-out"), "kept-out", new)
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=kept_out.rot)["State"], "ALLOCATED")
        self.assertIn("ALLOCATED blacklisted", program.ctl("things", "--blacklisted"))
        self.assertIn("ACTIVE", program.ctl("unblock", kept_out.rot))
        rots = f"{kept_out.rot},{NOWHERE}\n{modem.rot}\n"
        self.assertEqual(program.ctl("whitelist", "add", new, "-", given=rots).strip(), "Total: 3")
        listed = program.ctl("whitelist", "list", new).split()
        self.assertEqual(listed, owner("/v1/whitelist/list", DeviceProfileUID=new)["ROTPublicUIDs"])
        self.assertEqual(self.says(program, "whitelist", "remove", new, NOWHERE), {"Total": 2})
        self.assertEqual(program.ctl("device-profile", "update", new, "--features", "none", "--whitelist", "off").count("off"), 1)

    def test_a_campaign_goes_on_as_heartbeats_arrive(self):
        program, modem, owner = self.place()
        made = self.says(program, "campaign", "create", "ldp for all", "--feature", "ldp=on", "--device-profile", PROFILE_UID)
        uid = made["CampaignUID"]
        progress = lambda: self.says(program, "campaign", "show", uid)["Progress"]
        wait_until(lambda: not progress()["Running"], "everybody was told")
        self.assertIn("0 of 1", program.ctl("campaign", "list"))
        self.assertIn("waiting", program.ctl("campaign", "things", uid, "--outcome", "waiting"))
        self.heartbeat(program, modem)
        self.assertIn("1 of 1", program.ctl("campaign", "show", uid))
        self.assertEqual(self.says(program, "campaign", "things", uid)["Devices"], [{"ROTPublicUID": modem.rot, "Outcome": "applied"}])
        self.assertEqual(program.ctl("campaign", "things", uid, "--outcome", "waiting"), "")
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=modem.rot)["Features"]["Applied"], ["ldp"])
        for change, field, value in ((("--plan", "flex"), "Plan", "flex"), (("--heartbeat-period", "1d"), "HeartbeatPeriod", 86400)):
            one = self.says(program, "campaign", "create", "one", *change, modem.rot)
            self.assertEqual((one[field], one["Progress"]["Total"]), (value, 1))
        everybody = self.says(program, "campaign", "create", "everybody", "--heartbeat-period", "2d", "--all")["CampaignUID"]
        wait_until(lambda: self.says(program, "campaign", "show", everybody)["Progress"]["Total"] == 1, "everybody was told")
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=modem.rot)["HeartbeatPeriod"]["Wanted"], 172800)
        self.assertEqual(self.says(program, "campaign", "list"), owner("/v1/campaign/list"))

    def test_things_are_searched_and_shown_in_parts(self):
        program, modem, owner = self.place()
        self.assertEqual(self.says(program, "things"), owner("/v1/device/list"))
        for options, found in (
            ((), True), (("--in-state", "active"), True), (("--in-state", "SUSPENDED"), False), (("--search", "PUMP"), True),
            (("--search", modem.rot[4:10]), True), (("--search", "valve"), False), (("--device-profile", PROFILE_UID), True),
            (("--device-profile", "x"), False), (("--overdue",), False), (("--blacklisted",), False), (("--offset", "1"), False),
        ):
            self.assertEqual(modem.rot in program.ctl("things", *options), found, options)
        modem.ctl("power", "off")
        program.ctl("time", "advance", "30d")
        self.assertIn("overdue", program.ctl("things", "--overdue"))

    def test_events_are_filtered_and_followed(self):
        program, modem, owner = self.place()
        follow = subprocess.Popen([BINARY, "ctl", "events", "--follow", "--kind", "feature", "--json", "--state", program.state],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(follow.stdout.close)
        self.addCleanup(follow.wait)
        self.addCleanup(follow.kill)
        wait_until(lambda: len(program.events()) > 1, "something happened")
        kinds = lambda *options: {json.loads(line)["kind"] for line in program.ctl("events", "--json", *options).splitlines()}
        self.assertIn("bootstrap", kinds())
        self.assertEqual(kinds("--kind", "registration"), {"registration"})
        self.assertEqual(kinds("--rot", NOWHERE), set())
        self.assertIn("bootstrap", kinds("--rot", modem.rot))
        self.assertEqual(kinds("--since", "2099-01-01T00:00:00Z"), set())
        self.assertNotIn("module", kinds("--domain", "default"))
        self.assertIn("registration", kinds("--domain", "default"))
        self.assertEqual(kinds("--domain", "acme"), set())
        program.ctl("suspend", modem.rot)
        program.ctl("feature", modem.rot, "ztp", "on")
        event = json.loads(follow.stdout.readline())
        self.assertEqual((event["kind"], event["rot"]), ("feature", modem.rot), "the suspension is not of that sort")

    def test_clones_and_suspicious_contacts_are_listed(self):
        program, modem, owner = self.place()
        self.assertEqual(program.ctl("clones"), "")
        modem.ctl("clone", self.folder / "copy")
        self.heartbeat(program, modem)
        copy = self.modem("--service", self.address(program), "--time", "virtual", state="copy")
        copy.ctl("time", "advance", "24h")
        copy.command("AT+USECCONN", within=30)
        wait_until(lambda: owner("/v1/device/clone/get")["Total"], "a clone")
        self.assertIn("contact chain broken", program.ctl("clones"))
        self.assertEqual(self.says(program, "clones", "--rot", modem.rot)["Devices"][0]["ROTPublicUID"], modem.rot)
        self.assertEqual(self.says(program, "clones", "--since", "2099-01-01T00:00:00Z")["Total"], 0)
        self.assertEqual(self.says(program, "suspicious"), owner("/v1/device/suspicious/get"))

    def test_domains_and_access_keys(self):
        program, modem, owner = self.place()
        program.ctl("domain", "create", "acme", "--company", "Acme Pumps")
        domains = {domain["Name"]: domain["Company"] for domain in self.says(program, "domain", "list")["Domains"]}
        self.assertEqual(domains, {"acme": "Acme Pumps", "default": None})
        self.assertIn("Acme Pumps", program.ctl("domain", "list"))
        key = self.says(program, "accesskey", "create", "--domain", "acme")
        acme = sign_in(self.http(program), key)
        self.assertEqual([one["APIKey"] for one in self.says(program, "accesskey", "list", "--domain", "acme")["AccessKeys"]], [key["APIKey"]])
        self.assertNotIn(key["APISecret"], program.ctl("accesskey", "list", "--domain", "acme"))
        program.ctl("transfer", modem.rot, "--device-profile", PROFILE_UID, "--to", "acme")
        self.assertEqual((acme("/v1/device/list")["Total"], owner("/v1/device/list")["Total"]), (1, 0))
        self.assertIn(modem.rot, program.ctl("things", "--domain", "acme"))
        self.assertNotIn(modem.rot, program.ctl("things"))
        program.ctl("accesskey", "delete", key["APIKey"], "--domain", "acme")
        self.assertEqual(acme.send("POST", "/v1/device/list").status, 401)

    def test_private_cas_sign_the_certificates_of_things(self):
        program, _, owner = self.place()
        first, second = (program.ctl("ca", "create", name, "--validity-days", "3650").strip() for name in ("first", "second"))
        self.assertEqual({ca["CAUID"] for ca in owner("/v1/ca/list")["CAs"]}, {first, second})
        self.assertEqual(self.says(program, "ca", "list"), owner("/v1/ca/list"))
        self.assertEqual(program.ctl("ca", "list", "--pem").count("BEGIN CERTIFICATE"), 2)
        profile = program.ctl("device-profile", "create", "certified", "--features", "ztp", "--ca", first).strip()
        module = self.sealed(self.another(program, "pump-2"), "pump-2", profile)
        listed = self.says(program, "certificate", "list", "--rot", module.rot)
        self.assertEqual(listed, owner("/v1/certificate/list", ROTPublicUID=module.rot))
        self.assertEqual([(one["CAUID"], one["InForce"]) for one in listed["Certificates"]], [(first, True)])
        self.assertRegex(program.ctl("certificate", "list"), rf"{module.rot} +pump-2 .* yes")
        self.assertEqual(program.ctl("certificate", "list", "--pem").strip(), listed["Certificates"][0]["Certificate"].strip())
        self.assertEqual(program.ctl("certificate", "list", "--ca", second), "")
        self.assertEqual(self.says(program, "device-profile", "update", profile, "--name", "same")["CAUID"], first)
        self.assertIsNone(self.says(program, "device-profile", "update", profile, "--ca", "newest")["CAUID"])
        program.ctl("ca", "delete", first)
        self.assertEqual([ca["CAUID"] for ca in owner("/v1/ca/list")["CAs"]], [second])

    def test_faults_of_the_service_are_shown_and_set(self):
        program, _, _ = self.place()
        program.ctl("fault", "service", "corrupt", "5%")
        program.ctl("fault", "service", "duplicate", "10%")
        program.ctl("fault", "service", "loss", "30%")
        faults = program.ctl("fault", "service")
        for line in ("CorruptPercent: 5", "DuplicatePercent: 10", "LossPercent: 30"):
            self.assertIn(line, faults)
        program.ctl("fault", "service", "none")
        self.assertIn("CorruptPercent: 0", program.ctl("fault", "service"))

    def test_what_the_service_refuses_is_said_in_words_of_ctl(self):
        program, modem, _ = self.place()
        rot = modem.rot
        other = program.ctl("device-profile", "create", "other").strip()

        def check(*verb, says):
            said = self.refused(program, *verb)
            self.assertRegex(said, f"(?s)^vsara: .*{says}")
            self.assertNotRegex(said, "POST /|GET /|/docs at")

        for verb in (("thing",), ("suspend",), ("resume",), ("unblock",), ("new-keys",)):
            check(*verb, NOWHERE, says="not in the domain default; `vsara ctl things` names")
        check("feature", NOWHERE, "ldp", "on", says="`vsara ctl things`")
        check("heartbeat-period", NOWHERE, "1d", says="`vsara ctl things`")
        check("plan", NOWHERE, "flex", says="`vsara ctl things`")
        check("forget", NOWHERE, says="has never seen the root of trust")
        check("things", "--domain", "nobody", says="no domain nobody; `vsara ctl domain list`")
        check("accesskey", "create", "--domain", "nobody", says="no domain nobody")
        check("accesskey", "delete", "x", says="`vsara ctl accesskey list`")
        check("domain", "create", "default", says="is there already")
        check("domain", "create", "a b", says="letters, digits, hyphens")
        for verb in (("show", "x"), ("update", "x", "--name", "n")):
            check("device-profile", *verb, says="`vsara ctl device-profile list`")
        check("device-profile", "create", "", says="1 to 100 characters")
        for verb in (("add", "x", rot), ("remove", "x", rot), ("list", "x")):
            check("whitelist", *verb, says="`vsara ctl device-profile list`")
        check("ca", "delete", "x", says="`vsara ctl ca list`")
        check("ca", "create", "", says="Name: ")
        check("device-profile", "update", PROFILE_UID, "--ca", "x", says="`vsara ctl ca list`")
        check("campaign", "show", "x", says="`vsara ctl campaign list`")
        check("campaign", "things", "x", says="`vsara ctl campaign list`")
        check("campaign", "create", "c", "--plan", "flex", NOWHERE, says="not in the domain default")
        check("campaign", "create", "c", "--plan", "flex", "--device-profile", "x", says="no device profile")
        check("campaign", "create", "c", "--plan", "flex", "--device-profile", other, rot, says="`vsara ctl thing`")
        check("transfer", rot, "--device-profile", other, "--to", "default", says="not assigned by that device profile")
        check("transfer", rot, "--device-profile", PROFILE_UID, "--to", "nobody", says="no domain nobody")
        check("rest", "/v1/nothing", says="no call /v1/nothing")
        check("rest", "/domains", '{"Name": 7}', says="Name: invalid type")
        many = "".join(f"{number:016x}\n" for number in range(10_001))
        done = run("ctl", "--state", program.state, "whitelist", "add", PROFILE_UID, "-", status=1, given=many)
        self.assertIn("at most 10000 roots of trust", done.stderr)
        self.assertEqual(program.ctl("whitelist", "add", PROFILE_UID, "-", given=many[:170_000 // 17 * 17]).strip(), "Total: 10000")

    def test_any_call_of_rest_is_made_without_a_token(self):
        program, modem, owner = self.place()
        self.assertEqual(json.loads(program.ctl("rest", "/v1/device/list")), owner("/v1/device/list"))
        body = json.dumps({"ROTPublicUID": modem.rot, "Feature": "ldp", "Enabled": True})
        self.assertEqual(json.loads(program.ctl("rest", "/v1/device/feature/set", body))["Features"]["Wanted"], ["ldp"])
        self.assertEqual(json.loads(program.ctl("rest", "/health"))["Status"], "ok")
        made = json.loads(program.ctl("rest", "/factory", '{"Count": 3}'))["Modules"]
        self.assertEqual(len({module["ROTPublicUID"] for module in made}), 3)


class InAModule(ServiceCase, Both):
    def place(self):
        modem = self.sealed(self.modem("--time", "virtual"), "pump-1", PROFILE_UID)
        return modem, modem, Owner(modem, self.http(modem))

    def http(self, program):
        return program.ready["console"].partition("/?")[0]

    def address(self, program):
        return program.ready["service"]

    def another(self, program, state):
        return self.modem("--service", self.address(program), "--time", "virtual", state=state)


class OnAServer(ServiceCase, Both):
    def place(self):
        server = self.server("--time", "virtual")
        modem = self.sealed(self.another(server, "modem"), "pump-1", PROFILE_UID)
        return server, modem, Owner(server, self.http(server))

    def http(self, program):
        return program.ready["http"]

    def address(self, program):
        return program.address

    def another(self, program, state):
        return self.modem("--service", self.address(program), "--time", "virtual", state=state)


class Usage(ServiceCase):
    def test_what_cannot_be_is_usage_and_says_what_can(self):
        rot = "0a04f008003c9623"
        for verb, says in (
            (("thing", "0a04"), "16 hex"), (("feature", rot, "warp", "on"), "c2c-pairing"), (("feature", rot, "ldp", "maybe"), "off"),
            (("heartbeat-period", rot, "1s"), "5m to 365d"), (("heartbeat-period", rot, "soon"), "7d, 12h or 5m"),
            (("plan", rot, "gold"), "developer"), (("things", "--in-state", "LOST"), "SUSPENDED"), (("things", "--count", "1001"), "1000"),
            (("device-profile", "create", "p", "--features", "warp"), "none"), (("campaign", "create", "c", "--all"), "--plan"),
            (("campaign", "create", "c", "--plan", "flex"), "--all"), (("events", "--kind", "gadget"), "overdue"),
            (("whitelist", "add", "u", "zz"), "16 hex"), (("rest", "/v1/device/list", "[]"), "JSON object"),
            (("network", "sideways"), "loss"), (("fault", "service", "corrupt", "5"), "corrupt 5%"), (("transfer", rot), "--to"),
        ):
            done = run("ctl", "--state", self.folder, *verb, status=2)
            self.assertIn(says, done.stderr, verb)
        done = run("ctl", "--state", self.folder, "whitelist", "add", "u", "-", status=2, given=f"{rot}\nnonsense\n")
        self.assertIn("standard input:2: \"nonsense\"", done.stderr)

    def test_the_state_directory_may_stand_behind_the_verb(self):
        server = self.server()
        key = json.loads(run("ctl", "accesskey", "create", "--json", "--state", server.state, status=0).stdout)
        self.assertTrue(server.http("/v1/authenticate", **key)["AuthToken"])
        self.assertIn("--in-state ACTIVE", run("ctl", "things", "--state", "ACTIVE", status=1).stderr)

    def test_who_has_no_service_says_who_has(self):
        modem = self.modem("--service", "none")
        for verb in (("things",), ("campaign", "list"), ("domain", "list")):
            self.assertIn("vsara ctl --state DIR", self.refused(modem, *verb))
        modem.stop()
        self.assertIn("no vsara runs", self.refused(modem, "things"))

    def test_bash_completes_the_words_of_network_and_fault(self):
        for words, expected in ((["ctl", "network", "re"], "reorder"), (["ctl", "fault", "serv"], "service"),
                                (["ctl", "feature", NOWHERE, "zt"], "ztp"), (["ctl", "device-profile", "up"], "update")):
            script = f"""
                eval "$({BINARY} completions bash)"
                COMP_WORDS=(vsara {" ".join(words)}); COMP_CWORD={len(words)}
                _vsara vsara {words[-1]} {words[-2]}
                echo "${{COMPREPLY[@]}}"
            """
            done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, check=True)
            self.assertEqual(done.stdout.split(), [expected], done.stderr)


class Parity(ServiceCase):
    """Whatever the console does, `vsara ctl` does: the pages are walked, and nothing on them is left over."""

    # What a form does, by its page and by what its button says: the verb that does the same.
    ACTIONS = {
        ("/signup", "sign up"): "domain create", ("/signup", "open"): "things --domain",
        ("/keys", "create"): "accesskey create", ("/keys", "delete"): "accesskey delete",
        ("/profiles/new", ""): "device-profile create", ("/profiles/{}", ""): "device-profile update",
        ("/whitelist", "add"): "whitelist add", ("/whitelist", "remove"): "whitelist remove",
        ("/campaigns/new", ""): "campaign create", ("/cas", "create"): "ca create", ("/cas", "delete"): "ca delete",
        ("/things/{}", "feature"): "feature", ("/things/{}", "period"): "heartbeat-period", ("/things/{}", "plan"): "plan",
        ("/things/{}", "suspend"): "suspend", ("/things/{}", "unblock"): "unblock",
        ("/world", "faults"): "fault", ("/world", "right"): "fault",
        ("/world/clock", "by"): "time advance", ("/world/clock", ""): "time advance",
        ("/signout", ""): None,
    }
    # What a page shows.
    VIEWS = {
        "/": "status", "/signup": "domain list", "/things": "things", "/things/{}": "thing", "/profiles": "device-profile list",
        "/profiles/{}": "device-profile show", "/profiles/new": "device-profile create", "/whitelist": "whitelist list",
        "/campaigns": "campaign list", "/campaigns/{}": "campaign show", "/campaigns/new": "campaign create", "/events": "events",
        "/keys": "accesskey list", "/cas": "ca list", "/world": "fault", "/api": "rest",
    }
    # What narrows it down.
    FILTERS = {
        ("/things", "q"): "things --search", ("/things", "state"): "things --in-state", ("/things", "profile"): "things --device-profile",
        ("/things", "overdue"): "things --overdue", ("/things", "page"): "things --offset",
        ("/whitelist", "profile"): "whitelist list <UID>", ("/events", "kind"): "events --kind", ("/events", "rot"): "events --rot",
        ("/events", "since"): "events --since", ("/events", "page"): None,
        ("/campaigns/{}", "outcome"): "campaign things --outcome",
    }
    # What REST has and the socket has not: signing in, what is no JSON, and the clock, which has verbs of its own.
    DOORS_ONLY = {
        "/v1/authenticate", "/v1/authenticate/refresh", "/v1/event/stream", "/snapshot", "/clock", "/clock/advance",
        "/journal", "/journal.pcapng", "/metrics",
    }

    def test_every_page_form_and_filter_of_the_console_has_its_verb(self):
        server = self.server("--time", "virtual")
        for serial in ("pump-1", "pump-2"):
            modem = self.modem("--service", server.address, state=serial)
            self.sealed(modem, serial, PROFILE_UID)
            server.ctl("whitelist", "add", PROFILE_UID, modem.rot)
        server.ctl("suspend", modem.rot)
        server.ctl("campaign", "create", "ldp", "--feature", "ldp=on", "--all")
        server.ctl("accesskey", "create")
        server.ctl("ca", "create", "devices")
        pages = walk(server)
        actions = {(form.page, form.does) for page in pages.values() for form in page.forms if form.method == "post"}
        filters = {(form.page, name) for page in pages.values() for form in page.forms if form.method == "get" for name in form.names}
        self.assertEqual(set(pages), set(self.VIEWS))
        self.assertEqual(actions, set(self.ACTIONS))
        self.assertEqual(filters, {key for key in self.FILTERS if key[1] != "page"})
        for verb in filter(None, [*self.VIEWS.values(), *self.ACTIONS.values(), *self.FILTERS.values()]):
            words = verb.split()
            option = words.pop() if words[-1].startswith(("-", "<")) else "--help"
            self.assertIn(option, run("ctl", *words, "--help", status=0).stdout, verb)

    def test_every_call_of_the_documents_is_made_by_ctl(self):
        server = self.server()
        walked = 0
        for door in (server.http, server.admin):
            for path, item in door.get("/openapi.json").json()["paths"].items():
                for method in item:
                    # `reset` last would be as good: nothing of what is asked here is there.
                    body = [] if method == "get" else ["{}"]
                    done = run("ctl", "--state", server.state, "rest", path, *body)
                    self.assertNotRegex(done.stderr, "there is no call|JSON object", path)
                    known = "not answered by the control socket; make it by HTTP" not in done.stderr
                    self.assertEqual(known, path not in self.DOORS_ONLY, f"{path}: {done.stderr}")
                    walked += known
        self.assertGreater(walked, 30)
        for path, body, says in (("/nowhere", [], "there is no call /nowhere"), ("/health", ["{}"], "/health takes no JSON"),
                                 ("/factory", [], "/factory takes a JSON object")):
            self.assertIn(says, run("ctl", "--state", server.state, "rest", path, *body, status=1).stderr)


class Form:
    def __init__(self, page, method):
        self.page, self.method, self.names, self.does = page, method, [], ""


class Forms(HTMLParser):
    """The forms and the links of a page."""

    def __init__(self, path):
        super().__init__()
        self.path, self.forms, self.links, self.open = path, [], [], None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.append(given["href"])
        elif tag == "form":
            self.open = [Form(shape(given.get("action", self.path)), given.get("method", "get"))]
            self.forms += self.open
        elif self.open and tag in ("input", "select", "textarea", "button"):
            self.control(tag, given)

    def handle_endtag(self, tag):
        self.open = None if tag == "form" else self.open

    def control(self, tag, given):
        form, name = self.open[0], given.get("name")
        if name == "do" and tag == "button" and form.does and form.does != given["value"]:
            # A second button of the same form.
            form = Form(form.page, form.method)
            self.forms.append(form)
        if name == "do":
            form.does = given["value"]
        elif tag == "button" and name in ("open", "by"):
            form.does = name
        elif name == "company":
            form.does = "sign up"
        elif name == "open":
            form.does = "open"
        elif name:
            form.names.append(name)


def shape(path):
    """A path without what it names."""
    return re.sub(r"^/(things|profiles|campaigns)/(?!new$)[^/]+$", r"/\1/{}", path.partition("?")[0])


def walk(server):
    """Every page of the console that a link leads to, by its shape."""
    cookies = []

    def send(method, path, form=None):
        return server.http.send(method, path, form, {"Cookie": "; ".join(cookies), "Accept": "text/html"})

    token = server.ready["console"].partition("token=")[2]
    for method, path, form in (("GET", f"/?token={token}", None), ("POST", "/signup", "open=default")):
        cookies.append(send(method, path, form).headers["Set-Cookie"].partition(";")[0])
    pages, ahead, seen = {}, ["/"], set()
    while ahead:
        path = ahead.pop()
        if path in seen or path.startswith(("/docs", "/openapi")):
            continue
        seen.add(path)
        reply = send("GET", path)
        assert reply.status == 200, f"{path}: {reply}"
        page = Forms(path)
        page.feed(reply.body.decode())
        if shape(path) in pages:
            pages[shape(path)].forms += page.forms
        else:
            pages[shape(path)] = page
        ahead += page.links
    return pages
