"""Runs the tests of the real program: `python tests/real [PART OF A TEST'S NAME…]`.

Needs pyserial, coap-client and openssl; `VSARA_BIN` names the binary, `VSARA_LONG` asks for more.
The last line is `real: N passed, N failed, N skipped`.
"""

import sys
import time
import unittest
from pathlib import Path


class Result(unittest.TestResult):
    """One line a test as it ends, with its time, and the trace of what failed."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def say(self, test, how, why=""):
        name = test.id().removeprefix("test_") if hasattr(test, "id") else str(test)
        print(f"{how:4} {time.monotonic() - getattr(self, 'began', time.monotonic()):6.2f} s  {name}  {why}".rstrip())

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say(test, "ok")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say(test, "FAIL")
        print(self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.say(test, "FAIL")
        print(self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say(test, "skip", reason)


def main(patterns):
    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in patterns] or None
    result = Result()
    loader.discover(str(here), "test_*.py").run(result)
    failed = len({str(test) for test, _ in result.failures + result.errors})
    skipped = len(result.skipped)
    print(f"real: {result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not result.testsRun else 0


sys.exit(main(sys.argv[1:]))
