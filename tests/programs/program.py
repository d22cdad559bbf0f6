"""What the tests of host programs share: how one is run, and a terminal for those that want one."""

import contextlib
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

from vsara import LONG, Case, wait_until

INSTALLED = Path(os.environ.get("VSARA_PROGRAMS", "target/programs")).resolve()
RUN_S = 40.0
# Colours, cursor movements and titles of a terminal.
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][AB0]|[=>78])")


class ProgramCase(Case):
    """A host program with a module at its disposal.

    `program`, `version()` and `passes` are its row in the README's table.
    """

    program = None
    passes = None

    def modem(self, *options, **more):
        """A module without a service, registered; the long tests feel its latencies too."""
        latencies = LONG and "--time" not in options
        timing = ("--timing", "module") if latencies else ()
        modem = super().modem("--service", "none", *timing, *options, **more)
        if latencies:
            wait_until(lambda: answer(modem, "AT+CREG?") == ["+CREG: 0,1"], "a registered module")
        return modem

    def lock_sim(self, modem):
        """The SIM of a module that has just been powered on asks for its PIN, 1234."""
        self.assertTrue(modem.command('AT+CLCK="SC",1,"1234"').ok)
        modem.ctl("power", "cut")
        modem.ctl("power", "on")
        wait_until(lambda: answer(modem, "AT+CPIN?") == ["+CPIN: SIM PIN"], "a SIM that asks for its PIN")

    @classmethod
    def version(cls):
        """Of the program that is installed, as its maker counts."""
        raise NotImplementedError

    def run_program(self, *command, within=RUN_S, status=0, **options):
        """Runs a program to its end; gives all it printed."""
        done = subprocess.run(
            [str(word) for word in command],
            stdin=options.pop("stdin", subprocess.DEVNULL), stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.STDOUT if "stderr" not in options else options.pop("stderr"),
            timeout=within, check=False, **options,
        )
        printed = (done.stdout or b"").decode(errors="replace")
        if done.returncode != status:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{printed}")
        return printed

    def screen(self, *command, **options):
        """A program with a terminal of its own, ended with the test."""
        return self.running.enter_context(Screen(command, self.folder, **options))

    def environment(self, **more):
        """Nobody's home but this test's, and no language but C."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


class Screen:
    """A program that thinks somebody sits before it."""

    def __init__(self, command, home, environment=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 132, 0, 0))
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=slave, stdout=slave, stderr=slave, cwd=home, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.shown = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        # The read fails once the program has gone.
        with contextlib.suppress(OSError):
            while piece := os.read(self.master, 4096):
                self.shown += piece

    def text(self):
        """All that it has shown so far, without what only moves and colours."""
        return ESCAPES.sub("", self.shown.decode(errors="replace")).replace("\r", "")

    def type(self, keys):
        """Presses keys; Enter is CR."""
        os.write(self.master, keys.encode())

    def wait_for(self, pattern, within=RUN_S):
        """Waits until something is shown; gives the match. What was shown before counts too."""
        deadline = time.monotonic() + within
        while not (match := re.search(pattern, self.text())):
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} not shown within {within} s:\n{self.text()}")
            time.sleep(0.02)
        return match

    def end(self, within=RUN_S):
        """Waits for its end; gives the exit status."""
        return self.process.wait(within)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


def answer(modem, command):
    """The lines of an answer, or nothing from a module that is still booting."""
    try:
        return modem.command(command, within=1).lines
    except AssertionError:
        return None


def debian_version(package):
    """The upstream version of a package that is installed."""
    shown = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", package],
        capture_output=True, text=True, check=True,
    ).stdout
    return re.match(r"(?:\d+:)?([0-9.]+)", shown)[1]


def find(program):
    """Where a program is; a program that cannot be had is a failure."""
    place = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if place is None:
        raise AssertionError(f"{program} is not installed")
    return place
