"""How many connections each worker has, so that every one takes its share of them.

All workers wait at one socket, and whoever wakes first may take all connections: those that are
kept alive would fill one worker's places while the others idle. So a worker leaves a connection to
another one that has fewer.
"""

from __future__ import annotations

import mmap
import time

# Shared by all that are forked from here: each worker's connections, and when it last looked for
# new ones (on the system's clock, in ms; 0 when it does not).
_MOST_WORKERS = 1024
_connections, _looked_at = (
    memoryview(mmap.mmap(-1, 8 * _MOST_WORKERS)).cast("q") for _ in range(2))
# For how long a connection is left to a worker that has fewer, and in what steps, in seconds; a
# worker that has not looked for so many ms is stopped or gone. An idle one looks every second.
_PATIENCE, _NAP, _GONE = 0.05, 0.001, 1500


class Share:
    """What one worker takes of the connections.

    :param number: its own among the workers, counted without end
    """

    def __init__(self, number: int) -> None:
        self._place = number % _MOST_WORKERS
        self._waits_since = 0.0

    def tell(self, connections: int, accepts: bool) -> None:
        """Let the other workers know how many connections this one has, and whether it looks."""
        _connections[self._place] = connections
        _looked_at[self._place] = round(1000 * time.monotonic()) if accepts else 0

    def leaves(self, connections: int) -> bool:
        """Tell, after a short wait, whether a connection is left to a worker that has fewer.

        :param connections: how many this worker has
        """
        now = time.monotonic()
        # A wait whose connection another one took is no part of this one.
        if now - self._waits_since > 2 * _PATIENCE:
            self._waits_since = now
        if now - self._waits_since < _PATIENCE and _another_has_fewer(connections, now):
            time.sleep(_NAP)
            return True
        self._waits_since = 0.0
        return False


def _another_has_fewer(connections: int, now: float) -> bool:
    since = round(1000 * now) - _GONE
    return any(looked_at > since and others < connections
               for others, looked_at in zip(_connections, _looked_at))
