"""How often a request is sent, and how long is waited in between."""

from __future__ import annotations

import random
import time

# The first pause and the longest, in seconds.
_FIRST, _LONGEST = 0.1, 5.0


class Attempts:
    """The attempts at one request, until a time is over.

    :param seconds: in how many there is to be an answer
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._pauses = 0

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return max(0.0, self._end - time.monotonic())

    def pause(self, least: float = 0) -> float | None:
        """Return how many seconds to wait before the next attempt; None where that is too late.

        :param least: how many the service asks for
        """
        pause = min(_LONGEST, _FIRST * 2 ** min(self._pauses, 10)) * random.uniform(0.5, 1)
        pause = max(pause, least * random.uniform(1, 1.1))
        self._pauses += 1
        return pause if pause < self.left else None
