"""`vsara ctl` on one running module."""

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Union

from .errors import CtlError, TimedOut
from .event import moment

#: How long a verb may take, in seconds of real time: weeks of virtual time pass in one.
WITHIN_S = 60.0

#: A time span as vsara writes it, such as "24h", or a `timedelta`.
Span = Union[str, timedelta]


class Ctl:
    """`sara.ctl("power", "cut")` runs `vsara ctl power cut` on the module and gives what it prints.

    Every verb of `vsara ctl --help` can be called so; those that tests call most have a method.
    """

    def __init__(self, binary: str, state: Path) -> None:
        self._binary = binary
        self._state = state

    def __call__(self, *words: object, within: float = WITHIN_S) -> str:
        """Runs a verb; its words may be anything whose text vsara takes.

        Raises CtlError where vsara refuses it or fails, TimedOut where it takes longer than `within`
        seconds.
        """
        command = self.command(*words)
        shown = " ".join(["vsara ctl", *map(text_of, words)])
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within, check=False
            )
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{shown}: not done within {within:g} s") from None
        if done.returncode != 0:
            message = done.stderr.strip()
            raise CtlError(shown, done.returncode, message[7:] if message.startswith("vsara: ") else message)
        return done.stdout.strip()

    def command(self, *words: object) -> list[str]:
        """The command line of a verb, to run it yourself."""
        return [self._binary, "ctl", "--state", str(self._state), *map(text_of, words)]

    def status(self) -> dict[str, Any]:
        """How things stand."""
        status: dict[str, Any] = json.loads(self("status", "--json"))
        return status

    def power(self, to: str) -> None:
        """Supply and PWR_ON: `on`, `off` (orderly) or `cut` (power loss at this instant)."""
        self("power", to)

    def reset(self) -> None:
        """RESET_N."""
        self("reset")

    def network(self, *what: object) -> None:
        """Coverage (`up`, `down`), or the link: `network("loss", "30%")`; `loss 0%` ends every fault."""
        self("network", *what)

    def time_advance(self, by: Span, within: float = WITHIN_S) -> datetime:
        """Moves system time forward, stopping at every deadline on the way; gives the new time."""
        return _time(self("time", "advance", by, within=within))

    def time_set(self, to: Union[str, datetime], within: float = WITHIN_S) -> datetime:
        """The same, to a moment (RFC 3339, or a `datetime` that knows its time zone)."""
        if isinstance(to, datetime):
            if to.tzinfo is None:
                raise ValueError(f"{to} has no time zone")
            to = to.isoformat()
        return _time(self("time", "set", to, within=within))

    def clock(self, change: str) -> None:
        """The module's real-time clock: `+5m`, `-1h` or `=2026-01-01T00:00:00Z`."""
        self("clock", change)

    def factory_reset(self) -> None:
        """Makes the module as new, and forgets it in the embedded service."""
        self("factory-reset")

    def forget(self, rot: str) -> None:
        """Has the embedded service forget a root of trust."""
        self("forget", rot)


def text_of(word: object) -> str:
    """A word of a command line."""
    if isinstance(word, timedelta):
        return f"{word // timedelta(milliseconds=1)}ms"
    return str(word)


def _time(printed: str) -> datetime:
    return moment(printed.partition(": ")[2])
