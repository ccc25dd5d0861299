"""Who gets a connection next: tenants share them, so that no one of them keeps others out."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from flexdb.config import Settings
from flexdb.errors import Overloaded

_OWN = "too many other calls of the same tenant are at work or waiting: send fewer at once"


class TimedOut(Exception):
    """No connection came free in time."""


class _Waiting:
    """A call that waits; ``woken`` is released when it is admitted or refused."""

    __slots__ = ("woken", "is_admitted", "is_refused")

    def __init__(self) -> None:
        self.woken = threading.Lock()
        self.woken.acquire()
        self.is_admitted = self.is_refused = False


class Gate:
    """The places of one process's calls at the database.

    A free one goes to the waiting tenant that has fewest, and among equals to the one whose turn
    was longest ago. Calls that are no tenant's count as those of one more tenant, "".

    :param places: how many calls have a connection at once
    :param queue: how many more may wait
    :param share: how many of the places one tenant may have
    """

    def __init__(self, places: int, queue: int, share: int) -> None:
        self._free = places
        self._most = places + queue
        self._share = share
        self._calls = 0
        self._held: dict[str, int] = {}
        # The tenant whose turn was longest ago comes first.
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> Gate:
        """Return the gate that settings say; one tenant has three of four places at most."""
        size = settings.db_pool_size
        return cls(size, settings.db_pool_queue,
                   settings.tenant_connections or max(1, size * 3 // 4))

    @property
    def waiting(self) -> int:
        """Return how many calls wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    @property
    def is_free(self) -> bool:
        """Tell whether a call would have a place at once, and take none from another."""
        with self._lock:
            return self._free > 0 and not self._waiting

    def is_open_to(self, tenant: str) -> bool:
        """Tell whether a call of a tenant would have a place at once."""
        with self._lock:
            return self._free > 0 and self._held.get(tenant, 0) < self._share

    def quietest(self, tenants: Iterable[str]) -> str:
        """Return the one of some tenants that has fewest calls."""
        with self._lock:
            return min(tenants, key=self._count)

    def enter(self, tenant: str, patience: float) -> None:
        """Take a place for a call, until :meth:`leave`.

        Where no more calls may wait, the newest waiting one of the tenant with most calls is
        refused in place of one of a tenant with fewer.

        :param tenant: whose call it is
        :param patience: how long it may wait, in seconds
        :raises Overloaded: when no more may wait, or a call of a tenant with fewer came
        :raises TimedOut: when it waited in vain
        """
        with self._lock:
            if self._calls >= self._most:
                self._make_room(tenant)
            self._calls += 1
            held = self._held.get(tenant, 0)
            # A place that is free while others wait is none that they may have.
            if self._free and held < self._share:
                self._free -= 1
                self._held[tenant] = held + 1
                return
            call = _Waiting()
            self._waiting.setdefault(tenant, deque()).append(call)
        call.woken.acquire(timeout=patience)
        with self._lock:
            if call.is_admitted:
                return
            if call.is_refused:
                raise Overloaded(_told(tenant))
            self._remove(tenant, call)
            if self._held.get(tenant, 0) >= self._share:
                raise TimedOut(_told(tenant))
        raise TimedOut

    def leave(self, tenant: str) -> None:
        """Give the place of a call to the next one."""
        with self._lock:
            self._calls -= 1
            self._free += 1
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]
            if self._waiting:
                self._admit()

    def _admit(self) -> None:
        """Let the next call in, if any may have the place that came free."""
        able = [tenant for tenant in self._waiting if self._held.get(tenant, 0) < self._share]
        if not able:
            return
        tenant = min(able, key=lambda one: self._held.get(one, 0))
        calls = self._waiting.pop(tenant)
        call = calls.popleft()
        if calls:
            self._waiting[tenant] = calls
        self._free -= 1
        self._held[tenant] = self._held.get(tenant, 0) + 1
        call.is_admitted = True
        call.woken.release()

    def _make_room(self, tenant: str) -> None:
        """Refuse one call for another of a tenant, where that makes their numbers more equal.

        :raises Overloaded: when the tenant has as many calls as others
        """
        most = max(self._waiting, key=self._count)
        if self._count(most) <= self._count(tenant) + 1:
            is_own = self._count(tenant) > 1 and self._count(tenant) >= self._count(most)
            raise Overloaded(_told(tenant) if is_own else None)
        call = self._waiting[most][-1]
        self._remove(most, call)
        call.is_refused = True
        call.woken.release()

    def _remove(self, tenant: str, call: _Waiting) -> None:
        calls = self._waiting[tenant]
        calls.remove(call)
        if not calls:
            del self._waiting[tenant]
        self._calls -= 1

    def _count(self, tenant: str) -> int:
        return self._held.get(tenant, 0) + len(self._waiting.get(tenant, ()))


def _told(tenant: str) -> str:
    """Return why a call is refused that has too many others beside it; "" where none is told."""
    return _OWN if tenant else ""
