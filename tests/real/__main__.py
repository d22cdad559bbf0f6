"""Runs the tests of the real program: `python tests/real [PART OF A TEST'S NAME…]`.

Needs pyserial, coap-client and openssl; `VSARA_BIN` names the binary, `VSARA_LONG` asks for more.
"""

import sys
from pathlib import Path

import runner

sys.exit(runner.main(Path(__file__).parent))
