"""A client of REST and of the admin API that shares no code with the program: `http.client` only."""

import http.client
import json
from urllib.parse import urlsplit

ANSWER_S = 20.0


class Reply:
    """Status, headers and body of an answer; `reply["Total"]` for JSON."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __getitem__(self, key):
        return self.json()[key]

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Rest:
    """One door of a service: `rest("/v1/device/list", State="ACTIVE")`."""

    def __init__(self, url, token=None):
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.token = token

    def send(self, method, path, body=None, headers=None):
        """Sends a request as it is; a body that is no text and no bytes is sent as JSON."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            connection.request(method, path, body, {**given, **(headers or {})})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def __call__(self, path, **fields):
        """A call that must succeed; gives its JSON."""
        reply = self.send("POST", path, fields)
        assert reply.status == 200, f"{path} {fields}: {reply}"
        return reply.json()

    def get(self, path):
        reply = self.send("GET", path)
        assert reply.status == 200, f"{path}: {reply}"
        return reply

    def put(self, path, **fields):
        reply = self.send("PUT", path, fields)
        assert reply.status == 200, f"{path} {fields}: {reply}"
        return reply.json()

    def stream(self, path, headers=None):
        """Opens an event stream; gives the connection and its open response."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)
        connection.request("GET", path, headers={"Authorization": self.token, **(headers or {})})
        return connection, connection.getresponse()


def sign_in(url, key):
    """A client with the token of an access key."""
    return Rest(url, Rest(url)("/v1/authenticate", **key)["AuthToken"])


def next_event(response):
    """The next event of a stream: its ID, kind and data."""
    event = {}
    while True:
        line = response.readline().decode().rstrip("\n")
        if not line and event:
            return event["id"], event["event"], json.loads(event["data"])
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
