"""The order of reads at the database: one of a process at a time, as far as each is short."""

from __future__ import annotations

import threading
from collections import deque

# How long a read may be expected to take, in seconds.
_USUAL = 0.001


class Turns:
    """Lets reads in one by one.

    More at once are no faster where PostgreSQL is near: each of its processes, and each thread that
    wants Python's lock back, finds its memory cold. Where one takes longer than most, another takes
    its place, so that nobody waits longer than those before may be expected to take.

    :param usual: how long that is for each of them, in seconds
    """

    def __init__(self, usual: float = _USUAL) -> None:
        self.usual = usual
        # Who has the place, and those that wait for it.
        self._at_work: threading.Lock | None = None
        self._waiting: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def enter(self) -> threading.Lock:
        """Wait for the place, for a while, and return what :meth:`leave` is to be given."""
        turn = threading.Lock()
        with self._lock:
            if self._at_work is None:
                self._at_work = turn
                return turn
            turn.acquire()
            self._waiting.append(turn)
            patience = self.usual * len(self._waiting)
        if not turn.acquire(timeout=patience):
            with self._lock:
                # The turn may have come just now, and even have gone to another.
                if turn in self._waiting:
                    self._waiting.remove(turn)
                    self._at_work = turn
        return turn

    def leave(self, turn: threading.Lock) -> None:
        """Give the place to the next one, unless somebody has taken it."""
        with self._lock:
            if turn is not self._at_work:
                return
            self._at_work = self._waiting.popleft() if self._waiting else None
            if self._at_work is not None:
                self._at_work.release()
