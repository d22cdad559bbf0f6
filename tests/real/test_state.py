"""What is on disk: across restarts, at the end, and between two processes."""

import os
import signal
import stat
import subprocess
from pathlib import Path

from vsara import BINARY, PROFILE_UID, STOP_S, Case, run


class State(Case):
    def test_everything_is_as_it_was_after_a_restart(self):
        first = self.modem()
        self.assertTrue(first.seal("serial-7").ok)
        first.wait_for_flags("1,1,1")
        self.assertTrue(first.command("ATE0+CMEE=2;&W").ok)
        identity = first.command("AT+CGSN;+CCID;+CIMI;+USECROTUID").lines
        self.assertEqual(first.stop(), 0)

        second = self.modem()
        self.assertEqual(second.rot, first.rot)
        with second.terminal() as terminal:
            terminal.send("AT")
            self.assertEqual(terminal.receive(), b"\r\nOK\r\n", "ATE0 was stored by AT&W")
        self.assertEqual(second.command("AT+USECDEVINFO?").lines, ["+USECDEVINFO: 1,1,1"])
        self.assertEqual(second.command("AT+CGSN;+CCID;+CIMI;+USECROTUID").lines, identity)
        self.assertTrue(second.seal("another").ok, "a second seal is ignored")
        self.assertEqual(second.kinds().count("bootstrap"), 1)

    def test_a_module_bootstraps_only_once(self):
        modem = self.modem()
        modem.wait_for_flags("1,0,1")
        for how in ("cut", "off"):
            modem.ctl("power", how)
            modem.ctl("power", "on")
            self.assertEqual(modem.command("AT+USECDEVINFO?").lines, ["+USECDEVINFO: 1,0,1"])
        self.assertEqual(modem.kinds().count("bootstrap"), 1)

    def test_an_end_by_signal_leaves_no_link_no_lock_and_nothing_half_written(self):
        for name in ("SIGTERM", "SIGINT"):
            modem = self.modem(state=name)
            link = Path(modem.ready["link"])
            modem.seal()
            self.assertEqual(modem.stop(signal.Signals[name]), 0)
            self.assertFalse(os.path.lexists(link), name)
            left = [path.name for path in modem.state.rglob("*") if is_litter(path)]
            self.assertEqual(left, [], name)

    def test_secrets_are_for_their_owner_only(self):
        modem = self.modem()
        secret = factory_files(modem.state)
        self.assertTrue(secret, f"no file of mode 0600 in {os.listdir(modem.state)}")

    def test_a_second_process_on_the_same_state_is_refused_by_the_pid_of_the_first(self):
        modem = self.modem()
        refused = run("modem", "--state", modem.state)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(str(modem.pid), refused.stderr)
        self.assertEqual(refused.stdout, "")
        self.assertTrue(modem.command("AT").ok)
        self.assertTrue(os.path.lexists(modem.ready["link"]), "the link of the first is untouched")

    def test_the_state_of_a_killed_process_is_free(self):
        modem = self.modem()
        modem.kill()
        self.assertTrue(self.modem().command("AT").ok)

    def test_another_profile_than_the_one_on_disk_is_refused(self):
        modem = self.modem("--profile", "sara-r422m8s")
        self.assertEqual(modem.stop(), 0)
        refused = run("modem", "--state", modem.state, "--profile", "sara-r510s")
        self.assertIn(refused.returncode, (1, 2))
        self.assertIn("sara-r422m8s", refused.stderr)
        self.assertIn("sara-r510s", refused.stderr)

    def test_an_ephemeral_module_leaves_nothing(self):
        temporary = self.folder / "tmp"
        temporary.mkdir()
        with environment(TMPDIR=str(temporary)):
            modem = self.modem("--ephemeral", state="unused")
        self.assertTrue(modem.command("AT").ok)
        self.assertEqual(modem.stop(), 0)
        self.assertEqual(os.listdir(temporary), [])

    def test_the_end_of_standard_input_is_the_end_where_it_was_asked_for(self):
        for program in ("modem", "server"):
            with self.subTest(program):
                state = self.folder / program
                options = ["--bind", "127.0.0.1:0"] if program == "server" else []
                command = [BINARY, program, "--state", str(state), "--log", "error", "--until-eof", *options]
                with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
                    self.assertTrue(running.stdout.readline().startswith(b"ready "))
                    running.stdin.write(b"no end yet\n")
                    running.stdin.flush()
                    run("ctl", "--state", state, "status", status=0)
                    running.stdin.close()
                    self.assertEqual(running.wait(STOP_S), 0)
                self.assertFalse((state / "control.sock").exists(), "it ended in order")
        modem = self.modem(state="without")
        self.assertTrue(modem.command("AT").ok, "its standard input was at its end from the beginning")

    def test_wrong_usage_ends_with_status_2(self):
        for wrong in (
            ["modem", "--profile", "sara-x"],
            ["modem", "--time", "sideways"],
            ["modem", "--rot", "12"],
            ["server", "--bind", "nowhere"],
            ["gadget"],
        ):
            done = run(*wrong, "--state", self.folder / "wrong")
            self.assertEqual(done.returncode, 2, f"{wrong}: {done.stderr}")
            self.assertNotEqual(done.stderr, "")

    def test_a_service_never_listens_to_the_world_by_accident(self):
        for options in (["--bind", "0.0.0.0:0"], ["--bind", "0.0.0.0:0", "--expose"]):
            done = run("server", "--state", self.folder / "exposed", *options)
            self.assertNotEqual(done.returncode, 0, options)
            self.assertIn("--expose" if len(options) == 2 else "--master-key", done.stderr)

    def test_the_profile_uid_is_no_business_of_the_log(self):
        modem = self.modem("--log", "debug")
        modem.seal()
        modem.wait_for_flags("1,1,1")
        self.assertNotIn(PROFILE_UID, modem.stderr())


class Link(Case):
    """Whose a symlink is, decides whether it may be replaced or removed."""

    def modem_at(self, link, **more):
        return self.modem("--link", link, "--service", "none", **more)

    def refused_at(self, link):
        done = run("modem", "--state", self.folder / "refused", "--link", link, "--service", "none")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(link), done.stderr)

    def test_a_dangling_link_is_replaced(self):
        link = self.folder / "ttySARA0"
        link.symlink_to("/dev/pts/nobody")
        modem = self.modem_at(link)
        self.assertEqual(os.readlink(link), modem.tty)

    def test_a_file_is_refused_and_stays(self):
        file = self.folder / "notes"
        file.write_text("mine")
        self.refused_at(file)
        self.assertEqual(file.read_text(), "mine")

    def test_the_link_of_somebody_else_is_refused_and_stays(self):
        link = self.folder / "ttySARA0"
        link.symlink_to("/dev/null")
        self.refused_at(link)
        self.assertEqual(os.readlink(link), "/dev/null")

    def test_the_link_that_a_killed_process_left_is_replaced_by_the_next_on_its_state(self):
        link = self.folder / "ttySARA0"
        self.modem_at(link).kill()
        # Somebody else may get the number of the pseudo-terminal meanwhile.
        others = os.openpty()
        self.assertTrue(link.is_symlink())
        after = self.modem_at(link).ready["tty"]
        self.assertNotEqual(after, os.ttyname(others[1]))
        self.assertEqual(os.readlink(link), after)
        for descriptor in others:
            os.close(descriptor)

    def test_a_link_that_somebody_took_over_is_not_removed_at_the_end(self):
        link = self.folder / "ttySARA0"
        modem = self.modem_at(link)
        link.unlink()
        link.symlink_to("/dev/null")
        self.assertEqual(modem.stop(), 0)
        self.assertEqual(os.readlink(link), "/dev/null")


def is_litter(path):
    name = path.name.lower()
    return (
        path.is_symlink()
        or path.is_socket()
        or "lock" in name
        or name.endswith((".new", ".tmp", "-wal", "-shm", "-journal"))
    )


def factory_files(state):
    """The files that only their owner may read."""
    files = [path for path in state.rglob("*") if path.is_file()]
    return [path for path in files if stat.S_IMODE(path.stat().st_mode) == 0o600]


class environment:
    """Environment variables for the programs started inside."""

    def __init__(self, **variables):
        self.variables = variables

    def __enter__(self):
        self.before = dict(os.environ)
        os.environ.update(self.variables)

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self.before)
