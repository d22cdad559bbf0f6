"""ModemManager and its command-line program mmcli, on a bus of their own."""

from program import ProgramCase, debian_version
from system_bus import SystemBus
from vsara import wait_until

FOUND_S = 40.0


class ModemManager(ProgramCase):
    limit_s = 300

    program = "ModemManager, `mmcli`"
    passes = (
        "plugin `u-blox`: found, enabled, registered, chosen by hand, scan, signal, coverage, PIN, reset; it knows no "
        "other type here than SARA-R410M-02B and hangs on the rest, which `generic` finds, enables and registers"
    )

    @classmethod
    def version(cls):
        return debian_version("modemmanager")

    def start(self, *options, plugin=None, prepare=None):
        """A module, and a ModemManager that has been told of its port."""
        self.module = self.modem(*options)
        if prepare:
            prepare(self.module)
        self.bus = self.running.enter_context(SystemBus(self.folder, self.module.tty, plugin))
        self.mmcli(f"--report-kernel-event=action=add,subsystem=tty,name={self.bus.port}")

    def manage(self, *options, **more):
        """A module, and a ModemManager that has found it."""
        self.start(*options, **more)
        self.bus.wait_for(self.shown, "a modem", FOUND_S)

    def mmcli(self, *arguments, status=0):
        """What mmcli says."""
        done = self.bus.mmcli(*arguments)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}\n{self.bus.log()}")
        return done.stdout + done.stderr

    def shown(self):
        """What ModemManager knows of the module: `modem.generic.state` and the like."""
        done = self.bus.mmcli("--modem=any", "--output-keyvalue")
        if done.returncode != 0:
            return None
        pairs = (line.partition(":") for line in done.stdout.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}

    def enable(self):
        self.assertIn("successfully enabled", self.mmcli("--modem=any", "--enable"))
        self.wait_for("modem.generic.state", "registered")

    def wait_for(self, name, value):
        wait_until(lambda: (self.shown() or {}).get(name) == value, f"{name} {value}: {self.shown()}")

    def command(self, text):
        """What the module answers on ModemManager's port, which nobody else may open."""
        return self.mmcli("--modem=any", f"--command={text}")

    def has_been_reset(self):
        """Whether its settings are those of a power-on; while it boots there is no answer."""
        return "+CMEE:0" in self.bus.mmcli("--modem=any", "--command=AT&V", within=3).stdout

    def check(self, facts):
        shown = self.shown()
        self.assertEqual({name: shown.get(name) for name in facts}, facts)

    def test_the_u_blox_plugin_finds_enables_and_registers_the_module(self):
        self.manage("--profile", "sara-r410m-02b")
        self.check({
            "modem.generic.plugin": "u-blox",
            "modem.generic.manufacturer": "u-blox",
            "modem.generic.model": "SARA-R410M-02B",
            "modem.generic.equipment-identifier": self.module.ready["imei"],
            "modem.generic.state": "disabled",
        })
        self.enable()
        self.check({
            "modem.generic.power-state": "on",
            "modem.3gpp.operator-code": "00101",
            "modem.3gpp.operator-name": "vsara test network",
            "modem.3gpp.registration-state": "home",
            "modem.3gpp.packet-service-state": "attached",
        })
        self.wait_for("modem.generic.signal-quality.value", "100")
        self.mmcli("--modem=any", "--signal-setup=1")
        wait_until(lambda: "-86.00 dBm" in self.mmcli("--modem=any", "--signal-get"), "a signal")
        self.assertIn("cell id: 01A2D001", self.mmcli("--modem=any", "--location-get"))
        # No PPP yet: a connection is refused, at once.
        self.mmcli("--modem=any", "--simple-connect=apn=internet", status=1)
        self.assertIn("successfully disabled", self.mmcli("--modem=any", "--disable"))
        self.assertIn("+CREG:0, +CGREG:0, +CEREG:0", self.command("AT&V"))

    def test_networks_are_scanned_and_chosen_by_hand(self):
        self.manage("--profile", "sara-r410m-02b")
        self.enable()
        scan = self.mmcli("--modem=any", "--3gpp-scan")
        for network in ("00101 - vsara test network (lte, current)", "00103 - vsara closed network (lte, forbidden)"):
            self.assertIn(network, scan)
        self.mmcli("--modem=any", "--3gpp-register-in-operator=00102")
        self.wait_for("modem.3gpp.operator-name", "vsara roaming partner")
        self.check({"modem.3gpp.registration-state": "roaming"})
        self.assertIn("PLMN not allowed", self.mmcli("--modem=any", "--3gpp-register-in-operator=00103", status=1))
        self.mmcli("--modem=any", "--3gpp-register-home")
        self.wait_for("modem.3gpp.registration-state", "home")

    def test_coverage_is_followed_and_a_reset_survived(self):
        self.manage("--profile", "sara-r410m-02b")
        self.enable()
        self.module.ctl("network", "down")
        self.wait_for("modem.generic.state", "searching")
        self.module.ctl("network", "up")
        self.wait_for("modem.generic.state", "registered")
        self.assertIn("+CMEE:1", self.command("AT&V"))
        self.assertIn("successfully reseted", self.mmcli("--modem=any", "--reset"))
        self.bus.wait_for(self.has_been_reset, "settings as after power-on", within=40)

    def test_a_locked_sim_waits_for_its_pin(self):
        self.manage("--profile", "sara-r410m-02b", prepare=self.lock_sim)
        self.check({"modem.generic.state": "locked", "modem.generic.unlock-required": "sim-pin"})
        self.mmcli("--modem=any", "--enable", status=1)
        self.mmcli("--sim=any", "--pin=0000", status=1)
        self.check({"modem.generic.unlock-retries.value[1]": "sim-pin (2)"})
        self.mmcli("--sim=any", "--pin=1234")
        self.wait_for("modem.generic.state", "disabled")
        self.enable()
        self.mmcli("--sim=any", "--pin=1234", "--disable-pin")
        self.assertIn("+CLCK: 0", self.command('AT+CLCK="SC",2'))

    def test_the_generic_plugin_enables_the_types_the_other_does_not_know(self):
        self.manage("--profile", "sara-r510s", plugin="generic")
        self.check({"modem.generic.plugin": "generic", "modem.generic.model": "SARA-R510S"})
        self.enable()
        self.check({
            "modem.3gpp.operator-name": "vsara test network",
            "modem.3gpp.registration-state": "home",
        })

    def test_the_u_blox_plugin_goes_no_further_with_a_type_it_does_not_know(self):
        # It asks for the bands of the model, gets none and no error either, and waits for ever. Where
        # this fails, the README's table can say more.
        self.start("--profile", "sara-r510s")
        for line in (
            "creating modem with plugin 'u-blox'",
            "unknown model name given when looking for supported bands: SARA-R510S",
            "assertion 'error != NULL' failed",
        ):
            self.bus.wait_for(lambda: any(line in said for said in self.bus.lines()), line, FOUND_S)
        self.assertIsNone(self.shown())
