"""A UDP relay between a client and the service that notes the shape of every datagram."""

import selectors
import socket
import threading

HANDSHAKE = 22
ENCRYPTED_EPOCH = 1


class Relay:
    """Listens on `port`, passes datagrams of one client on to `target`, and back."""

    def __init__(self, target):
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self.front.getsockname()[1]
        self.shapes = []
        self.over = threading.Event()
        self.worker = threading.Thread(target=self._pass_on, daemon=True)

    def _pass_on(self):
        client = None
        with selectors.DefaultSelector() as selector:
            selector.register(self.front, selectors.EVENT_READ)
            selector.register(self.back, selectors.EVENT_READ)
            while not self.over.is_set():
                for key, _ in selector.select(0.05):
                    datagram, source = key.fileobj.recvfrom(65535)
                    if key.fileobj is self.front:
                        client = source
                        self.shapes.append(("to service", *shape(datagram)))
                        self.back.sendto(datagram, self.target)
                    elif client:
                        self.shapes.append(("to client", *shape(datagram)))
                        self.front.sendto(datagram, client)

    def __enter__(self):
        self.worker.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.worker.join(2)
        self.front.close()
        self.back.close()


def shape(datagram):
    """All that an onlooker can tell of a datagram: content type, epoch, message type, length of its records."""
    records = []
    while len(datagram) >= 13:
        kind, epoch = datagram[0], int.from_bytes(datagram[3:5], "big")
        length = int.from_bytes(datagram[11:13], "big")
        plain_handshake = kind == HANDSHAKE and epoch < ENCRYPTED_EPOCH
        message = datagram[13] if plain_handshake else None
        alert = bytes(datagram[13 : 13 + length]) if kind == 21 and epoch < ENCRYPTED_EPOCH else None
        records.append((kind, epoch, message, alert, length))
        datagram = datagram[13 + length :]
    return tuple(records)
