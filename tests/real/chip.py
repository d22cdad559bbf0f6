"""The host's end of chip-to-chip security, written from its description alone: hashlib and openssl."""

import hashlib
import hmac
import os
import subprocess

FLAG = 0xF9
FRAME_TEXT_MAX = 255


class Keys:
    """The secrets of one pairing; without an HMAC key it is version 1."""

    def __init__(self, te_secret, key, hmac_key=None):
        self.te_secret, self.key, self.hmac_key = te_secret, key, hmac_key

    def seal(self, text):
        """The body that protects a text."""
        iv = os.urandom(16)
        count = 16 - len(text) % 16
        padded = text + bytes([count]) * count
        if self.hmac_key is None:
            return aes("-e", self.key, iv, padded + hashlib.sha256(padded).digest()) + iv
        sealed = iv + aes("-e", self.key, iv, padded)
        return sealed + self._mac(sealed)

    def open(self, body):
        """The text of a body; an `AssertionError` where it was not made with these keys."""
        if self.hmac_key is None:
            plain = aes("-d", self.key, body[-16:], body[:-16])
            padded, digest = plain[:-32], plain[-32:]
            assert hashlib.sha256(padded).digest() == digest, "wrong SHA-256"
        else:
            sealed, mac = body[:-16], body[-16:]
            assert hmac.compare_digest(self._mac(sealed), mac), "wrong MAC"
            padded = aes("-d", self.key, sealed[:16], sealed[16:])
        count = padded[-1]
        assert 1 <= count <= 16 and padded.endswith(bytes([count]) * count), "wrong padding"
        return padded[:-count]

    def _mac(self, sealed):
        return hmac.digest(self.hmac_key, sealed + self.te_secret, hashlib.sha256)[:16]


def aes(direction, key, iv, blocks):
    """AES-128-CBC without padding, by the openssl program."""
    options = ["-aes-128-cbc", direction, "-nopad", "-K", key.hex(), "-iv", iv.hex()]
    return subprocess.run(["openssl", "enc", *options], input=blocks, capture_output=True, check=True).stdout


def fcs(data):
    """The FCS-16 of RFC 1662, bit by bit."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x8408 if value & 1 else 0)
    return value ^ 0xFFFF


def frame(body):
    """A body as it goes over the line."""
    checked = len(body).to_bytes(2, "little") + body
    return bytes([FLAG]) + checked + fcs(checked).to_bytes(2, "little") + bytes([FLAG])


class Framed:
    """A serial port inside a session, with the calls of pyserial that a terminal uses.

    It takes nothing but frames: any other byte is an `AssertionError`.
    """

    def __init__(self, port, keys, before=b""):
        self.port, self.keys = port, keys
        self.raw = before
        self.frames = 0
        self.largest = 0

    in_waiting = 1

    def write(self, text):
        """Sends a text in frames."""
        for at in range(0, len(text), FRAME_TEXT_MAX):
            self.port.write(frame(self.keys.seal(text[at:at + FRAME_TEXT_MAX])))

    def read(self, _=1):
        """The text of the frames that are there."""
        self.raw += self.port.read(max(1, self.port.in_waiting))
        text = b""
        while len(self.raw) >= 3:
            assert self.raw[0] == FLAG, f"no frame: {self.raw!r}"
            length = int.from_bytes(self.raw[1:3], "little")
            end = 3 + length + 3
            if len(self.raw) < end:
                break
            assert self.raw[end - 1] == FLAG, f"no flag at the end: {self.raw[:end]!r}"
            assert fcs(self.raw[1:end - 3]) == int.from_bytes(self.raw[end - 3:end - 1], "little"), "wrong FCS"
            part = self.keys.open(self.raw[3:end - 3])
            self.frames += 1
            self.largest = max(self.largest, len(part))
            text += part
            self.raw = self.raw[end:]
        return text

    def close(self):
        """Closes the port itself."""
        self.port.close()


def pair(terminal, te_secret):
    """Pairs by AT, and confirms it in version 2."""
    answer = terminal.command(f'AT+USECC2C=0,"{te_secret.hex()}"')
    assert answer.ok and answer.lines[0].startswith("+USECC2C: 0,0,"), answer
    strings = [bytes.fromhex(text) for text in answer.lines[0].split('"')[1::2]]
    assert all(len(text) == 16 for text in strings), answer
    keys = Keys(te_secret, *strings[:2])
    if len(strings) == 3:
        body = keys.seal(strings[2])
        assert len(body) == 64
        answer = terminal.command(f'AT+USECC2C=4,"{te_secret.hex()}","{body.hex()}"')
        assert answer.ok, answer
    return keys


def enter(terminal, keys):
    """Opens a session; from here on the terminal speaks in frames."""
    answer = terminal.command(f'AT+USECC2C=1,"{keys.te_secret.hex()}"')
    assert answer.ok, answer
    before, terminal.input = terminal.input, b""
    terminal.port = Framed(terminal.port, keys, before)


def leave(terminal):
    """Closes the session: the answer is in a frame, what follows is not."""
    answer = terminal.command("AT+USECC2C=2")
    assert answer.ok, answer
    terminal.port, terminal.input = terminal.port.port, terminal.port.raw
