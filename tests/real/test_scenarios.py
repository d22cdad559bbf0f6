"""`vsara test` as CI runs it."""

import os
import pty
import subprocess
import xml.etree.ElementTree as ElementTree

from vsara import BINARY, Case, run

PASSES = """\
modem dut sara-r510s
> AT+CGMI
< u-blox
< OK
"""

FAILS = """\
# A file of a user
modem dut sara-r510s
> AT+CGMI
< v-blox
< OK
"""

LIFE = """\
device-profile "AgbCtixjwqLjwV3VWpfPyz"
modem dut sara-r510s
wait until < +USECDEVINFO: 1,0,1 within 1d
> AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz","serial-1"
< OK
wait until < +USECDEVINFO: 1,1,1 within 1d
no event
"""


class Scenarios(Case):
    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def test_what_passed_and_what_failed_is_said_and_counted(self):
        self.write("a/passes.at", PASSES)
        self.write("b.at", FAILS)
        done = run("test", self.folder, status=1, within=60)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], f"pass {self.folder}/a/passes.at (0s)")
        self.assertEqual(lines[1], f"FAIL {self.folder}/b.at:4: < v-blox")
        self.assertIn("  expected  v-blox", lines)
        self.assertIn("  seen      u-blox", lines)
        self.assertIn("            ^", lines, "marked to the character")
        self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")
        self.assertNotIn("\x1b", done.stdout, "colour is for terminals")
        self.assertEqual(run("test", self.folder / "a", status=0).stdout.splitlines()[-1], "1 passed, 0 failed, 0 skipped")

    def test_results_are_written_as_junit(self):
        self.write("passes.at", PASSES)
        self.write("fails.at", FAILS + "# <&>\n")
        results = self.folder / "results.xml"
        run("test", "--junit", results, self.folder, status=1)
        suite = ElementTree.parse(results).getroot().find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        failure = suite.find("testcase/failure")
        self.assertIn("fails.at:4", failure.get("message"))
        self.assertIn("expected  v-blox", failure.text)

    def test_the_trace_is_the_same_with_any_number_of_jobs(self):
        for number in range(12):
            self.write(f"life{number:02}.at", LIFE + f"wait {number}h\n")
        traces = []
        for jobs in (1, 2, 7):
            trace = self.folder / f"trace{jobs}"
            run("test", "--trace", trace, "--jobs", jobs, self.folder, status=0, within=60)
            traces.append(trace.read_bytes())
        self.assertEqual(len(set(traces)), 1)
        text = traces[0].decode()
        for part in ("/bootstrap/hello", "security.seal.serial_number", "dut< ", "bytes to the service"):
            self.assertIn(part, text)
        run("test", "--trace", self.folder / "other", "--seed", 2, self.folder, status=0, within=60)
        self.assertNotEqual((self.folder / "other").read_bytes(), traces[0])

    def test_expected_lines_are_blessed(self):
        path = self.write("fails.at", FAILS)
        other = self.write("passes.at", PASSES)
        before = os.stat(other).st_mtime_ns
        done = run("test", "--bless", self.folder, status=0)
        self.assertEqual(path.read_text(), FAILS.replace("v-blox", "u-blox"))
        self.assertIn("fails.at (1 line changed)", done.stderr)
        self.assertEqual(os.stat(other).st_mtime_ns, before, "what passes is not touched")

    def test_wrong_files_are_named_with_their_places_before_anything_is_played(self):
        self.write("one.at", "modem dut sara-r510s\ndance\n")
        self.write("two.at", "> AT\n")
        self.write("three.at", PASSES)
        done = run("test", self.folder, status=2)
        self.assertEqual(done.stdout, "")
        self.assertIn('one.at:2:1: "dance" is no statement; allowed: device-profile', done.stderr)
        self.assertIn("two.at:1:1: ", done.stderr)
        huge = self.folder / "huge.at"
        with open(huge, "wb") as file:
            file.truncate(100 * 1024 * 1024)
        self.assertIn("huge.at:1:1: the file has", run("test", huge, status=2).stderr)
        (self.folder / "binary.at").write_bytes(b"# \xff\xfe\x00")
        self.assertIn("binary.at:1:3: this is no UTF-8 text", run("test", self.folder / "binary.at", status=2).stderr)
        self.assertIn("nowhere.at", run("test", self.folder / "nowhere.at", status=2).stderr)
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertIn("there is no *.at file", run("test", empty, status=2).stderr)

    def test_every_fault_finds_nothing_where_the_promise_holds_and_the_line_where_not(self):
        path = self.write("life.at", LIFE)
        done = run("test", "--every-fault", path, status=0, within=60)
        self.assertRegex(done.stdout, r"pass .*life.at \(\d{3} faults\)\n\d{3} passed, 0 failed, 0 skipped\n$")
        self.write("life.at", LIFE + "device bytes<=2400\n")
        done = run("test", "--every-fault", path, status=1, within=60)
        self.assertRegex(done.stdout, r"before line 3: fault dut at datagram \d+ drop")
        self.assertRegex(done.stdout, r"FAIL .*life.at \(\d+ of \d+ faults\)")

    def test_a_terminal_sees_colour(self):
        path = self.write("passes.at", PASSES)
        ours, theirs = pty.openpty()
        subprocess.run([BINARY, "test", path], stdin=theirs, stdout=theirs, stderr=theirs, timeout=30, check=True)
        os.close(theirs)
        self.assertIn(b"\x1b[", os.read(ours, 4096))
        os.close(ours)

    def test_the_language_is_printed(self):
        guide = run("test", "--guide", status=0).stdout
        for statement in ("device-profile", "wait until", "fault NAME at phase 3 cut", "NAME<prompt", "no event"):
            self.assertIn(statement, guide)
