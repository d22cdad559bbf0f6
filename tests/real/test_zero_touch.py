"""Zero touch provisioning: what openssl and another TLS stack say to the module's certificate."""

import ssl
import subprocess

from vsara import Case

PRIVATE_KEY, CERTIFICATE, AUTHORITIES = 0, 1, 2


def document(device, number):
    """The PEM document of AT+USECDEVCERT."""
    answer = device.command(f"AT+USECDEVCERT={number}")
    assert answer.ok, answer
    text = "\n".join(answer.lines)
    head, _, rest = text.partition(f'+USECDEVCERT: {number},"')
    assert head == "" and rest.endswith('"'), text
    return rest[:-1].strip() + "\n"


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


class ZeroTouch(Case):
    def setUp(self):
        super().setUp()
        self.service = self.server("--time", "virtual")
        self.owner = self.service.account()

    def device_of(self, serial_number="pump-17", **profile):
        given = {"Name": "touchless", "Plan": "flex", "Features": ["ztp"], **profile}
        uid = self.owner("/v1/deviceprofile/create", **given)["DeviceProfileUID"]
        device = self.modem("--service", self.service.address, "--time", "virtual", state=serial_number)
        self.assertTrue(device.seal(serial_number, uid).ok)
        device.wait_for_flags("1,1,1")
        return device

    def heartbeat(self, device):
        for program in (self.service, device):
            program.ctl("time", "advance", "24h")
        # The token holds an hour.
        self.owner = self.service.account()
        self.assertTrue(device.command("AT+USECCONN", 30.0).ok)

    def files(self, device):
        """Where the three documents are, as files."""
        places = []
        for number in (PRIVATE_KEY, CERTIFICATE, AUTHORITIES):
            place = self.folder / f"{number}.pem"
            place.write_text(document(device, number))
            places.append(place)
        return places

    def test_openssl_verifies_the_chain_and_finds_key_and_names(self):
        device = self.device_of()
        key, certificate, authority = self.files(device)
        self.assertIn("OK", openssl("verify", "-x509_strict", "-CAfile", authority, certificate))
        self.assertEqual(
            openssl("pkey", "-in", key, "-pubout"), openssl("x509", "-in", certificate, "-noout", "-pubkey")
        )
        subject = openssl("x509", "-in", certificate, "-noout", "-subject", "-nameopt", "multiline")
        words = [line.split(" = ") for line in subject.replace("subject=", "").split("\n") if " = " in line]
        names = {name.strip(): value for name, value in words}
        self.assertEqual(names, {"commonName": "pump-17", "serialNumber": device.rot})
        text = openssl("x509", "-in", certificate, "-noout", "-text")
        for expected in ("ecdsa-with-SHA256", "NIST CURVE: P-256", "TLS Web Client Authentication", "Digital Signature"):
            self.assertIn(expected, text)
        self.assertIn("CA:TRUE, pathlen:0", openssl("x509", "-in", authority, "-noout", "-text"))

        listed = self.owner("/v1/certificate/list", ROTPublicUID=device.rot)
        self.assertEqual(listed["Total"], 1)
        entry = listed["Certificates"][0]
        self.assertEqual(entry["Certificate"], certificate.read_text())
        self.assertEqual((entry["SerialNumber"], entry["InForce"]), ("pump-17", True))
        serial = openssl("x509", "-in", certificate, "-noout", "-serial").removeprefix("serial=")
        self.assertEqual(entry["CertificateSerialNumber"].upper(), serial)
        (ca,) = self.owner("/v1/ca/list")["CAs"]
        self.assertEqual((ca["Certificate"], ca["Name"]), (authority.read_text(), "default device CA"))
        self.assertNotIn("PRIVATE", str(ca))

    def test_a_server_that_trusts_the_ca_lets_the_device_in_and_nobody_else(self):
        device = self.device_of()
        key, certificate, authority = self.files(device)
        server_key, server_certificate = self.folder / "s.key", self.folder / "s.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                "-subj", "/CN=server", "-keyout", server_key, "-out", server_certificate)

        def handshake(client):
            """Both ends in memory; gives the subject the server has seen."""
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(server_certificate, server_key)
            server.verify_mode = ssl.CERT_REQUIRED
            server.load_verify_locations(authority)
            up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
            ends = [client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)]
            done = [False, False]
            for _ in range(20):
                for index, end in enumerate(ends):
                    try:
                        end.do_handshake()
                        done[index] = True
                    except ssl.SSLWantReadError:
                        pass
                if all(done):
                    return dict(pair for (pair,) in ends[1].getpeercert()["subject"])
            raise AssertionError("the handshake never ended")

        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        with self.assertRaises(ssl.SSLError):
            handshake(client)
        client.load_cert_chain(certificate, key)
        self.assertEqual(handshake(client), {"commonName": "pump-17", "serialNumber": device.rot})
        client.load_cert_chain(server_certificate, server_key)
        with self.assertRaises(ssl.SSLError):
            handshake(client)

    def test_it_survives_a_kill_of_both_and_is_renewed_by_the_ca_that_is_named(self):
        ca = self.owner("/v1/ca/create", Name="pumps", CertificateValidityDays=1)
        device = self.device_of(CAUID=ca["CAUID"])
        before = [path.read_text() for path in self.files(device)]
        self.assertEqual(before[AUTHORITIES], ca["Certificate"])
        device.kill()
        self.service.kill()
        self.service = self.server("--time", "virtual", bind=self.service.address)
        self.owner = self.service.account()
        device = self.modem("--service", self.service.address, "--time", "virtual", state="pump-17")
        self.assertEqual([path.read_text() for path in self.files(device)], before)

        self.heartbeat(device)
        after = [path.read_text() for path in self.files(device)]
        self.assertEqual(after[AUTHORITIES], before[AUTHORITIES])
        self.assertNotIn(after[PRIVATE_KEY], before)
        listed = self.owner("/v1/certificate/list", CAUID=ca["CAUID"])["Certificates"]
        self.assertEqual([entry["InForce"] for entry in listed], [True, False], "the newest first")
        thing = self.owner("/v1/device/get", ROTPublicUID=device.rot)["Certificate"]
        self.assertEqual(thing["CAUID"], ca["CAUID"])
        self.assertEqual(thing["CertificateSerialNumber"], listed[0]["CertificateSerialNumber"])

        self.owner("/v1/device/feature/set", ROTPublicUID=device.rot, Feature="ztp", Enabled=False)
        self.heartbeat(device)
        self.assertFalse(device.command("AT+USECDEVCERT=0").ok)
        self.assertIsNone(self.owner("/v1/device/get", ROTPublicUID=device.rot)["Certificate"])
        self.assertNotIn("PRIVATE KEY", device.stderr() + self.service.stderr())

    def test_of_a_transferred_thing_neither_owner_sees_the_certificates_of_the_other(self):
        device = self.device_of()
        (mine,) = self.owner("/v1/certificate/list")["Certificates"]
        self.service.ctl("domain", "create", "acme")
        profiles = self.owner("/v1/deviceprofile/list")["DeviceProfiles"]
        (uid,) = [profile["DeviceProfileUID"] for profile in profiles if profile["Name"] == "touchless"]
        self.service.ctl("transfer", device.rot, "--device-profile", uid, "--to", "acme")
        acme = self.service.account("acme")
        listed = lambda who: [(one["CertificateSerialNumber"], one["InForce"]) for one in who("/v1/certificate/list")["Certificates"]]
        thing = lambda: acme("/v1/device/get", ROTPublicUID=device.rot)["Certificate"]
        serial = mine["CertificateSerialNumber"]
        self.assertEqual((listed(self.owner), listed(acme), thing()), ([(serial, False)], [], None))
        self.heartbeat(device)
        acme = self.service.account("acme")
        ((new, in_force),) = listed(acme)
        self.assertEqual((in_force, thing()["CertificateSerialNumber"]), (True, new))
        self.assertEqual(listed(self.owner), [(serial, False)])

    def test_cas_belong_to_their_domain_and_are_at_most_fifteen(self):
        self.service.ctl("domain", "create", "other")
        other = self.service.account("other")
        ca = self.owner("/v1/ca/create", Name="first", ValidityDays=36500)
        profile = self.owner("/v1/deviceprofile/create", Name="named", CAUID=ca["CAUID"])
        status = lambda who, path, **body: who.send("POST", path, body).status
        self.assertEqual(status(other, "/v1/ca/delete", CAUID=ca["CAUID"]), 404)
        self.assertEqual(status(other, "/v1/deviceprofile/create", Name="n", CAUID=ca["CAUID"]), 404)
        self.assertEqual(other("/v1/ca/list"), {"CAs": [], "Total": 0})
        self.assertEqual(status(self.owner, "/v1/ca/delete", CAUID=ca["CAUID"]), 409, "a profile names it")
        self.owner("/v1/deviceprofile/update", **profile, Name="still named")
        shown = self.owner("/v1/deviceprofile/get", **profile)
        self.assertEqual((shown["CAUID"], shown["Name"]), (ca["CAUID"], "still named"))
        self.owner("/v1/deviceprofile/update", **profile, CAUID=None)
        self.owner("/v1/ca/delete", CAUID=ca["CAUID"])
        for number in range(15):
            self.owner("/v1/ca/create", Name=f"CA {number}")
        refused = self.owner.send("POST", "/v1/ca/create", {"Name": "one more"})
        self.assertEqual((refused.status, refused["Error"]["Code"]), (409, "Conflict"))
        self.assertEqual(len(self.owner("/v1/ca/list", Count=4)["CAs"]), 4)
        for wrong in ({}, {"Name": 7}, {"Name": ""}, {"Name": " a"}, {"Name": "a" * 33}, {"Name": "Größe"},
                      {"Name": "a", "ValidityDays": 0}, {"Name": "a", "ValidityDays": 36501},
                      {"Name": "a", "CertificateValidityDays": "1"}):
            self.assertEqual(status(self.owner, "/v1/ca/create", **wrong), 400, wrong)
        self.assertEqual(status(self.owner, "/v1/ca/delete", CAUID="nobody"), 404)
        self.assertEqual(status(self.owner, "/v1/certificate/list", ROTPublicUID="0a"), 400)
