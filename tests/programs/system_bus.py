"""ModemManager on a system bus of its own, which finds the module where udev would show it.

1. A bus without rules, and polkitd on it: ModemManager asks it about every caller.
2. A mount namespace in which /sys shows one serial port: a USB-to-serial bridge, as on the vendor's
   evaluation kit. ModemManager reads there what the port belongs to, and takes no port without.
3. ModemManager in that namespace, without udev: a "kernel event" tells it of the port.

Nothing of it is seen outside: not by the machine's own bus, nor by its /sys.
"""

import os
import subprocess
import time

from program import find

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""
# $1 is the port below /dev, $2 a folder of udev rules; then comes the command.
NAMESPACE = r"""
set -e
port=$1 rules=$2
shift 2
mount -t tmpfs none /sys
device=/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1
interface=$device/1-1:1.0
tty=$interface/ttyUSB0/tty/$port
mkdir -p "$tty" "/sys/class/tty/${port%/*}" /sys/bus/usb/drivers/ftdi_sio
echo 0403 >$device/idVendor
echo 6011 >$device/idProduct
echo FTDI >$device/manufacturer
for attribute in Number:00 Class:ff SubClass:ff Protocol:ff; do
    echo "${attribute#*:}" >"$interface/bInterface${attribute%:*}"
done
ln -s /sys/bus/usb $device/subsystem
ln -s /sys/bus/usb $interface/subsystem
ln -s /sys/bus/usb/drivers/ftdi_sio $interface/driver
ln -s /sys/class/tty "$tty/subsystem"
ln -s $interface/ttyUSB0 "$tty/device"
ln -s "$tty" "/sys/class/tty/$port"
cp /lib/udev/rules.d/*-mm-*.rules "$rules"
echo "KERNEL==\"$port\", ENV{ID_MM_DEVICE_PROCESS}=\"1\"" >"$rules/78-mm-evaluation-kit.rules"
mount --bind "$rules" /lib/udev/rules.d
exec "$@"
"""
POLKIT = ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd")
START_S = 10.0
# A scan with the latencies of the module takes minutes.
MMCLI_S = 180.0
LOG_LINES = 40


class SystemBus:
    """A system bus with polkitd and ModemManager on it."""

    def __init__(self, folder, tty, plugin=None):
        # polkitd is a user of its own and has to reach the socket.
        os.chmod(folder, 0o711)
        self.folder = folder
        self.port = tty.removeprefix("/dev/")
        self.environment = {
            "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus",
        }
        self.running = []
        configuration = folder / "bus.conf"
        configuration.write_text(BUS.format(path=folder / "bus"))
        self.start("dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile")
        self.wait_for(lambda: (folder / "bus").exists(), "the bus")
        self.start(next(filter(os.path.exists, POLKIT), POLKIT[0]))
        options = ["--debug", "--no-auto-scan", "--test-no-udev", "--test-no-qrtr", "--test-no-suspend-resume"]
        if plugin:
            options.append(f"--test-plugin-dir={self.only(plugin)}")
        rules = folder / "rules"
        rules.mkdir()
        namespace = ("unshare", "--mount", "--propagation", "private", "sh", "-c", NAMESPACE, "sh")
        self.start(*namespace, self.port, rules, find("ModemManager"), *options)
        self.wait_for(lambda: self.mmcli("--get-daemon-version").returncode == 0, "ModemManager")

    def only(self, plugin):
        """A folder with one of ModemManager's plugins."""
        listed = subprocess.run(["dpkg", "--listfiles", "modemmanager"], capture_output=True, text=True, check=True)
        (place,) = [line for line in listed.stdout.splitlines() if line.endswith(f"/libmm-plugin-{plugin}.so")]
        folder = self.folder / "plugins"
        folder.mkdir()
        (folder / os.path.basename(place)).symlink_to(place)
        return folder

    def start(self, *command):
        with open(self.folder / "bus.log", "ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
            )
        self.running.append(process)

    def log(self):
        """What they said last; ModemManager every command and answer."""
        return "\n".join(self.lines()[-LOG_LINES:])

    def lines(self):
        """All that they have said."""
        return (self.folder / "bus.log").read_text(errors="replace").splitlines()

    def mmcli(self, *arguments, within=MMCLI_S):
        """Runs mmcli to its end, whatever that is."""
        return subprocess.run(
            ["mmcli", f"--timeout={int(within)}", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env=self.environment, timeout=within + 5, check=False,
        )

    def wait_for(self, promise, what, within=START_S):
        """Waits until a function gives something true, and gives it."""
        deadline = time.monotonic() + within
        while not (kept := promise()):
            gone = [process.args[0] for process in self.running if process.poll() is not None]
            if gone or time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s: {what}; ended: {gone}\n{self.log()}")
            time.sleep(0.05)
        return kept

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
