"""Which vsara is run, and how: options, settings, markers."""

import os
import shutil

import pytest

VSARA = os.environ["VSARA_BIN"]

#: A test that passes where its module is of this profile and pace.
TEST = """
    def test_it(sara):
        assert (sara.profile, sara.ctl.status()["pace"]) == ({profile!r}, {pace!r})
"""


def test_a_marker_says_how_the_module_is_started(pytester):
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.sara(profile="sara-r422m8s", time="virtual")

        @pytest.mark.sara(seed=7, rot="0a04f008003c9623", timing="module", log="trace", service="none")
        class TestClosest:
            def test_of_the_class(self, sara):
                status = sara.ctl.status()
                assert (sara.profile, status["pace"], status["seed"]) == ("sara-r422m8s", "virtual", 7)
                assert (sara.rot, sara.service) == ("0a04f008003c9623", None)

            @pytest.mark.sara(profile="sara-r412m-03b", args=["--mode", "0660"])
            def test_of_the_test(self, sara, sara_factory):
                import os
                assert sara.profile == "sara-r412m-03b"
                assert os.stat(sara.port).st_mode & 0o777 == 0o660
                assert sara_factory(profile="sara-r510s", rot="0a04f008003c9624").ctl.status()["seed"] == 7

        def test_of_the_module(sara):
            assert sara.ctl.status()["seed"] == 1, "the same in each run where nobody says another"
        """
    )
    pytester.runpytest("--strict-markers").assert_outcomes(passed=3)


def test_settings_are_for_every_test_that_says_nothing_else(pytester):
    pytester.makeini(
        """
        [pytest]
        vsara_profile = sara-r422m8s
        vsara_time = virtual
        vsara_args = --mode 0660
        """
    )
    pytester.makepyfile(
        TEST.format(profile="sara-r422m8s", pace="virtual"),
        test_other="import pytest\npytestmark = pytest.mark.sara(time='60x')\n"
        + "def test_it(sara):\n    assert sara.ctl.status()['pace'] == '60x'\n",
    )
    pytester.runpytest("--strict-config").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        ("profil='sara-r510s'", "*no option of a module: profil; there are profile, time, timing, *"),
        ("'sara-r510s'", "*only options by name, not 'sara-r510s'*"),
        ("args='--mode 0660'", "*args is a list of words, not one text: '--mode 0660'*"),
        ("profile='sara-x'", "*sara-x: neither a built-in profile nor a file; built in are *sara-r510s*"),
        ("time='sideways'", "*a pace of time is real, virtual, or a factor such as 60x*"),
        ("args=['--gadget']", "*unexpected argument '--gadget'*"),
    ],
)
def test_what_is_wrong_with_a_marker_is_said(pytester, marker, complaint):
    pytester.makepyfile(f"import pytest\n\n@pytest.mark.sara({marker})\ndef test_it(sara):\n    pass\n")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([complaint])


@pytest.fixture
def vsara_at(pytester):
    """Puts vsara where it is asked for; elsewhere there is none."""

    def put(path):
        path = pytester.path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(VSARA)
        return str(path)

    return put


def test_the_program_is_that_of_the_option_then_the_environment_the_settings_and_the_path(
    pytester, vsara_at, monkeypatch
):
    on_path, set_in, told, option = map(vsara_at, ["bin/vsara", "ini/vsara", "env/vsara", "option/vsara"])
    pytester.makepyfile("def test_it(sara):\n    assert sara.at('AT').ok\n")

    def check(program, *options):
        result = pytester.runpytest(*options)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines([f"vsara: {program}"])

    monkeypatch.delenv("VSARA_BIN")
    monkeypatch.setenv("PATH", str(pytester.path / "bin"), prepend=os.pathsep)
    check(on_path)
    pytester.makeini("[pytest]\nvsara_bin = ini/vsara\n")
    check(set_in)
    monkeypatch.setenv("VSARA_BIN", told)
    check(told)
    check(option, "--vsara-bin", "option/vsara")


def test_a_program_that_is_not_there_is_an_error_of_the_tests_that_need_it(pytester, monkeypatch):
    monkeypatch.setenv("PATH", os.path.dirname(shutil.which("true")))
    pytester.makepyfile("def test_it(sara):\n    pass\n\ndef test_that_needs_none():\n    pass\n")

    def check(complaint, *options):
        result = pytester.runpytest(*options)
        result.assert_outcomes(errors=1, passed=1)
        result.stdout.fnmatch_lines([f"*{complaint}"])

    check("--vsara-bin: */nowhere is no program", "--vsara-bin", "nowhere")
    monkeypatch.setenv("VSARA_BIN", str(pytester.path))
    check(f"VSARA_BIN: {pytester.path} is no program")
    monkeypatch.delenv("VSARA_BIN")
    check("vsara is not on PATH; name it with --vsara-bin, VSARA_BIN or vsara_bin in the settings")


def test_a_folder_with_spaces_and_signs_is_as_good_as_any(pytester):
    folder = pytester.path / "a =b c"
    pytester.makepyfile(
        "def test_it(sara):\n"
        "    assert sara.at('AT').ok and sara.ready['link'] == str(sara.state / 'tty')\n"
        "    sara.wait_for_event('bootstrap')\n"
    )
    pytester.runpytest("--basetemp", folder).assert_outcomes(passed=1)


def test_the_help_tells_of_it(pytester):
    pytester.runpytest("--help").stdout.fnmatch_lines(["*--vsara-bin=PATH*", "*vsara_time (string)*"])
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.sara(profile=*"])
    pytester.runpytest("--fixtures").stdout.fnmatch_lines(["sara -- *", "*A running virtual SARA module*"])
