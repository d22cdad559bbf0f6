"""What pytest loads: options, settings, the marker, the fixtures, the log in the report.

    sara            a running module
    sara_factory    makes more of them
    vsara_bin       where the program is
"""

import os
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Optional

import pytest

from .errors import NotFound
from .factory import ModemFactory
from .modem import Modem
from .options import NAMES, Options

#: What of each module's log a report shows, in characters: the last of it.
LOG_SHOWN = 64 * 1024

#: Options that a settings file may set for every test, besides `args`; who a module is belongs to one.
SETTINGS = tuple(name for name in NAMES if name not in ("rot", "args"))

FACTORY = pytest.StashKey[ModemFactory]()

MARKER = (
    "sara(profile=…, time=…, timing=…, service=…, rot=…, seed=…, log=…, args=[…]): "
    "how the modules of a test are started, as the options of `vsara modem`"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("vsara", "virtual SARA modules")
    group.addoption(
        "--vsara-bin", metavar="PATH", help="the vsara program [default: VSARA_BIN, vsara_bin, or from PATH]"
    )
    parser.addini("vsara_bin", "the vsara program, from the folder of this file")
    for name in SETTINGS:
        parser.addini(f"vsara_{name}", f"--{name} of every module")
    parser.addini("vsara_args", "any other options of every module", "args")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_report_header(config: pytest.Config) -> list[str]:
    try:
        return [f"vsara: {find_binary(config)}"]
    except NotFound:
        return []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> None:
    """The log of every module goes into the report of a test that failed."""
    factory = item.stash.get(FACTORY, None)
    failed = call.excinfo is not None and not isinstance(call.excinfo.value, pytest.skip.Exception)
    if failed and factory is not None:
        for modem in factory.modems:
            # A name that pytest knows, so that --show-capture and JUnit files treat it as they should.
            item.add_report_section(call.when, f"stderr of {modem.name}", shown(modem))


@pytest.fixture(scope="session")
def vsara_bin(pytestconfig: pytest.Config) -> str:
    """The path of the vsara program, for a `Modem` made by hand."""
    return find_binary(pytestconfig)


@pytest.fixture
def sara_factory(
    request: pytest.FixtureRequest, vsara_bin: str, tmp_path: Path
) -> Generator[ModemFactory, None, None]:
    """Makes running modules: `sara_factory(profile=…)`, `sara_factory(clone_of=sara)`."""
    factory = ModemFactory(vsara_bin, tmp_path, options_of(request.node))
    request.node.stash[FACTORY] = factory
    yield factory
    factory.end()


@pytest.fixture
def sara(sara_factory: ModemFactory) -> Modem:
    """A running virtual SARA module: `sara.port`, `sara.ctl("power", "cut")`, `sara.events("clone")`."""
    return sara_factory("sara")


def options_of(node: pytest.Item) -> Options:
    """What the settings say, then the markers of the test, the closest last."""
    options = Options().but(**settings(node.config))
    for marker in reversed(list(node.iter_markers("sara"))):
        try:
            if marker.args:
                raise TypeError(f"only options by name, not {marker.args[0]!r}")
            options = options.but(**marker.kwargs)
        except TypeError as error:
            raise pytest.UsageError(f"@pytest.mark.sara: {error}") from None
    return options


def settings(config: pytest.Config) -> Mapping[str, object]:
    """The options that the settings file sets."""
    return {name: config.getini(f"vsara_{name}") or None for name in [*SETTINGS, "args"]}


def find_binary(config: pytest.Config) -> str:
    """The vsara program: --vsara-bin, VSARA_BIN, `vsara_bin` in the settings, or from PATH."""
    told = [
        ("--vsara-bin", config.getoption("vsara_bin"), config.invocation_params.dir),
        ("VSARA_BIN", os.environ.get("VSARA_BIN"), config.invocation_params.dir),
        ("vsara_bin", config.getini("vsara_bin"), config.inipath.parent if config.inipath else config.rootpath),
    ]
    for source, path, folder in told:
        if path:
            return _program(source, folder / Path(path).expanduser())
    found: Optional[str] = shutil.which("vsara")
    if found is None:
        raise NotFound("vsara is not on PATH; name it with --vsara-bin, VSARA_BIN or vsara_bin in the settings")
    return found


def _program(source: str, path: Path) -> str:
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise NotFound(f"{source}: {path} is no program")
    return str(path)


def shown(modem: Modem) -> str:
    """The log of a module as a report shows it."""
    log = modem.log()
    hidden = len(log) - LOG_SHOWN
    if hidden <= 0:
        return log
    start = log.find("\n", hidden) + 1
    return f"… {start} characters before this are in {modem.state}.log\n{log[start:]}"
