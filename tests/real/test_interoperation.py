"""The service reached by programs that share no code with it: coap-client and openssl."""

import os
import random
import subprocess
import time

from relay import Relay
from vsara import Case, factory_secret

CLIENTS = ("coap-client-openssl", "coap-client-gnutls")
UNKNOWN = "ffffffffffffffff:0"
# GET /.well-known/core as RFC 7252 writes it: confirmable, message ID 0x1234, no token.
GET_WELL_KNOWN_CORE = bytes([0x40, 0x01, 0x12, 0x34, 0xBB]) + b".well-known" + b"\x04core"
CONTENT_TO_IT = bytes([0x60, 0x45, 0x12, 0x34])


class Interoperation(Case):
    def setUp(self):
        super().setUp()
        self.rot = a_root_of_trust()
        self.identity = f"{self.rot}:0"
        self.key = factory_secret(self.rot)

    def test_the_identity_shown_is_the_one_derived_from_the_documentation(self):
        modem = self.modem("--rot", self.rot, "--service", "none")
        hidden, shown = modem.ctl("identity"), modem.ctl("identity", "--reveal")
        self.assertIn(self.identity, hidden)
        self.assertNotIn(self.key.hex(), hidden)
        self.assertIn(self.identity, shown)
        self.assertIn(self.key.hex(), shown)

    def test_coap_client_reads_what_the_service_offers(self):
        for bind in ("127.0.0.1:0", "[::1]:0"):
            address = self.server(bind=bind, state=bind).address
            for client in CLIENTS:
                with self.subTest(client=client, address=address):
                    got = coap_get(client, address, "/.well-known/core", self.identity, self.key)
                    self.assertRegex(got, r"</[a-z./-]+>")

    def test_an_unknown_path_is_not_found(self):
        address = self.server().address
        for client in CLIENTS:
            with self.subTest(client):
                self.assertIn("4.04", coap_get(client, address, "/nowhere", self.identity, self.key))

    def test_openssl_exchanges_coap_over_the_suite_of_coap(self):
        answer, log = s_client(self.server().address, self.identity, self.key, GET_WELL_KNOWN_CORE)
        self.assertIn(CONTENT_TO_IT, answer, log)
        self.assertIn(b"</", answer, log)

    def test_an_unknown_identity_and_a_wrong_key_look_the_same(self):
        server = self.server()
        seen = {}
        for name, identity, key in (
            ("unknown identity", UNKNOWN, self.key),
            ("wrong key", self.identity, bytes(32)),
            ("identity that is none", "x" * len(self.identity), self.key),
        ):
            with Relay(server.address) as relay:
                answer, log = s_client(f"127.0.0.1:{relay.port}", identity, key, GET_WELL_KNOWN_CORE, wait=2.5)
            self.assertEqual(answer, b"", name)
            # How many retransmissions fit in the time, and how they are packed, is chance.
            records = {(way, record) for way, *datagram in relay.shapes for record in datagram}
            seen[name] = (sorted(records, key=repr), errors(log))
        self.assertEqual(len(set(map(repr, seen.values()))), 1, seen)
        self.assertIn("4.04", coap_get(CLIENTS[0], server.address, "/nowhere", self.identity, self.key))

    def test_the_service_survives_any_datagram(self):
        server = self.server()
        noise = random.Random(1)
        with Relay(server.address) as relay:
            for _ in range(2000):
                head = noise.choice([b"", b"\x16\xfe\xfd\x00\x00", b"\x17\xfe\xfd\x00\x01", b"\x16\xfe\xff\x00\x00"])
                relay.back.sendto(head + noise.randbytes(noise.randrange(0, 1400)), relay.target)
        self.assertIn("4.04", coap_get(CLIENTS[0], server.address, "/nowhere", self.identity, self.key))
        self.assertEqual(server.stop(), 0)


def a_root_of_trust():
    """A random UID whose factory secret has no NUL, which no argument of a program can hold."""
    while True:
        rot = os.urandom(8).hex()
        if 0 not in factory_secret(rot):
            return rot


def coap_get(client, address, path, identity, key):
    """What coap-client prints for a GET, errors included."""
    arguments = [client, "-m", "get", "-u", identity, "-k", key, "-B", "8", "-v", "4", f"coaps://{address}{path}"]
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=15, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


def s_client(address, identity, key, message, wait=2.0):
    """Sends one message with `openssl s_client`; gives what came back and its log."""
    arguments = ["openssl", "s_client", "-dtls1_2", "-quiet", "-connect", address]
    psk = ["-psk_identity", identity, "-psk", key.hex(), "-cipher", "PSK-AES128-CCM8:@SECLEVEL=0"]
    client = subprocess.Popen(
        arguments + psk, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        client.stdin.write(message)
        client.stdin.flush()
        time.sleep(wait)
    finally:
        client.kill()
    answer, log = client.communicate(timeout=5)
    return answer, log.decode(errors="replace")


def errors(log):
    """The reasons that openssl gives, without addresses and places in its source."""
    return sorted({":".join(line.split(":")[3:6]) for line in log.splitlines() if ":error:" in line})
