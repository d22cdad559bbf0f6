"""What the README shows, works."""

import re
from pathlib import Path

from pytest_vsara import Ctl, Modem, Options

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks():
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_example_passes(pytester):
    pytester.makepyfile(blocks()[0])
    pytester.runpytest("--strict-markers").assert_outcomes(passed=3)


def test_a_module_for_many_tests_is_as_it_is_shown(pytester):
    use = "\n\ndef test_one(gateway):\n    assert gateway.at('ATE0').ok\n"
    use += "\n\ndef test_two(gateway):\n    gateway.ctl.time_advance('1h')\n"
    pytester.makepyfile(blocks()[1] + use)
    pytester.runpytest().assert_outcomes(passed=2)


def test_every_word_of_the_tables_is_there():
    named = set(re.findall(r"`([a-z_]+)[`(]", README.partition("## Fixtures")[2]))
    there = {name for kind in (Modem, Ctl, Options) for name in vars(kind)} | set(Options.__annotations__)
    there |= {"ready", "ctl", "state", "name"} | {"command", "send", "write", "line", "read_until"}
    allowed = {"sara", "sara_factory", "within", "vsara_", "module", "kind", "real", "virtual", "fast", "embedded"}
    allowed |= {"none", "error", "info", "debug", "trace", "tmp_path", "sara_", "vsara", "vsara_bin"}
    assert named - there - allowed == set()
    public = {name for name in [*vars(Modem), *vars(Ctl)] if not name.startswith("_")} - {"command", "was_ended"}
    assert {name for name in public if f"`{name}" not in README} <= {"is_running"}
