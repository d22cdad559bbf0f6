"""What the plugin's own tests share. `VSARA_BIN` names the program they run."""

import contextlib
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from pytest_vsara.deadline import Deadline

pytest_plugins = ["pytester"]

# In the background of a script it is ignored, also by every pytest that a test starts to interrupt it.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parents[3]
os.environ["VSARA_BIN"] = str(Path(os.environ.get("VSARA_BIN", REPOSITORY / "target/debug/vsara")).resolve())

PROFILE_UID = "AgbCtixjwqLjwV3VWpfPyz"
SEAL = f'AT+USECDEVINFO="{PROFILE_UID}","serial-1"'

#: How long a whole pytest may take, in seconds.
RUN_S = 60.0


def pytest_terminal_summary(terminalreporter):
    """The last line, for scripts/check.sh: the tests here run pytest too, whose lines look like ours."""
    counted = {word: len(terminalreporter.getreports(word)) for word in ("passed", "failed", "error", "skipped")}
    counted["failed"] += counted.pop("error")
    terminalreporter.write_line("pytest-vsara: " + ", ".join(f"{n} {word}" for word, n in counted.items()))


def is_gone(pid, within=RUN_S):
    """Whether a process has ended, or does so in time."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return Deadline(within).readable(process)
    finally:
        os.close(process)


class Run:
    """A pytest in a process group of its own, as a shell starts one, whose tests tell pids by a pipe."""

    def __init__(self, pytester, source, *options):
        fifo = pytester.path / "pids"
        os.mkfifo(fifo)
        self._pipe = os.open(fifo, os.O_RDWR)
        pytester.makepyfile(f"PIDS = {str(fifo)!r}\n{source}")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        with open(pytester.path / "out", "wb") as output:
            self.process = pytester.popen(command, stdout=output, stderr=output, start_new_session=True)
        self.output = pytester.path / "out"
        self._end = os.pidfd_open(self.process.pid)
        self._told = []

    def pids(self, count):
        """What the tests have told, so many lines of it, each with pids."""
        told = b""
        deadline = Deadline(RUN_S)
        while told.count(b"\n") < count:
            news, _, _ = select.select([self._pipe, self._end], [], [], deadline.left())
            assert self._pipe in news, f"only {told!r}: {self.output.read_text()}"
            told += os.read(self._pipe, 4096)
        self._told = [int(pid) for pid in told.split()]
        return self._told

    def interrupt(self):
        """Ctrl-C: every process of the group gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def close(self):
        os.close(self._pipe)
        os.close(self._end)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in self._told:
            # What a test that failed has left.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(RUN_S)
        if self.process.stdin:
            self.process.stdin.close()


@pytest.fixture
def start(pytester):
    """Starts a pytest on this source: `start(source, "-n", "2")`."""
    with contextlib.ExitStack() as running:
        yield lambda *words: running.enter_context(contextlib.closing(Run(pytester, *words)))
