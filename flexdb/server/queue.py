"""Whose request has a thread next: tenants share them, as they do connections to the database."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any


class FairQueue:
    """The connections to clients that wait for a thread, with a request to be read.

    A thread that comes free takes one of the waiting tenant that has fewest threads, and among
    equals of the one whose turn was longest ago. Whose a request is would be known when it is read;
    until then it counts for the tenant of the connection's request before. New connections count
    as those of one more tenant, "".
    """

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        # The tenant whose turn was longest ago comes first.
        self._waiting: dict[str, deque[Any]] = {}
        self._lock = threading.Lock()

    def put(self, connection: Any, tenant: str) -> None:
        """Let a connection wait behind those of its tenant."""
        with self._lock:
            self._waiting.setdefault(tenant, deque()).append(connection)

    def take(self) -> tuple[Any, str]:
        """Return the connection that is next and whose it is, for :meth:`leave`."""
        with self._lock:
            tenant = min(self._waiting, key=lambda one: self._held.get(one, 0))
            connections = self._waiting.pop(tenant)
            connection = connections.popleft()
            if connections:
                self._waiting[tenant] = connections
            self._held[tenant] = self._held.get(tenant, 0) + 1
        return connection, tenant

    def keeps(self, tenant: str) -> bool:
        """Tell whether a tenant may keep a thread for what follows: who waits has more of them."""
        with self._lock:
            own = self._held.get(tenant, 0)
            return all(self._held.get(one, 0) > own for one in self._waiting)

    def leave(self, tenant: str) -> None:
        """Note that a tenant has one thread less."""
        with self._lock:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]
