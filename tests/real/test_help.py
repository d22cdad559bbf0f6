"""What the program says about itself: manual pages and completions."""

import os
import shutil
import subprocess
import unittest

from vsara import BINARY, Case, run


class Manual(Case):
    def test_every_page_is_written_and_the_one_asked_for_is_printed(self):
        pages = self.folder / "new" / "man1"
        run("man", "--dir", pages, status=0)
        names = os.listdir(pages)
        self.assertTrue({"vsara.1", "vsara-exec.1", "vsara-ctl-power.1"} <= set(names), names)
        for name, *subcommand in (("vsara.1",), ("vsara-exec.1", "exec"), ("vsara-ctl-power.1", "ctl", "power")):
            self.assertEqual(run("man", *subcommand, status=0).stdout, (pages / name).read_text())

    @unittest.skipUnless(shutil.which("man"), "needs man")
    def test_man_renders_every_page_without_a_warning(self):
        run("man", "--dir", self.folder, status=0)
        for page in self.folder.glob("*.1"):
            shown = subprocess.run(
                ["man", "--warnings", "-l", page],
                capture_output=True, text=True, timeout=20, check=True,
                env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""},
            )
            self.assertEqual(shown.stderr, "", page.name)
            self.assertIn("SYNOPSIS", shown.stdout)

    def test_a_page_that_is_not_there_is_usage(self):
        done = run("man", "ctl", "gadget", status=2)
        self.assertIn("power", done.stderr)
        self.assertEqual(done.stdout, "")
        file = self.folder / "file"
        file.write_text("mine")
        self.assertIn(str(file), run("man", "--dir", file, status=1).stderr)


class Completions(Case):
    def test_bash_completes_profiles_and_subcommands(self):
        for words, expected in ((["modem", "--profile", "sara-r422m"], "sara-r422m8s"), (["ex"], "exec")):
            script = f"""
                eval "$({BINARY} completions bash)"
                COMP_WORDS=(vsara {" ".join(words)}); COMP_CWORD={len(words)}
                _vsara vsara {words[-1]} {(words[-2:-1] or ["vsara"])[0]}
                echo "${{COMPREPLY[@]}}"
            """
            done = subprocess.run(
                ["bash", "-c", script], capture_output=True, text=True, timeout=20, check=True
            )
            self.assertEqual(done.stdout.split(), [expected], done.stderr)
