"""Many devices, without as many modules."""

import contextlib
import sqlite3


def multiply(store, rot, count):
    """Puts copies of a device into a store that nobody has open, each with a name of its own."""
    with contextlib.closing(sqlite3.connect(store)) as database, database:
        found = database.execute("SELECT * FROM device WHERE rot = ?", [bytes.fromhex(rot)])
        names = [column[0] for column in found.description]
        original = dict(zip(names, found.fetchone()))
        for number in range(1, count + 1):
            other, serial = f"ff{number:014x}", f"pump-{number}"
            record = original["record"].replace(rot, other).replace('"pump-0"', f'"{serial}"')
            row = {**original, "rot": bytes.fromhex(other), "serial": serial, "record": record}
            marks = ", ".join("?" * len(names))
            database.execute(f"INSERT INTO device ({', '.join(names)}) VALUES ({marks})", [row[name] for name in names])
