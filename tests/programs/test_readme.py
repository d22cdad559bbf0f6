"""The table of programs in the README says what runs here."""

import platform
import unittest
from pathlib import Path

import program

README = Path(__file__).parents[2] / "README.md"
TESTED_ON = ("debian", "12")


class Readme(unittest.TestCase):
    def test_the_table_names_each_program_its_version_and_what_passes(self):
        for test in Path(__file__).parent.glob("test_*.py"):
            __import__(test.stem)
        cases = sorted(program.ProgramCase.__subclasses__(), key=lambda case: case.program.lower())
        self.assertEqual(len(cases), 9)
        rows = [f"| {case.program} | {case.version()} | {case.passes} |" for case in cases]
        system = platform.freedesktop_os_release()
        if (system["ID"], system.get("VERSION_ID")) != TESTED_ON:
            self.skipTest(f"the versions are those of {' '.join(TESTED_ON)}")
        table = "\n".join(["| program | version | what passes |", "|---|---|---|", *rows, ""])
        self.assertTrue(table in README.read_text(), f"README.md should say:\n{table}")
