"""The order of reads at the database: one of a process at a time, as far as each is short."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

# How long a read may be expected to take, in seconds.
_USUAL = 0.001


class _Turn(NamedTuple):
    """A read that waits: its turn, which is released when it comes, and in which round that is."""

    turn: threading.Lock
    tenant: str
    round: int


class Turns:
    """Lets reads in one by one, in rounds in which each tenant has one.

    More at once are no faster where PostgreSQL is near: each of its processes, and each thread that
    wants Python's lock back, finds its memory cold. Where one takes longer than most, another takes
    its place, so that nobody waits longer than those before may be expected to take.

    :param usual: how long that is for each of them, in seconds
    """

    def __init__(self, usual: float = _USUAL) -> None:
        self.usual = usual
        # Who has the place, and those that wait for it.
        self._at_work: threading.Lock | None = None
        self._round = 0
        self._waiting: deque[_Turn] = deque()
        self._lock = threading.Lock()

    def enter(self, tenant: str) -> threading.Lock:
        """Wait for the place, for a while, and return what :meth:`leave` is to be given.

        :param tenant: whose read it is; of those that are no tenant's, ""
        """
        turn = threading.Lock()
        with self._lock:
            if self._at_work is None:
                self._at_work = turn
                return turn
            own = [one.round for one in self._waiting if one.tenant == tenant]
            waiting = _Turn(turn, tenant, 1 + (own[-1] if own else self._round))
            place = len(self._waiting)
            while place and self._waiting[place - 1].round > waiting.round:
                place -= 1
            turn.acquire()
            self._waiting.insert(place, waiting)
            patience = self.usual * (place + 1)
        if not turn.acquire(timeout=patience):
            with self._lock:
                # The turn may have come just now, and even have gone to another.
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
                    self._at_work = turn
        return turn

    def leave(self, turn: threading.Lock) -> None:
        """Give the place to the next one, unless somebody has taken it."""
        with self._lock:
            if turn is not self._at_work:
                return
            if not self._waiting:
                self._at_work = None
                return
            following = self._waiting.popleft()
            self._at_work, self._round = following.turn, following.round
            self._at_work.release()
