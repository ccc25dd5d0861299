"""How many may listen at once, so that one tenant's listeners keep no other's out."""

from __future__ import annotations

import threading

from flexdb.errors import Overloaded


class Places:
    """The places of one process's listeners of a kind; a tenant has three of four at most.

    :param most: how many there are
    :param of: what takes one up, as an error names it
    """

    def __init__(self, most: int, of: str) -> None:
        self._most, self._share = most, max(1, most * 3 // 4)
        self._of = of
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}

    @property
    def held(self) -> int:
        """Return how many are taken."""
        with self._lock:
            return sum(self._held.values())

    def enter(self, tenant: str) -> None:
        """Take a place, until :meth:`leave`.

        :raises Overloaded: when none is free, or the tenant has its share
        """
        with self._lock:
            held = self._held.get(tenant, 0)
            if held >= self._share:
                raise Overloaded(f"too many {self._of} of the same tenant are open: open fewer")
            if sum(self._held.values()) >= self._most:
                raise Overloaded(f"too many {self._of} are open")
            self._held[tenant] = held + 1

    def leave(self, tenant: str) -> None:
        """Give a place back."""
        with self._lock:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]
