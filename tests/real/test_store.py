"""The store of the security service: what was answered is on disk, whatever happens next."""

import os
import random
import sqlite3
import threading
import time

from rest import Rest
from vsara import LONG, PROFILE_UID, Case, wait_until

KILLS = 300 if LONG else 30
MODEMS = 4
# Between two kills, in seconds; a start takes a tenth of one.
LIFE_S = (0.1, 1.0)
# A heartbeat that is not answered by then begins anew, with another session.
PATIENCE_S = 2.0
# Device profiles looked for after a kill: those that may still have been on their way. All are in the end.
LATEST = 20


class Beating(threading.Thread):
    """A module that sends heartbeats as fast as it can, and counts those that were answered."""

    def __init__(self, modem, stop):
        super().__init__(daemon=True)
        self.modem, self.stopped = modem, stop
        self.answered = 0
        self.trouble = None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.modem.ctl("time", "advance", "25h", within=60)
                with self.modem.terminal() as terminal:
                    terminal.send("AT+USECCONN")
                    heard, deadline = b"", time.monotonic() + PATIENCE_S
                    while b"\r\nOK\r\n" not in heard and b"ERROR" not in heard and time.monotonic() < deadline:
                        heard += terminal.receive(0.05)
                if b"\r\nOK\r\n" in heard:
                    self.answered += 1
                else:
                    self.modem.ctl("power", "cut")
                    self.modem.ctl("power", "on")
        except Exception as trouble:
            self.trouble = trouble


class Editing(threading.Thread):
    """An owner who edits as fast as REST answers, and remembers what was answered."""

    def __init__(self, url, key, rots, stop, seed):
        super().__init__(daemon=True)
        self.http, self.key, self.rots, self.stopped = Rest(url), key, rots, stop
        self.random = random.Random(seed)
        self.profiles = []
        # Of each device the period that was answered last, and the one that was asked for behind it.
        self.periods = {rot: (604800, None) for rot in rots}
        self.trouble = None

    def call(self, path, **fields):
        reply = self.http.send("POST", path, fields)
        if reply.status != 200:
            raise AssertionError(f"{path}: {reply}")
        return reply.json()

    def run(self):
        number = 0
        while not self.stopped.is_set():
            number += 1
            try:
                if not self.http.token:
                    self.http.token = self.call("/v1/authenticate", **self.key)["AuthToken"]
                self.profiles.append(self.call("/v1/deviceprofile/create", Name=f"profile {number}")["DeviceProfileUID"])
                rot, period = self.random.choice(self.rots), self.random.randrange(86400, 604800)
                answered, asked = self.periods[rot]
                if asked is None:
                    self.periods[rot] = (answered, period)
                    self.call("/v1/device/heartbeat/set", ROTPublicUID=rot, HeartbeatPeriod=period)
                    self.periods[rot] = (period, None)
            except (OSError, EOFError):
                time.sleep(0.01)
            except Exception as trouble:
                # A connection that breaks within an answer.
                if type(trouble).__module__ != "http.client":
                    self.trouble = trouble
                    return


class Killed(Case):
    limit_s = 120 + 4 * KILLS

    def test_a_service_killed_under_load_loses_nothing_that_it_answered(self):
        seed = int(os.environ.get("VSARA_SEED", random.randrange(1 << 32)))
        print(f"     VSARA_SEED={seed}")
        chance = random.Random(seed)
        service = self.server("--log", "warn")
        http = service.ready["http"].removeprefix("http://")
        modems = [self.modem("--service", service.address, "--time", "virtual", state=f"modem-{n}") for n in range(MODEMS)]
        for modem in modems:
            modem.wait_for_flags("1,0,1")
            modem.seal(modem.rot)
            modem.wait_for_flags("1,1,1")
            modem.ctl("clone", f"{modem.state}-copy")
        key = service.admin("/accesskeys")
        stop = threading.Event()
        beating = [Beating(modem, stop) for modem in modems]
        editing = Editing(service.ready["http"], key, [modem.rot for modem in modems], stop, seed)
        for thread in (*beating, editing):
            thread.start()
        try:
            for _ in range(KILLS):
                time.sleep(chance.uniform(*LIFE_S))
                # Threads go on editing meanwhile: only what was answered by now is looked for.
                profiles, answered = editing.profiles[-LATEST:], [thread.answered for thread in beating]
                service.kill()
                service = self.server("--log", "warn", bind=service.address, http=http)
                self.check(service, key, profiles, modems, answered)
        finally:
            stop.set()
        for thread in (*beating, editing):
            thread.join(30)
            self.assertIsNone(thread.trouble)
        self.check(service, key, editing.profiles, modems, [thread.answered for thread in beating])
        owner = Rest(service.ready["http"], service.http("/v1/authenticate", **key)["AuthToken"])
        for rot, (answered, asked) in editing.periods.items():
            wanted = owner("/v1/device/get", ROTPublicUID=rot)["HeartbeatPeriod"]["Wanted"]
            self.assertIn(wanted, (answered, asked), "an edit that was answered")
        self.assertGreater(len(editing.profiles), KILLS)
        self.assertGreater(sum(thread.answered for thread in beating), KILLS // 2)
        self.check_verdicts(service, owner, modems)

    def check(self, service, key, profiles, modems, answered):
        """Nothing that was answered is missing, and nobody was taken for a clone."""
        owner = Rest(service.ready["http"], service.http("/v1/authenticate", **key)["AuthToken"])
        for uid in profiles:
            self.assertEqual(owner("/v1/deviceprofile/get", DeviceProfileUID=uid)["DeviceProfileUID"], uid)
        for modem, count in zip(modems, answered):
            self.assertGreaterEqual(owner("/v1/device/get", ROTPublicUID=modem.rot)["Heartbeats"], count)
            noted = owner("/v1/event/list", ROTPublicUID=modem.rot, Kind="heartbeat")["Total"]
            self.assertGreaterEqual(noted, count, "an event of a heartbeat that was answered")
        for path in ("/v1/device/clone/get", "/v1/device/suspicious/get"):
            self.assertEqual(owner(path)["Total"], 0, path)

    def check_verdicts(self, service, owner, modems):
        """Every original goes on, and every copy from before is refused."""
        for modem in modems:
            modem.ctl("power", "cut")
            modem.ctl("power", "on")
            self.check_that_it_goes_on(owner, modem)
            copy = self.modem("--service", service.address, "--time", "virtual", state=f"{modem.state.name}-copy")
            copy.ctl("time", "advance", "25h", within=60)
            copy.command("AT+USECCONN", within=60)
            clones = wait_until(lambda: owner("/v1/device/clone/get", ROTPublicUID=modem.rot)["Devices"], "a clone")
            self.assertEqual(clones[0]["ROTPublicUID"], modem.rot)
            self.check_that_it_goes_on(owner, modem)

    def check_that_it_goes_on(self, owner, modem):
        """A heartbeat reaches the service: the one asked for, or the one that was due within the day before it."""
        before = owner("/v1/device/get", ROTPublicUID=modem.rot)["Heartbeats"]
        modem.ctl("time", "advance", "25h", within=60)
        answer = modem.command("AT+USECCONN", within=60)
        after = owner("/v1/device/get", ROTPublicUID=modem.rot)["Heartbeats"]
        self.assertGreater(after, before, f"{answer}\n{modem.stderr()[-2000:]}")


class Versions(Case):
    def test_a_store_of_a_later_program_is_refused_and_left_alone(self):
        server = self.server()
        server.stop()
        path = server.state / "service.db"
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        with self.assertRaisesRegex(AssertionError, "schema version 99"):
            self.server()
        with sqlite3.connect(path) as database:
            self.assertEqual(database.execute("PRAGMA user_version").fetchone(), (99,))
        database.close()

    def test_people_can_read_the_file(self):
        server = self.server()
        modem = self.modem("--service", server.address)
        modem.wait_for_flags("1,0,1")
        modem.seal("pump-1", PROFILE_UID)
        modem.wait_for_flags("1,1,1")
        with sqlite3.connect(f"file:{server.state / 'service.db'}?mode=ro", uri=True) as database:
            things = database.execute("SELECT rot, domain, standing, serial FROM things").fetchall()
            kinds = {kind for (kind,) in database.execute("SELECT kind FROM log")}
        database.close()
        self.assertEqual(things, [(modem.rot, "default", "active", "pump-1")])
        self.assertLessEqual({"bootstrap", "registration"}, kinds)
