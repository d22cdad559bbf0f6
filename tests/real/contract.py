"""Runs schemathesis against the running service: `python tests/real/contract.py`.

REST and the admin API are tried against their own documents, each on a service of its own. A module
has bootstrapped there, and what it and its owner are called stands in the documents as examples, so
that calls find something. Left out are calls whose answers do not end (the event stream) or whose
bodies are no JSON (snapshots); the other tests have those.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


from vsara import LONG, PROFILE_UID, Modem, Server

EXAMPLES = 300 if LONG else 40
SEED = os.environ.get("VSARA_CONTRACT_SEED", "1")
RUN_S = 1800 if LONG else 300


def with_examples(document, names):
    """The document with an example for every field of these names."""
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        for name, field in schema.get("properties", {}).items():
            if name in names:
                field["example"] = names[name]
    if "ROTPublicUID" in schemas:
        schemas["ROTPublicUID"]["examples"] = [names["ROTPublicUID"]]
    return document


def owner_door(server, modem):
    owner = server.account()
    campaign = owner("/v1/campaign/heartbeat/set", Name="hourly", HeartbeatPeriod=3600)
    key = json.loads(server.ctl("accesskey", "create", "--json"))
    names = {
        "ROTPublicUID": modem.rot,
        "ROTPublicUIDs": [modem.rot],
        "DeviceProfileUID": PROFILE_UID,
        "CampaignUID": campaign["CampaignUID"],
        **key,
        "RefreshToken": server.http("/v1/authenticate", **key)["RefreshToken"],
    }
    return server.http, owner.token, names, ["/v1/event/stream"]


def admin_door(server, modem):
    server.admin("/domains", Name="other")
    names = {"ROTPublicUID": modem.rot, "ROTPublicUIDs": [modem.rot], "DeviceProfileUID": PROFILE_UID}
    return server.admin, server.admin.token, {**names, "From": "default", "To": "other"}, ["/snapshot"]


def run(folder, name, door):
    """Whether schemathesis finds nothing at one door."""
    with Server(folder / name, "--log", "warn", bind="127.0.0.1:0") as server:
        with Modem(folder / f"{name}-modem", "--service", server.address) as modem:
            modem.wait_for_flags("1,0,1")
            modem.seal()
            modem.wait_for_flags("1,1,1")
            client, token, names, left_out = door(server, modem)
        document = folder / f"{name}.json"
        document.write_text(json.dumps(with_examples(client.get("/openapi.json").json(), names)))
        command = [
            Path(sys.executable).with_name("schemathesis"), "run", document,
            "--url", f"http://{client.host}:{client.port}",
            "--header", f"Authorization: Bearer {token}",
            *(word for path in left_out for word in ("--exclude-path", path)),
            "--max-examples", str(EXAMPLES), "--seed", SEED, "--warnings", "off",
        ]
        # Its caches and its reports stay out of the working directory.
        outcome = subprocess.run(list(map(str, command)), cwd=folder, timeout=RUN_S)
        alive = server.process.poll() is None
        panicked = "panicked" in server.stderr()
        print(f"{name}: exit status {outcome.returncode}, {'alive' if alive else 'DEAD'}, "
              f"{'PANICKED' if panicked else 'no panic'}", flush=True)
        return outcome.returncode == 0 and alive and not panicked


def main():
    with tempfile.TemporaryDirectory(prefix="vsara-contract-") as folder:
        found_nothing = [run(Path(folder), "rest", owner_door), run(Path(folder), "admin", admin_door)]
    passed = sum(found_nothing)
    print(f"contract: {passed} passed, {len(found_nothing) - passed} failed, 0 skipped")
    return 0 if all(found_nothing) else 1


sys.exit(main())
