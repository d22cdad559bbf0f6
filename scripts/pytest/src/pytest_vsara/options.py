"""How a module is started: what `vsara modem` takes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Optional


@dataclass(frozen=True)
class Options:
    """Options of `vsara modem`; what is None is left to vsara, whose `--help` explains each."""

    #: A built-in profile (`vsara profiles`) or a TOML file.
    profile: Optional[str] = None
    #: Pace of the system time: `real`, `virtual` or a factor such as `60x`.
    time: Optional[str] = None
    #: `fast`, or `module` for the latencies of the profile.
    timing: Optional[str] = None
    #: The security service: `embedded`, `none` or HOST:PORT.
    service: Optional[str] = None
    #: A new module's root of trust, 16 hex digits; without it a random one.
    rot: Optional[str] = None
    #: Makes latencies, faults and jitter the same in each run.
    seed: Optional[int] = 1
    #: How much is logged; `debug` has every AT line.
    log: Optional[str] = "debug"
    #: Any other options, as on the command line.
    args: tuple[str, ...] = ()

    def but(self, **changes: Any) -> "Options":
        """The same with changes; None changes nothing. TypeError names a word that is no option."""
        unknown = sorted(set(changes) - set(NAMES))
        if unknown:
            raise TypeError(f"no option of a module: {', '.join(unknown)}; there are {', '.join(NAMES)}")
        given = {name: value for name, value in changes.items() if value is not None}
        if "args" in given:
            given["args"] = _words(given["args"])
        return replace(self, **given)

    def command_line(self) -> list[str]:
        """As `vsara modem` takes them."""
        named = [(name, getattr(self, name)) for name in NAMES if name != "args"]
        words = [f"--{name}={value}" for name, value in named if value is not None]
        return [*words, *self.args]


#: The names of the options, in their order.
NAMES = tuple(field.name for field in fields(Options))


def _words(args: Sequence[object]) -> tuple[str, ...]:
    if isinstance(args, str):
        raise TypeError(f"args is a list of words, not one text: {args!r}")
    return tuple(map(str, args))
