#!/usr/bin/env python3
"""The host of a module: takes a pre-shared key from it and speaks to its owner's server with that.

    python3 examples/psk_client.py TTY SERVER MESSAGE
    python3 examples/psk_client.py .vsara/tty 127.0.0.1:7684 hello

The key is fresh, the server has never seen it, and nothing had to be stored on either side before:
`AT+USECPSK` makes it, and the server finds it again by its identity (examples/psk_server.rs). Needs
nothing but Python and `openssl`, which is the DTLS client here; a microcontroller has one of its own.
"""

import os
import re
import select
import subprocess
import sys
import termios
import time
import tty as terminal

ANSWER_S = 400.0  # a due security heartbeat may come first, and blocks up to 5 minutes
CONVERSATION_S = 10.0
PSK = re.compile(rb'\+USECPSK: "([0-9A-Fa-f]+)","([0-9A-Fa-f]+)"')


def command(port, text):
    """Sends a command line; gives what comes back up to the final result code."""
    os.write(port, text.encode() + b"\r")
    answer = b""
    deadline = time.monotonic() + ANSWER_S
    while not re.search(rb"\r\n(OK|ERROR|\+CME ERROR: .*)\r\n", answer):
        if not select.select([port], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise SystemExit(f"no answer to {text}, only {answer!r}")
        answer += os.read(port, 4096)
    return answer


def fresh_key(path, length=16):
    """Identity and key, in hex."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        terminal.setraw(port, termios.TCSANOW)
        command(port, "ATE0+CMEE=2")
        answer = command(port, f"AT+USECPSK={length}")
    finally:
        os.close(port)
    found = PSK.search(answer)
    if not found:
        raise SystemExit(f"the module gives no key: {answer.decode(errors='replace').strip()}")
    return found[1].decode(), found[2].decode()


def converse(server, identity, key, message):
    """Sends one message over DTLS; gives the answer."""
    arguments = ["openssl", "s_client", "-dtls1_2", "-quiet", "-connect", server]
    arguments += ["-cipher", "PSK-AES128-CCM8:@SECLEVEL=0", "-psk_identity", identity, "-psk", key]
    client = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        client.stdin.write(message)
        client.stdin.flush()
        readable = select.select([client.stdout], [], [], CONVERSATION_S)[0]
        return os.read(client.stdout.fileno(), 4096) if readable else b""
    finally:
        client.kill()
        client.wait()


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    path, server, message = sys.argv[1:]
    answer = converse(server, *fresh_key(path), message.encode())
    if not answer:
        raise SystemExit(f"no answer from {server}")
    print(answer.decode(errors="replace"))


if __name__ == "__main__":
    main()
