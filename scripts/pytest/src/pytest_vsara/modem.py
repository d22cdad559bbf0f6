"""A running virtual module, as a test sees it."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Union

from . import event
from .ctl import Ctl
from .deadline import Deadline
from .errors import TimedOut, VsaraError
from .event import Event
from .options import Options
from .program import Program
from .terminal import WITHIN_S, Answer, Terminal

if TYPE_CHECKING:
    import serial

#: How long between two reads of what a test waits for, in seconds.
READ_EVERY_S = 0.02


class Modem:
    """A module on a serial port, with a security service, in a process of its own.

    The fixtures make and end it. By hand: `with Modem(binary, state) as modem: …`, where `state` is the
    state directory, which holds all that survives a power loss; `state` with `.log` is its log.
    """

    def __init__(
        self,
        binary: str,
        state: Path,
        options: Options = Options(),
        name: str = "sara",
        service_of: Optional["Modem"] = None,
    ) -> None:
        #: What the report of a failed test calls it.
        self.name = name
        #: Its state directory.
        self.state = state
        #: How it was started.
        self.options = options
        self._service_of = service_of
        #: `vsara ctl` on it.
        self.ctl = Ctl(binary, state)
        self._ports: list[serial.Serial] = []
        command = [binary, "modem", "--state", str(state), *options.command_line()]
        self._program = Program(command, state.with_name(state.name + ".log"))
        #: The fields of the ready line, by name.
        self.ready: dict[str, str] = self._program.ready

    # ---- who and where it is ---------------------------------------------------------------------

    @property
    def port(self) -> str:
        """The first serial port, as pyserial's `serial_for_url` takes it: `/dev/pts/7`."""
        return self.ports[0]

    @property
    def ports(self) -> tuple[str, ...]:
        """Every serial port; a TCP port is `socket://127.0.0.1:5000`."""
        numbered = sorted((key for key in self.ready if key[:4] == "port"), key=lambda key: int(key[4:]))
        found = [self.ready[key] for key in ["tty", *numbered] if key in self.ready]
        return tuple(f"socket://{port[4:]}" if port.startswith("tcp:") else port for port in found)

    @property
    def rot(self) -> str:
        """Its root of trust (RoT public UID), 16 hex digits."""
        return self.ready["rot"]

    @property
    def imei(self) -> str:
        """Its IMEI, 15 digits."""
        return self.ready["imei"]

    @property
    def profile(self) -> str:
        """The name of its module profile."""
        return self.ready["profile"]

    @property
    def service(self) -> Optional[str]:
        """Where its security service is, HOST:PORT; None where it has none."""
        return self.ready.get("service")

    @property
    def console(self) -> Optional[str]:
        """The URL of the console of its embedded service; None where there is none."""
        return self.ready.get("console")

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._program.pid

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._program.status is None

    @property
    def was_ended(self) -> bool:
        """Whether it was ended from here, by `stop` or `kill`."""
        return self._program.was_ended

    def log(self) -> str:
        """All it has logged so far."""
        return self._program.log()

    # ---- its serial port -------------------------------------------------------------------------

    def at(self, command: str, within: float = WITHIN_S) -> Answer:
        """Opens the port for one command line; gives the answer, or raises TimedOut."""
        with self.terminal() as terminal:
            return terminal.command(command, within)

    def wait_until(self, line: str, command: Optional[str] = None, within: float = WITHIN_S) -> None:
        """Reads again and again until the answer has this line: `wait_until("+USECDEVINFO: 1,1,1")`.

        The read command is that of the line (`AT+USECDEVINFO?`) where none is given. Raises TimedOut.
        """
        command = command or f"AT{line.partition(':')[0]}?"
        deadline = Deadline(within)
        seen: Union[str, Answer] = "no answer"
        with self.terminal() as terminal:
            while not deadline.is_over():
                try:
                    seen = terminal.command_by(deadline, command)
                except TimedOut:
                    break
                if line in seen.lines:
                    return
                terminal.hear(min(READ_EVERY_S, deadline.left()))
        raise TimedOut(f"{command}: {seen} instead of {line} after {within:g} s{self._hint()}")

    def terminal(self, port: int = 0) -> Terminal:
        """A serial terminal on a port; use it in a `with`. For a dialogue of more than one command."""
        return Terminal(self.ports[port])

    def serial(self, port: int = 0, **options: Any) -> "serial.Serial":
        """The port opened by pyserial, to be handed to a host program; closed at the end of the test."""
        try:
            import serial
        except ImportError as error:
            raise ImportError("sara.serial() needs pyserial: pip install pytest-vsara[serial]") from error
        options.setdefault("baudrate", 115200)
        opened = serial.serial_for_url(self.ports[port], **options)
        self._ports.append(opened)
        return opened

    # ---- what was noted --------------------------------------------------------------------------

    def events(self, kind: Optional[str] = None) -> list[Event]:
        """What its service has noted, oldest first; of one kind (`pytest_vsara.KINDS`) or all.

        That is of every module on this service. Kind `module` is what the module itself has noted: boot,
        registration, phases of the bootstrap.
        """
        return event.of_kind(event.parse(self._who_notes(kind).ctl("events", "--json")), kind)

    def wait_for_event(self, kind: Optional[str] = None, count: int = 1, within: float = WITHIN_S) -> Event:
        """Waits until an event of a kind has happened so many times; gives the latest of them.

        Events of the past count. Raises TimedOut, which says what was noted instead.
        """
        ctl = self._who_notes(kind).ctl
        deadline = Deadline(within)
        # News only wake this up: what counts is asked for, so that none is counted twice.
        follow = ctl.command("events", "--json", "--follow")
        with subprocess.Popen(follow, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as news:
            try:
                assert news.stdout is not None
                while True:
                    all_of_them = event.parse(ctl("events", "--json"))
                    found = event.of_kind(all_of_them, kind)
                    if sum(one.count for one in found) >= count:
                        return found[-1]
                    if not deadline.readable(news.stdout.fileno()):
                        raise TimedOut(self._missed(kind, count, within, all_of_them))
                    if not os.read(news.stdout.fileno(), 1 << 16):
                        raise VsaraError(f"{self.name} tells nothing more: {self._program.last_words()}")
            finally:
                news.kill()

    # ---- its end ---------------------------------------------------------------------------------

    def stop(self) -> int:
        """Ends the process in order; gives its exit status. The port is gone, as one that is unplugged."""
        self._close_ports()
        return self._program.stop()

    def kill(self) -> None:
        """Ends the process as a crash of the whole computer would."""
        self._close_ports()
        self._program.kill()

    def __enter__(self) -> "Modem":
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Modem {self.name}: {self.profile} {self.rot} on {self.port}>"

    def _close_ports(self) -> None:
        while self._ports:
            self._ports.pop().close()

    def _who_notes(self, kind: Optional[str]) -> "Modem":
        """Whose process notes events of this kind."""
        event.check(kind)
        if kind == "module" or self.options.service in (None, "embedded", "none"):
            return self
        if self._service_of is not None:
            return self._service_of._who_notes(kind)
        raise VsaraError(f"{self.name}: the service at {self.service} is another program; its events are there")

    def _missed(self, kind: Optional[str], count: int, within: float, noted: list[Event]) -> str:
        times = f" {count} times" if count > 1 else ""
        of_service = [str(one) for one in noted if one.kind != "module"] or ["nothing"]
        what = f"no {kind or 'service'} event{times} within {within:g} s{self._hint()}"
        return "\n  ".join([f"{what}; the service has noted", *of_service])

    def _hint(self) -> str:
        if self.options.time != "virtual":
            return ""
        return " (its time is virtual: only sara.ctl.time_advance moves it)"
