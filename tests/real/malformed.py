"""Malformed command lines, the same for the same seed: what a broken host program sends.

Each line comes with whether the module has to answer it: with one final result code, or not at all
because it has no prefix. Left out is what would change the rules of the language itself, switch the
module off, put it to sleep or have it listen for another rate, so that every answer can be counted.
"""

import random

NEVER = {"+CFUN", "+CPWROFF", "+CPSMS", "+IPR"}
SAFE_LETTERS = b"IXCKNOP"
PREFIXES = [b"AT", b"at", b"aT", b"At", b"\x00\xff AT", b"A AAT", b"\x1b\x04AT", b"garbage at"]
NUMBERS = [b"-1", b"0", b"00", b"255", b"256", b"65536", b"4294967296", b"9" * 40, b"1e9", b"0x10", b"1.5", b"+1"]
STRINGS = [b'""', b'"', b'"a', b'a"', b'"a""b"', b'"a"b', b'"' + b"A" * 600 + b'"', b'"\xc3\x28"', b'"%s%n"', b"'1'"]
BETWEEN = [b",", b",,", b";", b" ", b"=", b"?", b"=?", b"\t", b"\x08", b"\x7f", b"(", b"\x00"]


class Lines:
    """An endless source of lines for a module that has these commands."""

    def __init__(self, seed, commands):
        self.random = random.Random(seed)
        self.names = sorted(name.encode() for name in commands if name.startswith("+") and name not in NEVER)

    def __iter__(self):
        return self

    def __next__(self):
        kinds = [self.parameters, self.parameters, self.parameters, self.noise, self.unknown, self.chain]
        body = self.random.choice(kinds)()
        roll = self.random.random()
        if roll < 0.001:
            body += b"," + bytes([self.random.choice(b"17,\"")]) * self.random.randrange(1900, 5000)
        if roll > 0.9:
            return b"no prefix" + self.noise(), False
        prefix = b"AT" if roll > 0.1 else self.random.choice(PREFIXES)
        return prefix + body, True

    def parameters(self):
        """A command that exists, and what no command takes."""
        pieces = [self.random.choice(self.names)]
        for _ in range(self.random.randrange(6)):
            pieces.append(self.random.choice(self.random.choice([NUMBERS, STRINGS, BETWEEN, BETWEEN])))
        return b"=".join(pieces[:2]) + b"".join(pieces[2:])

    def noise(self):
        """Bytes that no command begins with, the line end left out."""
        letters = bytes(range(1, 10)) + bytes(range(14, 65)) + b"[]^`{|}~" + bytes(range(127, 256)) + SAFE_LETTERS
        return bytes(self.random.choices(letters, k=self.random.randrange(20)))

    def unknown(self):
        """A name that does not exist, with or without a form."""
        name = bytes(self.random.choices(b"BGHJLMRTUWY+^#%$*0123456789", k=self.random.randrange(1, 12)))
        return b"+" + name + self.random.choice([b"", b"?", b"=?", b"=1", b"="])

    def chain(self):
        """Several of them glued together."""
        separators = [b";", b"", b";;", b" "]
        parts = [self.parameters(), self.noise(), self.unknown()]
        return b"".join(part + self.random.choice(separators) for part in parts)
