"""However a test run ends, no process is left."""

import os
import signal

import pytest
from conftest import RUN_S, is_gone

#: Each of these tells the pids of its modules, and goes on until somebody ends it.
ENDLESS = """
import os

def tell(*modems):
    with open(PIDS, "w") as pipe:
        pipe.write(" ".join(str(modem.pid) for modem in modems) + "\\n")

def test_first(sara, sara_factory):
    tell(sara, sara_factory(service=sara))
    sara.wait_until("+NEVER: 1", command="AT", within=600)

def test_second(sara):
    tell(sara)
    sara.wait_until("+NEVER: 1", command="AT", within=600)
"""


@pytest.mark.parametrize(
    "how", ["pass", "assert False", "raise KeyboardInterrupt", "raise SystemExit", "sara.kill()", "pytest.exit('now')"]
)
def test_nothing_is_left_of_a_test(start, how):
    source = f"""
import pytest

def test_it(sara, sara_factory):
    other = sara_factory()
    with open(PIDS, "w") as pipe:
        pipe.write(f"{{sara.pid}} {{other.pid}}\\n")
    {how}
"""
    run = start(source)
    pids = run.pids(1)
    run.process.wait(RUN_S)
    assert all(is_gone(pid, within=0) for pid in pids)


def test_nothing_is_left_after_ctrl_c(start):
    run = start(ENDLESS)
    pids = run.pids(1)
    run.interrupt()
    assert run.process.wait(RUN_S) == pytest.ExitCode.INTERRUPTED
    assert [is_gone(pid, within=0) for pid in pids] == [True, True]


def test_nothing_is_left_after_ctrl_c_on_several_workers(start):
    run = start(ENDLESS, "-n", "2")
    pids = run.pids(2)
    run.interrupt()
    run.process.wait(RUN_S)
    assert [is_gone(pid) for pid in pids] == [True, True, True]


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "on workers"])
def test_nothing_is_left_of_a_run_that_is_killed(start, options):
    run = start(ENDLESS, *options)
    pids = run.pids(2 if options else 1)
    os.kill(run.process.pid, signal.SIGKILL)
    assert all(is_gone(pid) for pid in pids)


def test_nothing_is_left_of_a_worker_that_crashes(start):
    source = """
import os

def test_it(sara):
    with open(PIDS, "w") as pipe:
        pipe.write(f"{sara.pid}\\n")
    os._exit(1)
"""
    run = start(source, "-n", "1", "--max-worker-restart", "0")
    pids = run.pids(1)
    assert run.process.wait(RUN_S) == pytest.ExitCode.TESTS_FAILED
    assert is_gone(pids[0])


def test_tests_run_in_parallel_each_with_a_module_of_its_own(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        @pytest.mark.sara(time="virtual")
        def test_it(sara, sara_factory, number):
            sara.wait_for_event("bootstrap")
            assert sara_factory(clone_of=sara).rot == sara.rot
            sara.ctl.time_advance("8d")
            assert len(sara.events("heartbeat")) == 1
            assert number != 5
        """
    )
    result = pytester.runpytest("-n", "3")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*Captured stderr of sara*", "*Captured stderr of sara2*"])
