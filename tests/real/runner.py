"""Runs the tests of a folder, each in a process of its own."""

import io
import multiprocessing
import signal
import sys
import time
import unittest
from contextlib import redirect_stdout

# By name; the processes of the tests find them here.
TESTS = {}


def tests_in(suite):
    """Every single test of a suite."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_in(test)
        else:
            yield test


def load(folder, patterns):
    sys.path.insert(0, str(folder))
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in patterns] or None
    return {test.id(): test for test in tests_in(loader.discover(str(folder), "test_*.py"))}


def run(name):
    """Runs one of `TESTS` in this process; gives its verdict and what there is to say."""
    began, said = time.monotonic(), io.StringIO()
    result = unittest.TestResult()
    with redirect_stdout(said):
        TESTS[name].run(result)
    wrong = [trace for _, trace in result.failures + result.errors]
    why = "".join(reason for _, reason in result.skipped)
    verdict = "FAIL" if wrong else "skip" if why else "ok"
    line = f"{verdict:4} {time.monotonic() - began:6.2f} s  {name.removeprefix('test_')}  {why}".rstrip()
    # What a test printed matters only where it failed: its seed, for example.
    return verdict, "\n".join([line, said.getvalue().rstrip(), *wrong]) if wrong else line


def main(folder, at_once=4):
    """Runs the tests in `folder` whose names have a part that is given as an argument, or all.

    Several run at once: most of them wait most of the time. The last line is `FOLDER: N passed, N failed, N skipped`; gives the exit status.
    """
    # In the background of a script it is ignored, also by every program a test starts to interrupt it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    verdicts = []
    TESTS.update(load(folder, sys.argv[1:]))
    with multiprocessing.get_context("fork").Pool(at_once, maxtasksperchild=1) as pool:
        for verdict, text in pool.imap_unordered(run, TESTS):
            verdicts.append(verdict)
            print(text, flush=True)
    passed, failed, skipped = (verdicts.count(verdict) for verdict in ("ok", "FAIL", "skip"))
    print(f"{folder.name}: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not verdicts else 0

