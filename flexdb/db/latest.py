"""A pool that lends the connection which came back last."""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from flexdb.db.connection import Connection


class LatestPool(ConnectionPool[Connection]):
    """Lends what is warm: the library's own goes round all connections, so that as many processes
    of PostgreSQL find their memory cold where one or two would do.
    """

    def _get_ready_connection(self, timeout: float | None) -> Connection | None:
        # It takes the first, and puts behind the last what comes back.
        self._pool.rotate(1)
        return super()._get_ready_connection(timeout)
