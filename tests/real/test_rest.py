"""REST of the security service, by an independent HTTP client."""

import base64
import json
import re

from rest import Rest, next_event, sign_in
from vsara import PROFILE_UID, Case, run, wait_until

NOWHERE = "0000000000000000"


class Accounts(Case):
    def test_the_published_call_gives_tokens_for_an_hour_on_the_services_clock(self):
        server = self.server("--time", "virtual")
        key = json.loads(server.ctl("accesskey", "create", "--json"))
        self.assertEqual(set(key), {"APIKey", "APISecret"})
        tokens = server.http("/v1/authenticate", **key)
        self.assertEqual(set(tokens), {"AuthToken", "RefreshToken"})
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in tokens["AuthToken"].split(".")[:2])
        self.assertEqual(header["alg"], "ES256")
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        for token in (tokens["AuthToken"], f"Bearer {tokens['AuthToken']}"):
            self.assertEqual(server.http.send("POST", "/v1/device/list", headers={"Authorization": token}).status, 200)
        owner = Rest(server.ready["http"], tokens["AuthToken"])
        server.ctl("time", "advance", "59m")
        self.assertEqual(owner("/v1/device/list")["Total"], 0)
        server.ctl("time", "advance", "1m")
        reply = owner.send("POST", "/v1/device/list")
        self.assertEqual(reply.status, 401)
        self.assertIn("expired", reply["Error"]["Message"])
        fresh = server.http("/v1/authenticate/refresh", RefreshToken=tokens["RefreshToken"])
        owner.token = fresh["AuthToken"]
        self.assertEqual(owner("/v1/device/list")["Total"], 0)

    def test_wrong_credentials_are_told_apart_as_published(self):
        server = self.server()
        key = json.loads(server.ctl("accesskey", "create", "--json"))
        refresh = server.http("/v1/authenticate", **key)["RefreshToken"]
        check = lambda body, status: self.assertEqual(server.http.send("POST", "/v1/authenticate", body).status, status, body)
        check({**key, "APISecret": "wrong"}, 401)
        check({**key, "APIKey": "nobody"}, 404)
        check({"APIKey": key["APIKey"]}, 400)
        check({**key, "APISecret": 7}, 400)
        check("{", 400)
        check("[]", 400)
        check("\t", 400)
        check({**key, "Unknown": 1}, 200)
        for token in (None, "nonsense", refresh, "Basic Zm9v"):
            headers = {"Authorization": token} if token else {}
            self.assertEqual(server.http.send("POST", "/v1/device/list", headers=headers).status, 401, token)
        wrong = Rest(server.ready["http"]).send("POST", "/v1/authenticate/refresh", {"RefreshToken": "x"})
        self.assertEqual(wrong.status, 401)

    def test_too_many_wrong_secrets_are_stopped_for_that_key_only(self):
        server = self.server()
        first, second = (json.loads(server.ctl("accesskey", "create", "--json")) for _ in range(2))
        statuses = [server.http.send("POST", "/v1/authenticate", {**first, "APISecret": str(n)}).status for n in range(40)]
        self.assertEqual(statuses[:20], [401] * 20)
        self.assertEqual(statuses[-1], 429)
        reply = server.http.send("POST", "/v1/authenticate", first)
        self.assertEqual((reply.status, reply.headers["Retry-After"]), (429, "1"))
        self.assertEqual(server.http.send("POST", "/v1/authenticate", second).status, 200)

    def test_five_access_keys_and_a_deleted_one_locks_its_holder_out(self):
        server = self.server()
        owner = server.account()
        keys = [owner("/v1/accesskey/create") for _ in range(4)]
        reply = owner.send("POST", "/v1/accesskey/create")
        self.assertEqual((reply.status, reply["Error"]["Code"]), (409, "Conflict"))
        listed = owner("/v1/accesskey/list")
        self.assertEqual(listed["Total"], 5)
        self.assertNotIn("Secret", json.dumps(listed))
        other = sign_in(server.ready["http"], keys[0])
        tokens = server.http("/v1/authenticate", **keys[0])
        self.assertEqual(other.send("POST", "/v1/accesskey/delete", {"APIKey": keys[0]["APIKey"]}).status, 409)
        owner("/v1/accesskey/delete", APIKey=keys[0]["APIKey"])
        self.assertEqual(other.send("POST", "/v1/device/list").status, 401)
        refresh = {"RefreshToken": tokens["RefreshToken"]}
        self.assertEqual(server.http.send("POST", "/v1/authenticate/refresh", refresh).status, 401)
        self.assertEqual(server.http.send("POST", "/v1/authenticate", keys[0]).status, 404)
        self.assertEqual(owner("/v1/accesskey/create").keys(), {"APIKey", "APISecret"})

    def test_a_domain_of_its_own_by_ctl(self):
        modem = self.modem()
        modem.ctl("domain", "create", "acme", "--company", "Acme Pumps")
        key = json.loads(modem.ctl("accesskey", "create", "--domain", "acme", "--json"))
        owner = sign_in(modem.ready["console"].partition("/?")[0], key)
        self.assertEqual(owner("/v1/deviceprofile/list")["Total"], 0)
        nobody = run("ctl", "--state", modem.state, "accesskey", "create", "--domain", "nobody")
        self.assertEqual((nobody.returncode, "no domain nobody" in nobody.stderr), (1, True))

    def test_secrets_are_in_no_file_and_in_no_log(self):
        server = self.server("--log", "trace")
        key = json.loads(server.ctl("accesskey", "create", "--json"))
        sign_in(server.ready["http"], key)
        server.stop()
        token = server.ready["admin-token"], server.ready["console"].partition("token=")[2]
        for secret in (key["APISecret"], *token):
            self.assertNotIn(secret, server.stderr())
        for path in server.state.iterdir():
            if path.is_file():
                self.assertNotIn(key["APISecret"].encode(), path.read_bytes(), path)

    def test_tokens_live_through_a_restart(self):
        server = self.server()
        owner = server.account()
        server.stop()
        again = self.server()
        owner = Rest(again.ready["http"], owner.token)
        self.assertEqual(owner("/v1/device/list")["Total"], 0)


class Things(Case):
    """The flows of the getting-started guide, seen from the other side."""

    def sealed(self, server, uid, *options, state="modem"):
        modem = self.modem("--service", server.address, *options, state=state)
        modem.wait_for_flags("1,0,1")
        self.assertTrue(modem.seal(state, uid).ok)
        modem.wait_for_flags("1,1,1")
        return modem

    def test_a_device_profile_a_thing_and_a_feature_at_the_next_heartbeat(self):
        server = self.server("--time", "virtual")
        owner = server.account()
        fields = dict(Name="pumps", Plan="flex", Features=["ldp"], Whitelist=False, HeartbeatPeriod=86400)
        uid = owner("/v1/deviceprofile/create", **fields)["DeviceProfileUID"]
        self.assertRegex(uid, r"^[A-Za-z0-9]{22}$")
        self.assertEqual(owner("/v1/deviceprofile/get", DeviceProfileUID=uid), {"DeviceProfileUID": uid, "CAUID": None, **fields})
        modem = self.sealed(server, uid)
        devices = owner("/v1/device/list")
        self.assertEqual(devices["Total"], 1)
        thing = devices["Devices"][0]
        self.assertEqual((thing["ROTPublicUID"], thing["DeviceProfileUID"], thing["SerialNumber"]), (modem.rot, uid, "modem"))
        self.assertEqual((thing["State"], thing["Blacklisted"], thing["Plan"]), ("ACTIVE", False, "flex"))
        self.assertTrue(thing["RegisteredAt"] and thing["BootstrapBytes"]["Total"] >= 1048)
        self.assertEqual(thing["Features"], {"Wanted": ["ldp"], "Applied": ["ldp"]})

        wanted = owner("/v1/device/feature/set", ROTPublicUID=modem.rot, Feature="ztp", Enabled=True)
        self.assertEqual(wanted["Features"], {"Wanted": ["ldp", "ztp"], "Applied": ["ldp"]})
        owner("/v1/device/heartbeat/set", ROTPublicUID=modem.rot, HeartbeatPeriod=3600)
        self.assertTrue(modem.command("AT+USECCONN", within=20).ok)
        thing = owner("/v1/device/get", ROTPublicUID=modem.rot)
        self.assertEqual(thing["Features"]["Applied"], ["ldp", "ztp"])
        self.assertEqual(thing["HeartbeatPeriod"], {"Wanted": 3600, "Applied": 3600})
        self.assertTrue(thing["LastHeartbeat"])
        self.assertEqual((thing["Heartbeats"], thing["Overdue"]), (1, False))
        kinds = [event["Kind"] for event in owner("/v1/event/list")["Events"]]
        self.assertIn("registration", kinds)
        self.assertIn("heartbeat", kinds)

    def test_a_whitelist_keeps_out_who_is_not_on_it(self):
        server = self.server()
        owner = server.account()
        uid = owner("/v1/deviceprofile/create", Name="listed", Plan="flex", Whitelist=True)["DeviceProfileUID"]
        modem = self.sealed(server, uid)
        thing = owner("/v1/device/get", ROTPublicUID=modem.rot)
        self.assertEqual((thing["State"], thing["Blacklisted"], thing["BlockedBy"]), ("ALLOCATED", True, "whitelist"))
        self.assertEqual(owner("/v1/device/list", Blacklisted=True)["Total"], 1)
        self.assertEqual(owner("/v1/whitelist/add", DeviceProfileUID=uid, ROTPublicUIDs=[modem.rot, NOWHERE])["Total"], 2)
        self.assertEqual(owner("/v1/whitelist/list", DeviceProfileUID=uid)["ROTPublicUIDs"], [NOWHERE, modem.rot])
        self.assertEqual(owner("/v1/device/unblock", ROTPublicUID=modem.rot)["State"], "ACTIVE")
        self.assertEqual(owner("/v1/whitelist/remove", DeviceProfileUID=uid, ROTPublicUIDs=[NOWHERE])["Total"], 1)

    def test_the_eleventh_device_is_told_why(self):
        server = self.server()
        owner = server.account()
        uid = owner("/v1/deviceprofile/create", Name="free")["DeviceProfileUID"]
        rots = []
        for n in range(11):
            modem = self.sealed(server, uid, state=f"modem-{n}")
            rots.append(modem.rot)
            modem.stop()
        self.assertEqual(owner("/v1/device/list", State="ACTIVE")["Total"], 10)
        thing = owner("/v1/device/get", ROTPublicUID=rots[10])
        self.assertEqual((thing["State"], thing["BlockedBy"], thing["Blacklisted"]), ("ALLOCATED", "plan", False))
        reply = owner.send("POST", "/v1/device/unblock", {"ROTPublicUID": rots[10]})
        self.assertEqual(reply.status, 409)
        self.assertIn("10 active devices", reply["Error"]["Message"])
        self.assertEqual(owner("/v1/plan/list")["Plans"][0]["ActiveDevices"], 10)
        owner("/v1/device/update", ROTPublicUID=rots[10], Plan="daily")
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=rots[10])["State"], "ACTIVE")

    def test_a_clone_is_in_the_list_of_clones(self):
        server = self.server()
        owner = server.account()
        original = self.sealed(server, PROFILE_UID)
        original.ctl("clone", self.folder / "copy")
        self.assertTrue(original.command("AT+USECCONN").ok)
        self.assertEqual(owner("/v1/device/clone/get")["Total"], 0)
        copy = self.modem("--service", server.address, state="copy")
        copy.command("AT+USECCONN", within=20)
        clones = wait_until(lambda: owner("/v1/device/clone/get")["Devices"], "a clone")
        self.assertEqual([clone["ROTPublicUID"] for clone in clones], [original.rot])
        self.assertIn("contact chain broken", clones[0]["Reason"])
        self.assertEqual(owner("/v1/device/clone/get", ROTPublicUID=NOWHERE)["Total"], 0)
        self.assertEqual(owner("/v1/device/clone/get", Since="2099-01-01T00:00:00Z")["Total"], 0)
        self.assertEqual(owner("/v1/event/list", Kind="clone")["Events"][0]["ROTPublicUID"], original.rot)

    def test_a_campaign_is_applied_at_the_next_heartbeat(self):
        server = self.server("--time", "virtual")
        owner = server.account()
        modem = self.sealed(server, PROFILE_UID)
        campaign = owner("/v1/campaign/feature/set", Name="ldp for all", DeviceProfileUID=PROFILE_UID, Feature="ldp", Enabled=True)
        uid = campaign["CampaignUID"]
        progress = lambda: owner("/v1/campaign/get", CampaignUID=uid)["Progress"]
        wait_until(lambda: not progress()["Running"], "the campaign has told everybody")
        self.assertEqual((progress()["Total"], progress()["Waiting"]), (1, 1))
        self.assertTrue(modem.command("AT+USECCONN", within=20).ok)
        self.assertEqual((progress()["Applied"], progress()["Waiting"]), (1, 0))
        devices = owner("/v1/campaign/device/list", CampaignUID=uid, Outcome="applied")["Devices"]
        self.assertEqual(devices, [{"ROTPublicUID": modem.rot, "Outcome": "applied"}])
        other = owner("/v1/deviceprofile/create", Name="other")["DeviceProfileUID"]
        one = {"Name": "hourly", "ROTPublicUIDs": [modem.rot], "HeartbeatPeriod": 3600}
        reply = owner.send("POST", "/v1/campaign/heartbeat/set", {**one, "DeviceProfileUID": other})
        self.assertEqual(reply.status, 409, "not of that device profile")
        everybody = owner("/v1/campaign/plan/set", Name="flex for all", Plan="flex")["CampaignUID"]
        wait_until(lambda: owner("/v1/campaign/get", CampaignUID=everybody)["Progress"]["Applied"] == 1, "everybody")
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=modem.rot)["Plan"], "flex")

    def test_events_come_as_they_happen_and_go_on_behind_the_last_one_seen(self):
        server = self.server()
        owner = server.account()
        connection, stream = owner.stream("/v1/event/stream")
        self.assertEqual((stream.status, stream.headers["Content-Type"]), (200, "text/event-stream"))
        modem = self.sealed(server, PROFILE_UID)
        first_id, kind, data = next_event(stream)
        self.assertEqual((kind, data["ROTPublicUID"]), ("registration", modem.rot))
        connection.close()
        listed = owner("/v1/event/list")["Events"]
        later = [event["ID"] for event in listed if event["ID"] > int(first_id)]
        connection, stream = owner.stream("/v1/event/stream", {"Last-Event-ID": first_id})
        self.assertEqual([int(next_event(stream)[0]) for _ in later], later)
        connection.close()
        self.assertEqual(server.http.send("GET", "/v1/event/stream").status, 401)


class Document(Case):
    def test_the_document_and_the_routes_are_the_same(self):
        server = self.server()
        for door, token in ((server.http, server.account().token), (server.admin, server.admin.token)):
            document = door.get("/openapi.json").json()
            for path, item in document["paths"].items():
                methods = {method.upper() for method in item}
                for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
                    reply = Rest(f"http://{door.host}:{door.port}").send(method, path, {})
                    if method in methods:
                        self.assertNotIn(reply.status, (404, 405), f"{method} {path}")
                    else:
                        self.assertEqual(reply.status, 405, f"{method} {path}")
                        allowed = set(reply.headers["Allow"].split(",")) - {"HEAD"}
                        self.assertEqual(allowed, methods, path)
                for operation in item.values():
                    self.assertIn(operation["x-provenance"], ("published", "seed", "designed"))
                    self.assertTrue(operation["summary"] and operation["tags"])
            self.assertTrue(token)
        document = server.http.get("/openapi.json").json()
        published = [path for path, item in document["paths"].items() if any(op["x-provenance"] == "published" for op in item.values())]
        self.assertEqual(published, ["/v1/authenticate", "/v1/e2e/uplink/protectionparameters/get"])
        self.assertEqual(server.http.send("POST", "/v1/nothing").status, 404)

    def test_yaml_and_page_say_what_the_json_says(self):
        server = self.server()
        document = server.http.get("/openapi.json").json()
        yaml, page = server.http.get("/openapi.yaml"), server.http.get("/docs")
        self.assertEqual(yaml.headers["Content-Type"], "application/yaml")
        text, html = yaml.body.decode(), page.body.decode()
        for path in document["paths"]:
            self.assertIn(f"\n  {path}:\n", text)
            self.assertIn(path, html)
        for name in document["components"]["schemas"]:
            self.assertIn(f"\n    {name}:\n", text)
            self.assertIn(f'id="schema-{name}"', html)
        self.assertNotIn("<script", html)
        self.assertFalse(re.search(r'(src|href)="(https?:)?//', html), "nothing comes from elsewhere")
        for link in set(re.findall(r'href="(/[^"]*)"', html)):
            self.assertEqual(server.http.send("GET", link).status, 200, link)


class Domains(Case):
    def test_every_operation_with_the_token_of_another_domain_finds_nothing(self):
        server = self.server()
        server.admin("/domains", Name="other")
        owner, other = server.account(), server.account("other")
        modem = self.modem("--service", server.address)
        modem.wait_for_flags("1,0,1")
        modem.seal()
        modem.wait_for_flags("1,1,1")
        uid = PROFILE_UID
        owner("/v1/whitelist/add", DeviceProfileUID=uid, ROTPublicUIDs=[modem.rot])
        campaign = owner("/v1/campaign/heartbeat/set", Name="n", ROTPublicUIDs=[modem.rot], HeartbeatPeriod=3600)["CampaignUID"]
        key = owner("/v1/accesskey/list")["AccessKeys"][0]["APIKey"]
        ca = owner("/v1/ca/create", Name="theirs")["CAUID"]
        theirs = {
            "ROTPublicUID": modem.rot,
            "ROTPublicUIDs": [modem.rot],
            "DeviceProfileUID": uid,
            "CampaignUID": campaign,
            "APIKey": key,
            "CAUID": ca,
            "Feature": "ldp",
            "Enabled": True,
            "HeartbeatPeriod": 600,
            "Name": "taken",
            "Plan": "flex",
            "Suspended": True,
            "PSKIdentity": modem.psk(16)[0],
            "EncryptedHeader": modem.data("+USECE2EDATAENC", b"a message")[:16].hex(),
        }
        before = [owner(path) for path in ("/v1/device/list", "/v1/deviceprofile/list", "/v1/event/list", "/v1/accesskey/list")]
        document = server.http.get("/openapi.json").json()
        walked = 0
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if not operation.get("security") or path == "/v1/event/stream":
                    continue
                walked += 1
                schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
                names = document["components"]["schemas"][schema].get("properties", {})
                fields = {name: value for name, value in theirs.items() if name in names}
                reply = other.send(method.upper(), path, fields)
                if reply.status == 200:
                    for secret in (modem.rot, uid, campaign, key, ca):
                        self.assertNotIn(secret, reply.body.decode(), path)
                    self.assertIn(reply.json().get("Total", 0) if path not in ("/v1/accesskey/list", "/v1/ca/list", "/v1/deviceprofile/list", "/v1/plan/list") else 0, (0,), path)
                else:
                    self.assertEqual(reply.status, 404, f"{path}: {reply}")
        self.assertGreater(walked, 20)
        after = [owner(path) for path in ("/v1/device/list", "/v1/deviceprofile/list", "/v1/event/list", "/v1/accesskey/list")]
        self.assertEqual(after, before)


class Requests(Case):
    def test_wrong_types_are_refused_and_unknown_fields_ignored(self):
        server = self.server()
        owner = server.account()
        check = lambda path, body, status: self.assertEqual(owner.send("POST", path, body).status, status, (path, body))
        listing = "/v1/device/list"
        check(listing, {"Colour": "blue"}, 200)
        check(listing, "", 200)
        check(listing, {"Offset": "1"}, 400)
        check(listing, {"Offset": -1}, 400)
        check(listing, {"Count": 0}, 400)
        check(listing, {"Count": 1001}, 400)
        check(listing, {"State": "active"}, 400)
        check(listing, "[]", 400)
        check(listing, "{} {}", 400)
        check(listing, "\xff", 400)
        check("/v1/deviceprofile/create", {"Plan": "flex"}, 400)
        check("/v1/deviceprofile/create", {"Name": "n", "Plan": "gold"}, 400)
        check("/v1/deviceprofile/create", {"Name": "n", "Features": "ldp"}, 400)
        check("/v1/deviceprofile/create", {"Name": "n", "HeartbeatPeriod": 299}, 400)
        check("/v1/deviceprofile/create", {"Name": "n" * 101}, 400)
        check("/v1/device/get", {"ROTPublicUID": "0a04"}, 400)
        check("/v1/device/get", {"ROTPublicUID": NOWHERE}, 404)
        check("/v1/device/feature/set", {"ROTPublicUID": NOWHERE, "Feature": "ldp", "Enabled": "yes"}, 400)
        reply = owner.send("POST", "/v1/device/heartbeat/set", {"ROTPublicUID": NOWHERE, "HeartbeatPeriod": "1d"})
        self.assertIn("HeartbeatPeriod", reply["Error"]["Message"], "the field is named")
        self.assertEqual(set(reply["Error"]), {"Code", "Message", "Hint"})

    def test_a_list_comes_in_parts(self):
        server = self.server()
        owner = server.account()
        for n in range(12):
            owner("/v1/deviceprofile/create", Name=f"profile {n}")
        whole = owner("/v1/deviceprofile/list")
        self.assertEqual((whole["Total"], len(whole["DeviceProfiles"])), (13, 13))
        part = owner("/v1/deviceprofile/list", Offset=10, Count=2)
        self.assertEqual(part, {"DeviceProfiles": whole["DeviceProfiles"][10:12], "Total": 13})
        self.assertEqual(owner("/v1/deviceprofile/list", Offset=99)["DeviceProfiles"], [])


class Embedded(Case):
    def test_the_service_inside_a_modem_has_the_same_rest(self):
        modem = self.modem()
        url, _, token = modem.ready["console"].partition("/?token=")
        self.assertTrue(token)
        modem.wait_for_flags("1,0,1")
        modem.seal()
        modem.wait_for_flags("1,1,1")
        key = json.loads(modem.ctl("accesskey", "create", "--json"))
        owner = sign_in(url, key)
        self.assertEqual(owner("/v1/device/list")["Devices"][0]["ROTPublicUID"], modem.rot)

    def test_without_a_service_there_is_no_console(self):
        self.assertNotIn("console", self.modem("--service", "none").ready)
