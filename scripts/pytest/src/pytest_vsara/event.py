"""What the security service and the module have noted."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional

#: The kinds of events: those of the security service, and `module`, which the module itself notes.
KINDS = (
    "bootstrap",
    "registration",
    "heartbeat",
    "clone",
    "suspicious",
    "feature",
    "ownership",
    "plan",
    "overdue",
    "module",
)


@dataclass(frozen=True)
class Event:
    """Something that was noted."""

    #: When it last happened: system time of the module, UTC.
    time: datetime
    #: One of `KINDS`.
    kind: str
    #: The root of trust it is about, 16 hex digits.
    rot: str
    #: What happened, in plain words.
    reason: str
    #: How often: clone and suspicious events that repeat are counted, not repeated.
    count: int = 1

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Event":
        """An event as `vsara ctl events --json` prints it."""
        return cls(
            time=moment(value["time"]),
            kind=value["kind"],
            rot=value["rot"],
            reason=value["reason"],
            count=value.get("count", 1),
        )

    def __str__(self) -> str:
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.time.isoformat()} {self.kind} {self.rot}: {self.reason}{times}"


def parse(lines: str) -> list[Event]:
    """Events from JSON lines."""
    return [Event.from_json(json.loads(line)) for line in lines.splitlines() if line]


def check(kind: Optional[str]) -> None:
    """Raises ValueError for a kind that does not exist: its events would never come."""
    if kind is not None and kind not in KINDS:
        raise ValueError(f"there are no events of kind {kind!r}; there are {', '.join(KINDS)}")


def of_kind(events: Iterable[Event], kind: Optional[str]) -> list[Event]:
    """Those of a kind; without one, all that the service has noted."""
    return [event for event in events if (event.kind == kind if kind else event.kind != "module")]


def moment(text: str) -> datetime:
    """An RFC 3339 time as vsara writes it, whose fraction of a second has one to three digits.

    `datetime.fromisoformat` takes neither that nor the `Z` before Python 3.11.
    """
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction or '0':0<6}+00:00")
