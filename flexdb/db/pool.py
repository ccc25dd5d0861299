"""The connections of one worker process."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import Error
from psycopg_pool import ConnectionPool, PoolTimeout

from flexdb.config import Settings
from flexdb.db.address import conninfo, first, reason
from flexdb.db.complaints import SELDOM
from flexdb.db.connection import Connection
from flexdb.db.gate import Gate, TimedOut
from flexdb.db.latest import LatestPool
from flexdb.db.turns import Turns
from flexdb.errors import Overloaded, Unavailable
from flexdb.telemetry import watch
from flexdb.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

# While PostgreSQL is away, how long to wait before it is tried again, in seconds.
_RETRY = 0.4


def _try_on(pool: ConnectionPool[Connection]) -> None:
    """Make a pool without a connection look for one again; it waits longer and longer itself."""
    if pool.get_stats()["pool_size"] == 0:
        pool.check()


class _Connection(Connection):
    """A connection that is ready to be lent; its pool remembers why one could not be made."""

    @classmethod
    def connect(cls, conninfo: str = "", *, pool: Pool, **options: Any  # type: ignore[override]
                ) -> _Connection:
        try:
            made = super().connect(conninfo, **options)
            pool.configure(made)
        except Error as error:
            pool.failure = reason(error)
            raise
        pool.note_made()
        return made


class Pool:
    """A connection pool that opens at its first use in each process.

    A pool that was opened before a fork would hand one request the rows of another. ``failure``
    says why the last connection could not be made, and is empty when it could.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self.settings = settings
        self.metrics = metrics or Metrics()
        self.metrics.pool_size_limit.set(settings.db_pool_size)
        self.metrics.pool_waiting_limit.set(settings.db_pool_queue)
        self.metrics.sample_with(self._sample)
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Connection] | None = None
        self._pid = 0
        self._lent: set[Connection] = set()
        self.gate = Gate.of(settings)
        self._turns = Turns()
        self._made: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._drained_at = 0.0
        self._last: tuple[str, int] | None = None
        self.failure = ""
        self._back_at = 0.0
        logging.getLogger("psycopg.pool").addFilter(SELDOM)

    def _opened(self) -> ConnectionPool[Connection]:
        if self._pool is None or self._pid != os.getpid():
            with self._lock:
                if self._pool is None or self._pid != os.getpid():
                    self._pool = LatestPool(
                        self._conninfo,
                        connection_class=_Connection,
                        # Where psycopg prepares, it takes back all after a rollback, ours too.
                        kwargs={"autocommit": True, "prepare_threshold": None, "pool": self},
                        min_size=1,
                        max_size=self.settings.db_pool_size,
                        timeout=self.settings.db_pool_timeout,
                        reconnect_timeout=_RETRY,
                        reconnect_failed=_try_on,
                        open=False,
                    )
                    self.gate, self._turns = Gate.of(self.settings), Turns()
                    self._pool.open(wait=False)
                    # The end of the interpreter would be too late: threads stand still by then.
                    atexit.register(self.close)
                    # Last, since who sees it does not wait for the lock.
                    self._pid = os.getpid()
        return self._pool

    def _conninfo(self) -> str:
        return conninfo(first(self.settings, self._last), self.settings.statement_timeout)

    def configure(self, connection: Connection) -> None:
        """Make a new connection ready."""
        self._made[connection] = time.monotonic()
        # One that is silent costs the time that it is given up after; it is not asked each time.
        self._last = connection.info.host, connection.info.port
        connection.names_tenant = self.settings.db_row_security
        connection.tells_position = bool(self.settings.db_replica_host)
        if self.settings.db_pgbouncer:
            # PgBouncer may run each transaction on another connection to PostgreSQL, where what
            # was prepared is not. These two it knows of each client, and brings them along.
            connection.may_prepare = False
            connection.execute("SET datestyle = ISO; SET timezone = UTC")

    @contextmanager
    def connection(self, tenant: str | None = None) -> Iterator[Connection]:
        """Lend a connection that the server has not ended.

        :param tenant: of whose share; that of the request under way when None
        :raises Overloaded: when too many calls wait, or one waited too long
        :raises Unavailable: when there is no connection to be had
        """
        pool = self._opened()
        gate, watched, began = self.gate, watch.current(), time.perf_counter()
        tenant = watched.tenant if tenant is None else tenant
        patience = self.settings.db_pool_timeout
        try:
            # Not left to the pool: it would count those who wait for a connection that is being
            # made, and knows no tenants.
            gate.enter(tenant, patience)
        except TimedOut as late:
            watched.pool += patience
            self.metrics.pool_wait_seconds.observe(patience)
            raise self._refusal("timeout", Overloaded(str(late)), began) from None
        except Overloaded as full:
            raise self._refusal("queue_full", full, began) from None
        try:
            try:
                connection = self._get(pool, began)
                while connection.closed or connection.farewell.is_said():
                    self.metrics.connections_lost.inc()
                    connection.close()
                    pool.putconn(connection)
                    self.drain(connection)
                    connection = self._get(pool, began)
            finally:
                lent = time.perf_counter()
                watched.pool += lent - began
                self.metrics.pool_wait_seconds.observe(lent - began)
            self._lent.add(connection)
            try:
                yield connection
            finally:
                self._lent.discard(connection)
                pool.putconn(connection)
                watched.database += time.perf_counter() - lent
        finally:
            gate.leave(tenant)

    @contextmanager
    def in_turn(self, tenant: str | None = None) -> Iterator[Connection]:
        """Lend a connection for reads, which have it one after the other as far as they are short.

        :param tenant: as for :meth:`connection`
        :raises Overloaded: as :meth:`connection` does, and so ``Unavailable``
        """
        self._opened()
        turns, began = self._turns, time.perf_counter()
        watched = watch.current()
        turn = turns.enter(watched.tenant if tenant is None else tenant)
        watched.pool += time.perf_counter() - began
        try:
            with self.connection(tenant) as connection:
                yield connection
        finally:
            turns.leave(turn)

    def _get(self, pool: ConnectionPool[Connection], began: float) -> Connection:
        try:
            until = began + self.settings.db_pool_timeout
            return pool.getconn(max(until - time.perf_counter(), 0.01))
        except PoolTimeout:
            raise self._refusal("timeout", Overloaded(), began) from None

    def _refusal(self, kind: str, told: Overloaded, began: float) -> Unavailable:
        """Count a call that got no connection since it began, and return what it is told."""
        # Who waited while there was none is told so, though others may have one by now.
        if began < self._back_at or (not self._lent and (self.failure or kind == "timeout")):
            self.metrics.pool_refused.labels("unavailable").inc()
            return Unavailable(why=self.failure)
        self.metrics.pool_refused.labels(kind).inc()
        return told

    def note_made(self) -> None:
        """Note that a connection could be made."""
        if self.failure and not self._lent:
            self._back_at = time.perf_counter()
        self.failure = ""

    def drain(self, broken: Connection) -> None:
        """Replace the idle connections that are no younger than one that was found broken.

        Many calls find that out at the same moment; the first one's work is enough.
        """
        with self._lock:
            if self._made.get(broken, 0.0) < self._drained_at:
                return
            self._drained_at = time.monotonic()
        logger.warning("a connection to PostgreSQL was lost: replacing the idle ones")
        self._opened().drain()

    def give_up(self, connection: Connection) -> bool:
        """Close a connection whose server takes no writes, and tell whether another may.

        A new connection was made to the one that there is.
        """
        if self._made.get(connection, 0.0) > time.monotonic() - _RETRY:
            return False
        connection.close()
        if len(self.settings.db_addresses) > 1:
            self.drain(connection)
        return True

    def _sample(self) -> None:
        """Set the gauges to how the pool is at this moment."""
        if self._pool is not None and self._pid == os.getpid():
            stats = self._pool.get_stats()
            self.metrics.pool_size.set(stats["pool_size"])
            self.metrics.pool_in_use.set(len(self._lent))
            self.metrics.pool_idle.set(stats["pool_available"])
            self.metrics.pool_waiting.set(self.gate.waiting + stats.get("requests_waiting", 0))

    def close(self) -> None:
        """Close the pool of this process, if it was opened."""
        if self._pool is not None and self._pid == os.getpid():
            # A thread may be connecting to a server that does not answer.
            self._pool.close(timeout=1)
            self._pool = None
            atexit.unregister(self.close)
