"""Starts the real `vsara` program, talks to it as a host program would, and stops it.

Every wait has an end: a test that hangs is worse than one that fails.
"""

import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path
from queue import Empty, Queue

import serial

from rest import Rest, sign_in

BINARY = str(Path(os.environ.get("VSARA_BIN", "target/debug/vsara")).resolve())
LONG = "VSARA_LONG" in os.environ
PROFILE_UID = "AgbCtixjwqLjwV3VWpfPyz"
DEVELOPMENT_MASTER_KEY = b"vsara development master key 001"
FINAL = re.compile(r"^(OK|ERROR|ABORTED|\+CM[ES] ERROR: .*)$")

START_S = 10.0
STOP_S = 5.0
ANSWER_S = 5.0
TEST_S = 90


class Case(unittest.TestCase):
    """A test with a folder of its own, whose programs are gone when it ends, within a time limit."""

    limit_s = TEST_S

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vsara-real-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.running = contextlib.ExitStack()
        self.addCleanup(self.running.close)
        signal.signal(signal.SIGALRM, self._too_long)
        signal.alarm(self.limit_s)
        self.addCleanup(signal.alarm, 0)

    def _too_long(self, *_):
        raise TimeoutError(f"the test took more than {self.limit_s} s")

    def modem(self, *options, state="modem"):
        """A running modem with its state in a folder of this test."""
        return self.running.enter_context(Modem(self.folder / state, *options))

    def server(self, *options, bind="127.0.0.1:0", http="127.0.0.1:0", state="server"):
        """A running security service with its state in a folder of this test."""
        return self.running.enter_context(Server(self.folder / state, *options, bind=bind, http=http))


class Program:
    """A running `vsara` and its ready line: `program.ready["tty"]`."""

    def __init__(self, state, *arguments):
        self.state = Path(state)
        self.log = self.state.with_name(self.state.name + ".log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.lines = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ready_line = self._first_line()
        self.ready = dict(field.split("=", 1) for field in self.ready_line.split()[1:])
        self.pid = self.process.pid

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().rstrip("\n"))
        self.process.stdout.close()

    def _first_line(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(Empty):
                line = self.lines.get(timeout=0.02)
                if line.startswith("ready "):
                    return line
                self.kill()
                raise AssertionError(f"the first line is not the ready line: {line}")
            if self.process.poll() is not None and self.lines.empty():
                raise AssertionError(f"ended with {self.process.returncode}: {self.stderr()}")
        self.kill()
        raise AssertionError(f"not ready within {START_S} s: {self.stderr()}")

    def stderr(self):
        """What the program has logged, its earlier runs on the same state included."""
        return self.log.read_text(errors="replace")

    def more_lines(self):
        """What came on stdout behind the ready line."""
        return [self.lines.get_nowait() for _ in range(self.lines.qsize())]

    def stop(self, sign=signal.SIGTERM):
        """Ends it as a user does; gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still there {STOP_S} s after signal {sign}: {self.stderr()}") from None
        self.reader.join(STOP_S)
        return status

    def kill(self):
        """Power loss of the whole computer, as far as the program can tell."""
        self.process.kill()
        self.process.wait(STOP_S)
        self.reader.join(STOP_S)

    def ctl(self, *verb, within=30.0, given=""):
        """Runs `vsara ctl VERB…` on this program; gives its stdout."""
        return run("ctl", "--state", self.state, *verb, within=within, status=0, given=given).stdout

    def events(self, rot=None):
        """The service's events about a root of trust (or all), oldest first, each with lower-case keys."""
        text = self.ctl("events", "--json").strip()
        events = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
        events = [{key.lower(): value for key, value in event.items()} for event in events]
        return [event for event in events if rot in (None, event.get("rotpublicuid"), event.get("rot"))]

    def kinds(self, rot=None):
        """The kinds of the service's events, oldest first."""
        return [event["kind"] for event in self.events(rot)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


class Modem(Program):
    """A running `vsara modem`."""

    def __init__(self, state, *options):
        super().__init__(state, "modem", "--state", state, *options)
        self.tty = self.ready.get("tty")
        self.rot = self.ready["rot"]

    def terminal(self):
        """A serial terminal on its first port; close it, or use it in a `with`."""
        return Terminal(self.tty)

    def command(self, text, within=ANSWER_S):
        """Opens the port for one command."""
        with self.terminal() as terminal:
            return terminal.command(text, within)

    def psk(self, length):
        """A pre-shared key: its identity, and itself, in hex."""
        answer = self.command(f"AT+USECPSK={length}")
        assert answer.ok, answer
        _, identity, _, key, _ = answer.lines[0].split('"')
        return identity, key

    def data(self, command, data):
        """Runs a command on bytes: waits for `>` and 50 ms as hosts do, gives the bytes between the quotes.

        None where the module answers with an error.
        """

        def more(terminal):
            received = terminal.receive()
            assert received, "the module is silent"
            return received

        with self.terminal() as terminal:
            terminal.send(f"AT{command}={len(data)}")
            said = b""
            while b"\r\n>" not in said:
                said += more(terminal)
            said = said.partition(b"\r\n>")[2]
            time.sleep(0.05)
            terminal.port.write(data)
            head = f"\r\n{command}: ".encode()
            while not said.endswith(b"OK\r\n") or not said.startswith(head):
                said += more(terminal)
                if b"ERROR" in said:
                    return None
            length, _, rest = said.removeprefix(head).partition(b',"')
            assert rest[int(length) :] == b'"\r\n\r\nOK\r\n', rest
            return rest[: int(length)]

    def seal(self, serial_number="serial-1", profile_uid=PROFILE_UID):
        """Seals the module; it then registers by itself."""
        return self.command(f'AT+USECDEVINFO="{profile_uid}","{serial_number}"')

    def wait_for_flags(self, flags, within=30.0):
        """Reads `AT+USECDEVINFO?` until it gives the flags, as the vendor's host driver does."""
        deadline = time.monotonic() + within
        with self.terminal() as terminal:
            while True:
                answer = terminal.command("AT+USECDEVINFO?", within)
                if answer.lines == [f"+USECDEVINFO: {flags}"]:
                    return
                if time.monotonic() > deadline:
                    raise AssertionError(f"{answer} instead of {flags} after {within} s: {self.stderr()}")
                time.sleep(0.05)


class Server(Program):
    """A running `vsara server`."""

    def __init__(self, state, *options, bind, http="127.0.0.1:0"):
        doors = ("--bind", bind, "--http", http, "--admin", "127.0.0.1:0")
        super().__init__(state, "server", "--state", state, *doors, *options)
        self.address = self.ready["dtls"]
        self.http = Rest(self.ready["http"])
        self.admin = Rest(self.ready["admin"], self.ready["admin-token"])

    def account(self, domain="default"):
        """A REST client of a domain, with an access key of its own."""
        key = json.loads(self.ctl("accesskey", "create", "--domain", domain, "--json"))
        return sign_in(self.ready["http"], key)


class Answer:
    """What came back for a command line: its lines without the echo, and the final result code."""

    def __init__(self, lines, final):
        self.lines = lines
        self.final = final
        self.ok = final == "OK"

    def __repr__(self):
        return " | ".join([*self.lines, self.final])


class Terminal:
    """One open of the port by pyserial."""

    def __init__(self, tty, **options):
        options = {"timeout": 0.02, "write_timeout": ANSWER_S, **options}
        self.port = serial.serial_for_url(tty, 115200, **options)
        self.input = b""

    def send(self, text):
        """Sends text and CR."""
        self.port.write(text.encode() + b"\r")

    def receive(self, within=0.2):
        """All that arrives in a time."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            self.input += self.port.read(4096)
        received, self.input = self.input, b""
        return received

    def line(self, within=ANSWER_S):
        """The next line that is not empty."""
        deadline = time.monotonic() + within
        while True:
            line, end, rest = self.input.partition(b"\n")
            if end:
                self.input = rest
                # The echo ends with its own CR and no LF, so it stands before the answer's CR LF.
                text = line.rstrip(b"\r").decode()
                if text:
                    return text
            elif time.monotonic() > deadline:
                raise AssertionError(f"no line within {within} s, only {self.input!r}")
            else:
                self.input += self.port.read(max(1, self.port.in_waiting))

    def answer(self, within=ANSWER_S, echo=None):
        """The lines up to the final result code."""
        deadline = time.monotonic() + within
        lines = []
        while True:
            line = self.line(max(0.0, deadline - time.monotonic()))
            if FINAL.match(line):
                return Answer(lines, line)
            if line != echo:
                lines.append(line)

    def command(self, text, within=ANSWER_S):
        """Sends a command line and waits for its final result code."""
        self.send(text)
        return self.answer(within, echo=text)

    def close(self):
        self.port.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def rfc2217(port, **options):
    """A terminal on a port `rfc2217:ADDRESS`, as pyserial's client opens it."""
    return Terminal(port.replace("rfc2217:", "rfc2217://"), write_timeout=None, **options)


def tcp(port):
    """A terminal on a port `tcp:ADDRESS`."""
    return Terminal(port.replace("tcp:", "socket://"))


def address(port):
    """Where a port of the ready line listens; the path of one that does not."""
    if port.startswith("/"):
        return port
    host, number = port.split(":", 1)[1].rsplit(":", 1)
    return host, int(number)


def fill(line, text):
    """Writes a text again and again until nobody takes more; gives how many bytes were taken."""
    taken = 0
    line.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while taken < 4_000_000:
            taken += line.send(text[taken % len(text):])
    line.setblocking(True)
    return taken


def run(*arguments, within=START_S, status=None, given=""):
    """Runs `vsara` to its end, with text on its standard input; checks the exit status where one is given."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)],
        input=given, capture_output=True, text=True, timeout=within, check=False,
    )
    if status is not None and done.returncode != status:
        raise AssertionError(f"vsara {arguments} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done


def wait_until(promise, what, within=30.0):
    """Waits until a function gives something true, and gives it."""
    deadline = time.monotonic() + within
    while True:
        kept = promise()
        if kept:
            return kept
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.05)


def factory_secret(rot):
    """The key set 0 of a module, derived as the documentation says (HKDF-SHA256), by other code."""
    pseudo_random_key = hmac.digest(bytes.fromhex(rot), DEVELOPMENT_MASTER_KEY, hashlib.sha256)
    return hmac.digest(pseudo_random_key, b"vsara factory secret\x01", hashlib.sha256)
