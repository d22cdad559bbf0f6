"""The admin API: the service as a whole."""

import json
import shutil
import struct
import subprocess
import unittest

from vsara import PROFILE_UID, Case, factory_secret, wait_until


class Admin(Case):
    def bootstrapped(self, server, *options, state="modem"):
        modem = self.modem("--service", server.address, *options, state=state)
        modem.wait_for_flags("1,0,1")
        self.assertTrue(modem.seal(state).ok)
        modem.wait_for_flags("1,1,1")
        return modem

    def test_health_says_how_the_service_stands(self):
        server = self.server("--time", "virtual")
        self.bootstrapped(server)
        health = server.admin.get("/health").json()
        self.assertEqual((health["Status"], health["Devices"], health["Pace"]), ("ok", 1, "virtual"))

    def test_the_clock_moves_forward_only_and_stops_at_deadlines(self):
        server = self.server("--time", "virtual")
        modem = self.bootstrapped(server)
        owner = server.account()
        before = server.admin.get("/clock").json()
        moved = server.admin("/clock/advance", Seconds=3600)
        self.assertGreater(moved["Time"], before["Time"])
        reply = server.admin.send("PUT", "/clock", {"Time": before["Time"]})
        self.assertEqual(reply.status, 409)
        self.assertEqual(server.admin.send("PUT", "/clock", {}).status, 400)
        self.assertEqual(server.admin.send("POST", "/clock/advance", {"Seconds": -1}).status, 400)
        self.assertEqual(server.admin.put("/clock", Time=moved["Time"])["Time"], moved["Time"])
        server.admin("/clock/advance", Seconds=30 * 86400)
        thing = server.account().send("POST", "/v1/device/get", {"ROTPublicUID": modem.rot})
        self.assertTrue(thing["Overdue"])
        self.assertEqual(owner.send("POST", "/v1/device/list").status, 401, "tokens run on this clock")

    def test_a_silent_service_is_silent_for_its_time(self):
        server = self.server("--time", "virtual")
        modem = self.bootstrapped(server)
        faults = server.admin.put("/faults", SilentSeconds=600)
        self.assertTrue(faults["SilentUntil"])
        modem.ctl("network", "loss", "0%")
        received = lambda: int(next(line.split()[-1] for line in server.admin.get("/metrics").body.decode().splitlines() if line.startswith('vsara_datagrams_total{way="in"')))
        answered = lambda: int(next(line.split()[-1] for line in server.admin.get("/metrics").body.decode().splitlines() if line.startswith('vsara_datagrams_total{way="out"')))
        before = received(), answered()
        with modem.terminal() as terminal:
            terminal.send("AT+USECCONN")
            wait_until(lambda: received() > before[0] + 1, "the module keeps trying")
            self.assertEqual(answered(), before[1])
            server.admin("/clock/advance", Seconds=600)
            self.assertIsNone(server.admin.get("/faults").json()["SilentUntil"])
            self.assertTrue(terminal.answer(within=60).ok)

    def test_faults_are_set_as_a_whole_and_by_ctl_one_by_one(self):
        server = self.server()
        set_to = server.admin.put("/faults", LossPercent=30, DelayMilliseconds=50)
        self.assertEqual((set_to["LossPercent"], set_to["DelayMilliseconds"], set_to["Drop"]), (30, 50, 0))
        self.assertEqual(server.admin.put("/faults", Drop=2)["LossPercent"], 0, "what is left out is right again")
        server.ctl("fault", "service", "delay", "2s")
        server.ctl("fault", "service", "silent", "for", "10m")
        faults = server.admin.get("/faults").json()
        self.assertEqual((faults["Drop"], faults["DelayMilliseconds"]), (2, 2000))
        self.assertTrue(faults["SilentUntil"])
        server.ctl("fault", "service", "none")
        faults = server.admin.get("/faults").json()
        self.assertFalse(any(faults.values()), faults)
        for wrong in ({"LossPercent": 101}, {"LossPercent": -1}, {"Reorder": 1}, {"Drop": 1_000_001}):
            self.assertEqual(server.admin.send("PUT", "/faults", wrong).status, 400, wrong)

    def test_reset_forgets_everything_but_service_toml(self):
        server = self.server()
        modem = self.bootstrapped(server)
        owner = server.account()
        server.admin("/domains", Name="acme", Company="Acme Pumps")
        owner("/v1/ca/create", Name="of before")
        server.admin("/reset")
        self.assertEqual(server.admin.get("/health").json()["Devices"], 0)
        self.assertEqual(owner.send("POST", "/v1/device/list").status, 401)
        self.assertEqual([domain["Name"] for domain in server.admin.get("/domains").json()["Domains"]], ["default"])
        again = server.account()
        self.assertEqual(again("/v1/ca/list")["CAs"], [])
        self.assertEqual(again("/v1/deviceprofile/list")["DeviceProfiles"][0]["DeviceProfileUID"], PROFILE_UID)
        modem.ctl("factory-reset")
        modem.wait_for_flags("1,0,1")
        self.assertEqual(server.admin.get("/health").json()["Devices"], 1)

    def test_domains_and_their_first_access_keys(self):
        server = self.server()
        made = server.admin("/domains", Name="acme", Company="Acme Pumps")
        self.assertEqual((made["Name"], made["Company"]), ("acme", "Acme Pumps"))
        self.assertEqual(server.admin.send("POST", "/domains", {"Name": "acme"}).status, 409)
        self.assertEqual(server.admin.send("POST", "/domains", {"Name": "a b"}).status, 400)
        key = server.admin("/accesskeys", Domain="acme")
        self.assertEqual(server.http.send("POST", "/v1/authenticate", key).status, 200)
        self.assertEqual(server.admin.send("POST", "/accesskeys", {"Domain": "nobody"}).status, 404)

    def test_the_factory_makes_modules_the_service_knows(self):
        server = self.server()
        owner = server.account()
        uid = owner("/v1/deviceprofile/create", Name="listed", Plan="flex", Whitelist=True)["DeviceProfileUID"]
        modules = server.admin("/factory", Count=3, DeviceProfileUID=uid)["Modules"]
        self.assertEqual(len({module["ROTPublicUID"][4:] for module in modules}), 3)
        first = modules[0]
        self.assertEqual(first["PSK"], factory_secret(first["ROTPublicUID"]).hex())
        modem = self.modem("--service", server.address, "--rot", first["ROTPublicUID"])
        modem.wait_for_flags("1,0,1")
        modem.seal("first", uid)
        modem.wait_for_flags("1,1,1")
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=first["ROTPublicUID"])["State"], "ACTIVE")
        self.assertEqual(server.admin.send("POST", "/factory", {"Count": 1001}).status, 400)

    def test_devices_change_their_owner(self):
        server = self.server()
        modem = self.bootstrapped(server)
        server.admin("/domains", Name="acme")
        order = {"DeviceProfileUID": PROFILE_UID, "ROTPublicUIDs": [modem.rot], "From": "default", "To": "acme"}
        check = lambda status, **changed: self.assertEqual(
            server.admin.send("POST", "/ownership/transfer", {**order, **changed}).status, status, changed)
        check(404, To="nobody")
        check(404, From="acme")
        check(409, DeviceProfileUID="x" * 22)
        check(404, ROTPublicUIDs=[modem.rot, "0" * 16])
        before, after = server.account(), server.account("acme")
        self.assertEqual((before("/v1/device/list")["Total"], after("/v1/device/list")["Total"]), (1, 0))
        check(200)
        self.assertEqual((before("/v1/device/list")["Total"], after("/v1/device/list")["Total"]), (0, 1))
        self.assertEqual(after("/v1/event/list", Kind="ownership")["Events"][0]["Reason"], "transferred from default to acme")

    def test_a_forgotten_root_of_trust_begins_anew(self):
        server = self.server()
        modem = self.bootstrapped(server)
        server.admin("/devices/forget", ROTPublicUID=modem.rot)
        self.assertEqual(server.account()("/v1/device/list")["Total"], 0)
        self.assertEqual(server.admin.send("POST", "/devices/forget", {"ROTPublicUID": "0" * 16}).status, 404)

    def test_a_running_service_is_saved_and_restored(self):
        server = self.server()
        modem = self.bootstrapped(server)
        owner = server.account()
        saved = server.admin.get("/snapshot").body
        self.assertTrue(saved.startswith(b"SQLite format 3\0"))
        profile = owner("/v1/deviceprofile/create", Name="later")["DeviceProfileUID"]
        self.assertTrue(modem.command("AT+USECCONN", within=20).ok)
        self.assertEqual(server.admin.send("PUT", "/snapshot", b"no database").status, 400)
        self.assertEqual(server.admin.send("PUT", "/snapshot", saved[: len(saved) // 2]).status, 400)
        self.assertEqual(owner.send("POST", "/v1/deviceprofile/get", {"DeviceProfileUID": profile}).status, 200)
        self.assertEqual(server.admin.send("PUT", "/snapshot", saved).status, 200)
        self.assertEqual(owner.send("POST", "/v1/deviceprofile/get", {"DeviceProfileUID": profile}).status, 404)
        self.assertEqual(owner("/v1/device/get", ROTPublicUID=modem.rot)["Heartbeats"], 0)
        modem.ctl("reset")
        self.assertFalse(list(server.state.glob("snapshot-*")), "no copies are left behind")
        server.stop()
        self.assertEqual(self.server().admin.get("/health").json()["Devices"], 1)

    def test_metrics_are_the_text_format_and_hold_no_secret(self):
        server = self.server()
        modem = self.bootstrapped(server)
        reply = server.admin.get("/metrics")
        self.assertTrue(reply.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        text = reply.body.decode()
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        self.assertEqual(values['vsara_devices{state="ACTIVE"}'], "1")
        self.assertEqual(values['vsara_events_total{kind="bootstrap"}'], "1")
        self.assertGreater(int(values['vsara_datagram_bytes_total{way="in"}']), 500)
        for secret in (PROFILE_UID, modem.rot, server.admin.token):
            self.assertNotIn(secret, text)


class Journal(Case):
    def test_the_journal_is_json_lines_with_the_datagrams_and_the_coap_in_them(self):
        server = self.server()
        modem = self.modem("--service", server.address)
        modem.wait_for_flags("1,0,1")
        entries = [json.loads(line) for line in server.admin.get("/journal").body.decode().splitlines()]
        kinds = {entry["what"] for entry in entries}
        self.assertEqual(kinds, {"datagram", "coap", "event", "trace"})
        coap = [bytes.fromhex(entry["bytes"]) for entry in entries if entry["what"] == "coap"]
        self.assertTrue(any(b"bootstrap" in message and b"hello" in message for message in coap))
        self.assertFalse(any(b"hello" in bytes.fromhex(entry["bytes"]) for entry in entries if entry["what"] == "datagram"))

    def packets(self, capture):
        """The packets of a capture, read as the format says: interface and bytes."""
        at = 0
        while at < len(capture):
            kind, length = struct.unpack_from("<II", capture, at)
            self.assertEqual(struct.unpack_from("<I", capture, at + length - 4)[0], length)
            if kind == 6:
                interface, _, _, captured, _ = struct.unpack_from("<IIIII", capture, at + 8)
                yield interface, capture[at + 28 : at + 28 + captured]
            at += length

    def test_the_capture_has_both_sides_of_every_datagram(self):
        server = self.server()
        modem = self.modem("--service", server.address)
        modem.wait_for_flags("1,0,1")
        packets = list(self.packets(server.admin.get("/journal.pcapng").body))
        port = int(server.address.rsplit(":", 1)[1])
        for wanted, interface in ((port, 0), (5683, 1)):
            ports = [struct.unpack_from(">HH", packet, 20) for found, packet in packets if found == interface]
            self.assertTrue(any(ports_[0] == wanted for ports_ in ports), "from the service")
            self.assertTrue(any(ports_[1] == wanted for ports_ in ports), "to the service")

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_tshark_reads_the_capture(self):
        server = self.server()
        modem = self.modem("--service", server.address)
        modem.wait_for_flags("1,0,1")
        path = self.folder / "journal.pcapng"
        path.write_bytes(server.admin.get("/journal.pcapng").body)
        port = server.address.rsplit(":", 1)[1]
        run = lambda *options: subprocess.run(
            ["tshark", "-r", str(path), "-d", f"udp.port=={port},dtls", *options],
            capture_output=True, text=True, timeout=60, check=True).stdout
        paths = set(run("-Y", "coap", "-T", "fields", "-e", "coap.opt.uri_path_recon").split())
        self.assertTrue({"/bootstrap/hello", "/bootstrap/replace", "/bootstrap/provision", "/bootstrap/confirm"} <= paths, paths)
        self.assertGreater(len(run("-Y", "dtls").splitlines()), 10)
        self.assertEqual(run("-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", "udp.checksum.status == 0 or ip.checksum.status == 0 or _ws.malformed"), "")
