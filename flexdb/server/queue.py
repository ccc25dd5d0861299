"""Whose request has a thread next: tenants share them, as they do connections to the database."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any


class FairQueue:
    """The connections to clients that wait for a thread, with a request to be read.

    Of the threads that come free one takes a connection of the waiting tenant that has fewest
    threads, and among equals of the one whose turn was longest ago; the next takes the one that has
    waited longest, so that nobody waits for more than twice as many as came before. Whose a request
    is would be known when it is read; until then it counts for the tenant of the connection's
    request before. New connections count as those of one more tenant, "".
    """

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        # With the number by which each came; the tenant whose turn was longest ago comes first.
        self._waiting: dict[str, deque[tuple[int, Any]]] = {}
        self._came = 0
        self._by_tenant = True
        self._lock = threading.Lock()

    @property
    def is_empty(self) -> bool:
        """Tell whether nobody waits."""
        return not self._waiting

    def put(self, connection: Any, tenant: str) -> None:
        """Let a connection wait behind those of its tenant."""
        with self._lock:
            self._came += 1
            self._waiting.setdefault(tenant, deque()).append((self._came, connection))

    def take(self) -> tuple[Any, str]:
        """Return the connection that is next and whose it is, for :meth:`leave`."""
        with self._lock:
            tenant = min(self._waiting, key=self._threads if self._by_tenant else self._first)
            self._by_tenant = not self._by_tenant
            connections = self._waiting.pop(tenant)
            _, connection = connections.popleft()
            if connections:
                self._waiting[tenant] = connections
            self._held[tenant] = self._threads(tenant) + 1
        return connection, tenant

    def leave(self, tenant: str) -> None:
        """Note that a tenant has one thread less."""
        with self._lock:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]

    def _threads(self, tenant: str) -> int:
        return self._held.get(tenant, 0)

    def _first(self, tenant: str) -> int:
        return self._waiting[tenant][0][0]
