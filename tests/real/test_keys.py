"""Keys at work: a module, its owner's programs and the service, with the cryptography of other code."""

import base64
import os
import subprocess
import sys
from pathlib import Path

from Crypto.Cipher import AES

from vsara import BINARY, Case

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SERVER = Path(BINARY).parent / "examples" / "psk_server"
HELLO = b"The quick brown fox jumps over the lazy dog."


class Keys(Case):
    def setUp(self):
        super().setUp()
        self.service = self.server("--time", "virtual")
        self.owner = self.service.account()
        profile = self.owner("/v1/deviceprofile/create", Name="keys", Plan="flex", Features=["ldp"])
        self.device = self.modem("--service", self.service.address, "--time", "virtual")
        self.assertTrue(self.device.seal(profile_uid=profile["DeviceProfileUID"]).ok)
        self.device.wait_for_flags("1,1,1")

    def heartbeat(self):
        self.device.ctl("time", "advance", "24h")
        self.assertTrue(self.device.command("AT+USECCONN", 30.0).ok)

    def test_a_key_is_found_by_its_identity_alone_and_after_a_restart_of_both(self):
        keys = {length: self.device.psk(length) for length in (16, 32)}
        self.device.kill()
        self.service.kill()
        service = self.server()
        service.ctl("domain", "create", "other")
        owner = service.account()
        for length, (identity, key) in keys.items():
            self.assertEqual((len(identity), len(key)), (28, 2 * length))
            expected = {"PSK": key, "ROTPublicUID": self.device.rot}
            self.assertEqual(owner("/v1/psk/get", PSKIdentity=identity), expected)
            self.assertEqual(owner("/v1/psk/get", PSKIdentity=identity.upper()), expected)
        identity = keys[16][0]
        status = lambda who, body: who.send("POST", "/v1/psk/get", body).status
        self.assertEqual(status(service.account("other"), {"PSKIdentity": identity}), 404)
        self.assertEqual(status(owner, {"PSKIdentity": "1101ffffffffffff" + identity[16:]}), 404)
        for wrong in (None, 7, "", identity[:-1], identity[:-2], identity + "00", "zz" + identity[2:], "2" + identity[1:]):
            self.assertEqual(status(owner, {"PSKIdentity": wrong}), 400, wrong)
        self.assertEqual(status(owner, {}), 400)

    def test_a_suspended_device_has_no_keys_from_its_next_heartbeat_on(self):
        identity, _ = self.device.psk(16)
        self.owner("/v1/device/update", ROTPublicUID=self.device.rot, Suspended=True)
        self.assertTrue(self.device.command("AT+USECPSK=16").ok, "not before")
        self.owner("/v1/psk/get", PSKIdentity=identity)
        self.heartbeat()
        self.assertFalse(self.device.command("AT+USECPSK=16").ok)
        reply = self.owner.send("POST", "/v1/psk/get", {"PSKIdentity": identity})
        self.assertEqual((reply.status, reply["Error"]["Code"]), (409, "Conflict"))

    def test_the_published_way_decrypts_both_versions(self):
        for version in (1, 2):
            self.assertTrue(self.device.command(f'AT+USECOPCMD="e2e_enc",{version - 1}').ok)
            for message in (b"", HELLO, bytes(range(256)), os.urandom(1024)):
                protected = self.device.data("+USECE2EDATAENC", message)
                self.assertEqual(len(protected), len(message) + (32 if version == 1 else 28))
                header = 16 if protected.hex()[0] == "1" else 11
                request = {"EncryptedHeader": protected[:header].hex()}
                reply = self.owner("/v1/e2e/uplink/protectionparameters/get", **request)
                self.assertEqual(set(reply), {"Nonce", "MACLength", "CipherSuite", "Key", "ROTPublicUID"})
                self.assertEqual((reply["CipherSuite"], reply["MACLength"]), ("AES_128_CCM", 128))
                self.assertEqual(base64.b64decode(reply["ROTPublicUID"]).hex(), self.device.rot)
                key, nonce = (base64.b64decode(reply[name]) for name in ("Key", "Nonce"))
                cipher = AES.new(key, AES.MODE_CCM, nonce=nonce)
                read = cipher.decrypt_and_verify(protected[header:-16], protected[-16:])
                self.assertEqual(read, message + (b"" if version == 1 else b"\0"))

    def test_a_message_goes_down_and_keys_are_rotated(self):
        path = "/v1/e2e/downlink/protectionparameters/get"
        seen = set()
        for rotation in range(2):
            reply = self.owner(path, ROTPublicUID=self.device.rot)
            key, nonce = (base64.b64decode(reply[name]) for name in ("Key", "Nonce"))
            sealed = b"".join(AES.new(key, AES.MODE_CCM, nonce=nonce).encrypt_and_digest(HELLO))
            message = bytes.fromhex(reply["EncryptedHeader"]) + sealed
            self.assertEqual(self.device.data("+USECE2EDATADEC", message), HELLO)
            self.assertIsNone(self.device.data("+USECE2EDATADEC", message[:-1] + bytes([message[-1] ^ 1])))
            seen.add(key)
            thing = self.owner("/v1/e2e/key/rotate", ROTPublicUID=self.device.rot)
            self.assertEqual(thing["KeySet"], 1 + rotation)
            self.heartbeat()
            self.assertEqual(self.owner("/v1/device/get", ROTPublicUID=self.device.rot)["KeySet"], 2 + rotation)
        self.assertEqual(len(seen), 2)
        self.service.ctl("domain", "create", "other")
        other = self.service.account("other")
        for path in (path, "/v1/e2e/key/rotate"):
            self.assertEqual(other.send("POST", path, {"ROTPublicUID": self.device.rot}).status, 404, path)

    def test_local_data_outlives_a_kill_of_the_module(self):
        protected = self.device.data("+USECDATAENC", HELLO)
        self.assertEqual(len(protected), len(HELLO) + 28)
        self.device.kill()
        self.device = self.modem("--service", self.service.address, "--time", "virtual")
        self.assertEqual(self.device.data("+USECDATADEC", protected), HELLO)

    def test_a_server_that_has_never_seen_the_key_serves_the_host_of_the_module(self):
        key = self.owner("/v1/accesskey/create")
        rest = self.service.ready["http"]
        environment = {**os.environ, "API_KEY": key["APIKey"], "API_SECRET": key["APISecret"]}
        server = subprocess.Popen(
            [SERVER, rest, "127.0.0.1:0"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait, 5)
        self.addCleanup(server.kill)
        address = server.stdout.readline().split()[-1]
        client = [sys.executable, EXAMPLES / "psk_client.py", self.device.ready["tty"], address]
        for word in ("hello", "once more, with another key"):
            done = subprocess.run([*client, word], capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.stdout, f"{self.device.rot}: {word}\n", done.stderr)
        # Without a key of the module there is no conversation.
        wrong = ["openssl", "s_client", "-dtls1_2", "-quiet", "-connect", address, "-psk", "00" * 16]
        wrong += ["-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", "-psk_identity", self.device.psk(16)[0]]
        try:
            done = subprocess.run(wrong, input=b"hello", capture_output=True, timeout=4, check=False)
            self.assertEqual(done.stdout, b"")
        except subprocess.TimeoutExpired as expired:
            self.assertFalse(expired.stdout)
