"""Who gets in at the doors of the service, and what they put up with."""

import http.client
import socket
import subprocess
import time

from vsara import BINARY, Case


class Doors(Case):
    def test_the_console_needs_the_printed_token_once_and_then_a_cookie(self):
        server = self.server()
        http = server.http
        self.assertEqual(http.send("GET", "/").status, 401)
        self.assertEqual(http.send("GET", "/?token=wrong").status, 401)
        token = server.ready["console"].partition("/?token=")[2]
        reply = http.send("GET", f"/?token={token}")
        self.assertEqual((reply.status, reply.headers["Location"]), (303, "/"))
        cookie = reply.headers["Set-Cookie"]
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, cookie)
        self.assertNotIn(token, cookie)
        pair = cookie.partition(";")[0]
        self.assertEqual(http.send("GET", "/", headers={"Cookie": pair}).status, 200)
        self.assertEqual(http.send("GET", "/", headers={"Cookie": pair + "x"}).status, 401)
        self.assertEqual(http.send("GET", "/", headers={"Cookie": pair.split("=")[0] + "="}).status, 401)

    def test_the_admin_api_needs_its_own_token_which_is_kept_for_its_owner_only(self):
        server = self.server()
        kept = server.state / "admin-token"
        self.assertEqual(kept.read_text().strip(), server.ready["admin-token"])
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        document = server.admin.get("/openapi.json").json()
        console = server.ready["console"].partition("/?token=")[2]
        for path, item in document["paths"].items():
            for method in item:
                for token in (None, console, server.admin.token + "x"):
                    headers = {"Authorization": f"Bearer {token}" if token else ""}
                    reply = server.admin.send(method.upper(), path, {}, headers)
                    self.assertEqual(reply.status, 401, f"{method} {path}")
        self.assertEqual(server.http.send("GET", "/health").status, 404, "it is at its own door only")

    def test_a_name_that_is_not_ours_gets_nothing(self):
        server = self.server("--host-name", "vsara.test")
        port = server.http.port
        check = lambda host, status: self.assertEqual(
            server.http.send("GET", "/docs", headers={"Host": host}).status, status, host)
        check(f"127.0.0.1:{port}", 200)
        check("localhost", 200)
        check(f"[::1]:{port}", 200)
        check("vsara.test:80", 200)
        check("evil.example", 403)
        check(f"127.0.0.1.evil.example:{port}", 403)

    def test_a_page_of_another_site_cannot_call(self):
        server = self.server()
        owner = server.account()
        own = f"http://{server.http.host}:{server.http.port}"
        for origin, status in ((own, 200), ("http://evil.example", 403), ("null", 403), (own + "0", 403)):
            reply = owner.send("POST", "/v1/device/list", {}, {"Origin": origin})
            self.assertEqual(reply.status, status, origin)
            self.assertIsNone(reply.headers["Access-Control-Allow-Origin"])

    def test_every_answer_forbids_scripts_frames_and_caches(self):
        server = self.server()
        for path in ("/", "/docs", "/v1/device/list", "/nothing", "/openapi.json"):
            headers = server.http.send("GET", path).headers
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual((headers["X-Content-Type-Options"], headers["Referrer-Policy"]), ("nosniff", "same-origin"))
            self.assertEqual(headers["Cache-Control"], "no-store")

    def test_other_computers_are_kept_out_unless_it_is_said(self):
        for option in ("--bind", "--http", "--admin"):
            addresses = {"--bind": "127.0.0.1:0", "--http": "127.0.0.1:0", "--admin": "127.0.0.1:0", option: "0.0.0.0:0"}
            arguments = [BINARY, "server", "--ephemeral", *(word for pair in addresses.items() for word in pair)]
            refused = subprocess.run(arguments, capture_output=True, text=True, timeout=20)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn("--expose", refused.stderr)


class Limits(Case):
    def test_a_body_that_is_too_long_is_refused(self):
        server = self.server()
        owner = server.account()
        reply = owner.send("POST", "/v1/device/list", '{"Search": "' + "x" * 600_000 + '"}')
        self.assertEqual((reply.status, reply["Error"]["Code"]), (413, "TooLarge"))

    def test_headers_that_are_too_long_or_too_many_are_refused(self):
        server = self.server()
        self.assertEqual(server.http.send("GET", "/docs", headers={"X": "y" * 40_000}).status, 431)
        many = {f"X-{n}": "y" for n in range(100)}
        self.assertEqual(server.http.send("GET", "/docs", headers=many).status, 431)

    def test_connections_that_say_nothing_are_closed_and_others_go_on(self):
        server = self.server()
        idle = [socket.create_connection((server.http.host, server.http.port)) for _ in range(200)]
        try:
            began = time.monotonic()
            self.assertEqual(server.http.send("GET", "/docs").status, 200)
            self.assertLess(time.monotonic() - began, 5)
            idle[0].settimeout(30)
            self.assertEqual(idle[0].recv(10), b"", "closed within its time")
        finally:
            for connection in idle:
                connection.close()

    def test_an_address_that_asks_too_often_is_told_so(self):
        server = self.server()
        connection = http.client.HTTPConnection(server.http.host, server.http.port, timeout=20)
        statuses = set()
        for _ in range(6000):
            connection.request("GET", "/nothing")
            response = connection.getresponse()
            response.read()
            statuses.add(response.status)
            if 429 in statuses:
                break
        connection.close()
        self.assertIn(429, statuses)

    def test_event_streams_leave_connections_for_everybody_else(self):
        server = self.server()
        owner = server.account()
        streams = [owner.stream("/v1/event/stream") for _ in range(65)]
        try:
            self.assertEqual([response.status for _, response in streams], [200] * 64 + [429])
            self.assertEqual(owner("/v1/device/list")["Total"], 0)
        finally:
            for connection, _ in streams:
                connection.close()

    def test_garbage_at_the_door_is_answered_or_dropped_and_the_door_stays_open(self):
        server = self.server()
        for garbage in (b"\x00" * 1000, b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"\x16\x03\x01\x02\x00" * 50):
            with socket.create_connection((server.http.host, server.http.port)) as connection:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(20)
                while connection.recv(4096):
                    pass
        self.assertEqual(server.http.send("GET", "/docs").status, 200)
