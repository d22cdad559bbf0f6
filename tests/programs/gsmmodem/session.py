"""What an application does with python-gsmmodem: `session.py PORT [PIN]`, one JSON object at the end."""

import json
import sys

from gsmmodem.exceptions import CommandError
from gsmmodem.modem import GsmModem

modem = GsmModem(sys.argv[1], 115200)
modem.connect(pin=sys.argv[2] if len(sys.argv) > 2 else None)
told = {
    "manufacturer": modem.manufacturer,
    "model": modem.model,
    "revision": modem.revision,
    "imei": modem.imei,
    "imsi": modem.imsi,
    "network": modem.networkName,
    "signal": modem.waitForNetworkCoverage(),
    "commands": modem.supportedCommands,
}
try:
    modem.sendSms("+123", "no module sends this yet")
except CommandError as error:
    told["sms"] = str(error)
told["after sms"] = modem.write("AT+CGMM")
modem.close()
print(json.dumps(told))
