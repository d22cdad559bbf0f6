"""Runs host programs that know nothing of vsara against it: `python tests/programs [PART OF A NAME…]`.

The programs come unmodified from Debian, PyPI and npm; `scripts/check.sh programs` installs them,
`VSARA_PROGRAMS` names the folder of those that Debian does not have. `VSARA_BIN` names the binary.
Needs root: ModemManager gets a system bus and a /sys of its own.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "real"))

import runner  # noqa: E402: tests/real has just become importable

sys.exit(runner.main(HERE, at_once=8))
