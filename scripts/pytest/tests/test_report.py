"""What the report of a test says of its modules."""

import xml.etree.ElementTree as ElementTree

LOGGED = "*DEBUG vsara::at: /dev/pts/* > AT+CGMM"


def test_a_failed_test_has_the_log_of_every_module(pytester):
    pytester.makepyfile(
        """
        def test_it(sara, sara_factory):
            other = sara_factory("other")
            sara.at("AT+CGMM")
            other.at("AT+CGMM")
            assert False
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Captured stderr of sara*", LOGGED, "*Captured stderr of other*", LOGGED])
    result = pytester.runpytest("--show-capture=no")
    result.stdout.no_fnmatch_line(LOGGED)


def test_a_test_that_passes_says_nothing(pytester):
    pytester.makepyfile("def test_it(sara):\n    assert sara.at('AT+CGMM').ok\n")
    result = pytester.runpytest("-rA")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line(LOGGED)


def test_an_error_in_another_fixture_has_it_too(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def sealed(sara):
            sara.at("AT+CGMM")
            raise RuntimeError("not sealed")

        def test_it(sealed):
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Captured stderr of sara*", LOGGED])


def test_a_module_that_ended_by_itself_is_an_error(pytester):
    pytester.makepyfile(
        """
        import os, signal

        def test_it(sara, sara_factory):
            other = sara_factory("other")
            os.kill(sara.pid, signal.SIGKILL)
            assert other.at("AT+CGMM").ok

        def test_that_kills_its_own(sara, sara_factory):
            sara.kill()
            assert sara_factory().stop() == 0

        def test_that_waits_for_one_that_is_gone(sara):
            import pytest
            from pytest_vsara import VsaraError
            os.kill(sara.pid, signal.SIGTERM)
            os.waitid(os.P_PID, sara.pid, os.WEXITED | os.WNOWAIT)
            with pytest.raises(VsaraError):
                sara.wait_for_event("heartbeat")
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*EndedByItself: sara: vsara ended by itself with status -9: *",
            "*Captured stderr of other*",
            LOGGED,
            "*EndedByItself: sara: vsara ended by itself with status 0: *",
        ]
    )


def test_a_long_log_is_shown_from_its_end(pytester):
    pytester.makepyfile(
        """
        from pytest_vsara.plugin import LOG_SHOWN

        def test_it(sara):
            with open(f"{sara.state}.log", "a") as log:
                log.write("the beginning\\n" + "x" * LOG_SHOWN + "\\nthe end\\n")
            assert False
        """
    )
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(["… * characters before this are in */test_it0/sara.log", "the end"])
    result.stdout.no_fnmatch_line("the beginning")


def test_junit_has_the_log_as_what_was_written_to_stderr(pytester):
    pytester.makepyfile("def test_it(sara):\n    sara.at('AT+CGMM')\n    assert False\n")
    pytester.runpytest("--junit-xml=out.xml", "-o", "junit_logging=system-err")
    said = ElementTree.parse(pytester.path / "out.xml").find(".//system-err").text
    assert "> AT+CGMM" in said
