"""A serial terminal on a port of the module, with nothing but the standard library."""

import errno
import os
import re
import socket
import termios
import tty
from dataclasses import dataclass
from types import TracebackType
from typing import Optional

from .deadline import Deadline
from .errors import TimedOut

#: How long an answer may take where nobody says otherwise, in seconds of real time.
WITHIN_S = 10.0

#: Final result codes, as words (`ATV1`).
FINAL = re.compile(r"OK|ERROR|ABORTED|NO CARRIER|CONNECT( .*)?|\+CM[ES] ERROR: .*")


@dataclass(frozen=True)
class Answer:
    """What came back for a command line."""

    #: The lines before the final result code, without the echo; URCs that came between are here too.
    lines: list[str]
    #: The final result code: `OK`, or an error.
    final: str

    @property
    def ok(self) -> bool:
        """Whether it is `OK`."""
        return self.final == "OK"

    def __str__(self) -> str:
        return " | ".join([*self.lines, self.final])


class Terminal:
    """One open of a port. Use it in a `with`, or close it.

    A terminal and the host program under test would take each other's lines: one at a time.
    """

    def __init__(self, port: str) -> None:
        self._descriptor = _open(port)
        self._input = b""

    def command(self, line: str, within: float = WITHIN_S) -> Answer:
        """Sends a command line and waits for its final result code."""
        return self.command_by(Deadline(within), line)

    def command_by(self, deadline: Deadline, line: str) -> Answer:
        """The same, with an end that was set before."""
        self.send(line)
        lines: list[str] = []
        while True:
            try:
                heard = self._line(deadline)
            except TimedOut:
                before = f", only {' | '.join(lines)}" if lines else ""
                raise TimedOut(f"{line}: no final result code within {deadline.within:g} s{before}") from None
            if FINAL.fullmatch(heard):
                return Answer(lines, heard)
            if heard != line:
                lines.append(heard)

    def send(self, line: str) -> None:
        """Sends text and CR."""
        self.write(line.encode() + b"\r")

    def write(self, data: bytes) -> None:
        """Sends exactly these bytes."""
        while data:
            data = data[os.write(self._descriptor, data) :]

    def line(self, within: float = WITHIN_S) -> str:
        """The next line that is not empty: an information text response, a URC, a result code."""
        return self._line(Deadline(within))

    def read_until(self, end: bytes, within: float = WITHIN_S) -> bytes:
        """All bytes up to these, such as the prompt of a data phase."""
        deadline = Deadline(within)
        while end not in self._input:
            self._more(deadline, f"no {end!r}")
        before, found, self._input = self._input.partition(end)
        return before + found

    def hear(self, seconds: float) -> bytes:
        """All that arrives in a time."""
        deadline = Deadline(seconds)
        while deadline.readable(self._descriptor):
            self._read()
        heard, self._input = self._input, b""
        return heard

    def close(self) -> None:
        """Closes the port; what was not read is lost."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _line(self, deadline: Deadline) -> str:
        while True:
            # An echo ends with its own CR and no LF, so it stands before the CR LF of what answers it.
            line, end, rest = self._input.partition(b"\n")
            if not end:
                self._more(deadline, "no line")
                continue
            self._input = rest
            text = line.strip(b"\r").decode(errors="replace")
            if text:
                return text

    def _more(self, deadline: Deadline, what: str) -> None:
        if not deadline.readable(self._descriptor):
            unread = f", only {self._input!r}" if self._input else ""
            raise TimedOut(f"{what} within {deadline.within:g} s{unread}")
        self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 4096)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            raise EOFError("the port is gone")
        self._input += data


def _open(port: str) -> int:
    """The descriptor of a device, raw and without stale input, or of `socket://HOST:PORT`."""
    if port.startswith("socket://"):
        host, _, number = port[len("socket://") :].rpartition(":")
        return socket.create_connection((host.strip("[]"), int(number)), timeout=None).detach()
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        tty.setraw(descriptor)
        termios.tcflush(descriptor, termios.TCIFLUSH)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
