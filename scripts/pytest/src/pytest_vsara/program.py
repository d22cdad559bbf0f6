"""A running vsara process: started, waited for, and gone in the end."""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Optional

from .deadline import Deadline
from .errors import EndedByItself, NotStarted

#: How long until the ready line, in seconds of real time: a busy machine may be slow.
START_S = 30.0

#: How long an orderly end may take.
STOP_S = 5.0

#: A field of the ready line ends where the next begins.
FIELD = re.compile(r" (?=[a-z0-9]+=)")


class Program:
    """One process. Its log goes to a file, and it ends with this one, even if that is killed."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._log = log
        #: Whether somebody here ended it.
        self.was_ended = False
        with log.open("ab") as stderr:
            # A session of its own: Ctrl-C is for pytest, which then ends every module in order. Should
            # pytest be killed, the end of the pipe does the same.
            self._process = subprocess.Popen(
                [*command, "--until-eof"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            self.ready = self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    @property
    def status(self) -> Optional[int]:
        """Its exit status, negative where a signal ended it; None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        """All it has logged."""
        return self._log.read_text(errors="replace")

    def stop(self) -> int:
        """Ends it in order; gives its exit status. Raises EndedByItself where it had gone before.

        A process that does not go within 5 s is killed, and its status says so (-9).
        """
        by_itself = self.status is not None and not self.was_ended
        self.was_ended = True
        if self.status is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._close()
        if by_itself:
            raise EndedByItself(f"vsara ended by itself with status {status}: {self.last_words()}")
        return status

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.was_ended = True
        self._process.kill()
        self._process.wait()
        self._close()

    def _wait_until_ready(self) -> dict[str, str]:
        line = self._first_line(Deadline(START_S))
        word, *fields = FIELD.split(line)
        if word != "ready":
            raise NotStarted(f"the first line is not the ready line: {line!r}")
        return dict(field.split("=", 1) for field in fields)

    def _first_line(self, deadline: Deadline) -> str:
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            if not deadline.readable(self._process.stdout.fileno()):
                raise NotStarted(f"not ready within {deadline.within:g} s: {self.last_words()}")
            # One byte at a time, because what follows the line is nobody's yet.
            byte = os.read(self._process.stdout.fileno(), 1)
            if not byte:
                self._process.wait()
                raise NotStarted(f"{self.last_words()} (exit status {self._process.returncode})")
            line += byte
        return line.decode().rstrip("\n")

    def last_words(self) -> str:
        """What it said last, without the part that says who says it."""
        before, said, last = self.log().rpartition("vsara: ")
        return (last if said else before).strip() or "it said nothing"

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
