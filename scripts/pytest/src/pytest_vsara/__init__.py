"""pytest fixtures for vsara, a virtual u-blox SARA-R4/SARA-R5 cellular module.

The fixture `sara` is a running module (`Modem`), `sara_factory` makes more of them (`ModemFactory`).
Names here are for annotations, for `except`, and for fixtures of your own.
"""

from .ctl import Ctl
from .errors import CtlError, EndedByItself, NotFound, NotStarted, TimedOut, VsaraError
from .event import KINDS, Event
from .factory import ModemFactory
from .modem import Modem
from .options import Options
from .terminal import Answer, Terminal

__version__ = "0.1.0"

__all__ = [
    "KINDS",
    "Answer",
    "Ctl",
    "CtlError",
    "EndedByItself",
    "Event",
    "Modem",
    "ModemFactory",
    "NotFound",
    "NotStarted",
    "Options",
    "Terminal",
    "TimedOut",
    "VsaraError",
]
