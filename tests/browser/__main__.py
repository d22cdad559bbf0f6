"""Drives the console's pages in headless Chromium: `python tests/browser [PART OF A NAME…]`.

`scripts/check.sh browser` installs Debian's Chromium, selenium from PyPI and axe-core from npm.
`VSARA_BIN` names the binary, `VSARA_BROWSER` the folder with axe-core; screenshots go to its
`screenshots`. Needs no network but loopback.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "real"))

import runner  # noqa: E402: tests/real has just become importable

sys.exit(runner.main(HERE, at_once=2))
