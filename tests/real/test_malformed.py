"""A broken host program: hundreds of thousands of malformed lines, and nothing dies of them."""

import os
import re
import select
import time

from malformed import Lines
from vsara import LONG, Case

LINES = 1_000_000 if LONG else 20_000
BATCH = 250
# Commands change settings, which are memory; a leak of a byte a line is a megabyte in the long run.
MORE_MEMORY_MAX_KIB = 1024
# Sent behind each batch; no line of the generator asks for these three in a row.
QUESTION = b"AT+GMI;+CGMM;+GMI\r"
FINAL_RESULT = re.compile(rb"^(?:OK|ERROR|\+CME ERROR: .*|Command aborted)\r$", re.MULTILINE)


class Malformed(Case):
    limit_s = 1500 if LONG else 90

    def test_malformed_lines_are_answered_or_ignored_and_nothing_dies_of_them(self):
        for profile in ("sara-r510s", "sara-r410m-02b"):
            with self.subTest(profile):
                self.survives(profile, seed=1, count=LINES // 2)

    def survives(self, profile, seed, count):
        modem = self.modem("--profile", profile, "--service", "none", "--log", "warn", state=profile)
        with modem.terminal() as terminal:
            commands = [line.removeprefix("AT") for line in terminal.command("AT+CLAC").lines]
            answer = b"".join(b"\r\n%s\r\n" % line.encode() for line in terminal.command(QUESTION.decode().strip()).lines)
            self.assertTrue(terminal.command("ATE0").ok)
            lines = Lines(seed, commands)
            for number in range(count // BATCH):
                if number == 20:
                    before = resident_kib(modem.pid)
                self.batch(terminal.port.fd, lines, answer, f"{profile}: seed {seed}, batch {number}")
            self.assertLess(resident_kib(modem.pid) - before, MORE_MEMORY_MAX_KIB, profile)
            self.assertTrue(terminal.command("AT").ok)
        self.assertEqual(modem.stop(), 0, modem.stderr())

    def batch(self, descriptor, lines, answer, where):
        """Sends a batch with a question at its end, and counts the results up to the question's."""
        batch = [next(lines) for _ in range(BATCH)]
        expected = sum(answered for _, answered in batch) + 1
        text = b"".join(line + b"\r" for line, _ in batch) + QUESTION
        received = converse(descriptor, text, answer + b"\r\nOK\r\n")
        self.assertEqual(len(FINAL_RESULT.findall(received)), expected, where)


def converse(descriptor, text, end, within=20.0):
    """Writes and reads at the same time until the end is there."""
    received, deadline = b"", time.monotonic() + within
    while not received.endswith(end):
        if time.monotonic() > deadline:
            raise AssertionError(f"no end within {within} s after {received[-500:]!r}")
        readable, writable, _ = select.select([descriptor], [descriptor] if text else [], [], 0.1)
        if writable:
            text = text[os.write(descriptor, text[:1024]) :]
        if readable:
            received += os.read(descriptor, 65536)
    return received


def resident_kib(pid):
    """What of a process is in memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status.read(), re.MULTILINE)[1])
