"""Waits that end: on a descriptor, in real time."""

import select
import time


class Deadline:
    """A moment of real time, so many seconds from now."""

    def __init__(self, within: float) -> None:
        self.within = within
        self._at = time.monotonic() + within

    def left(self) -> float:
        """Seconds until it is over; 0 from then on."""
        return max(0.0, self._at - time.monotonic())

    def is_over(self) -> bool:
        return self.left() == 0.0

    def readable(self, descriptor: int) -> bool:
        """Waits until something can be read; false where that is not so in time."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(self.left() * 1000))
