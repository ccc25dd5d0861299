"""What runs statements, and the database behind it, seen from the outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flexdb.config import Settings
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Kind, Result, Row, Statement
from flexdb.sql.loader import make_query
from tests.support import postgres
from tests.support.waiting import wait_until


def sql(text: str, **arguments: Any) -> Statement:
    """Return a statement whose result is its first column, as text."""
    def read(row: Row | None) -> Result:
        return Result(str(row[0] if row else "").encode())

    kind: Kind = "write" if "INSERT" in text else "read"
    return Statement(make_query("own", text, kind), arguments, read)


READ = sql("SELECT 'read'")
SLOW_READ = sql("SELECT 'slow read', pg_sleep(1)")
SLOW_WRITE = sql("WITH w AS (INSERT INTO written VALUES (1) RETURNING 1) "
                 "SELECT 'written', pg_sleep(1) FROM w")


class Behind:
    """A runner and the database behind it.

    :param settings: where that is; the table ``written`` is made in it
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool(settings)
        self.runner = Runner(self.pool, settings.statement_timeout, settings.long_timeout)
        self.do("CREATE TABLE IF NOT EXISTS written (number int)")

    def one(self, statement: Statement) -> bytes | FlexdbError:
        """Run a statement and return its outcome."""
        (outcome,) = self.runner.run([statement], Budget(10**9), None)
        return outcome.text if isinstance(outcome, Result) else outcome

    def do(self, text: str) -> Any:
        """Run a statement from the outside and return its rows, or None where it has none."""
        with postgres.connect(self.settings) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else None

    def backends(self, state: str) -> list[int]:
        """Return the processes of PostgreSQL that serve the pool, and are in a state."""
        return [pid for pid, in self.do(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND "
            f"pid <> pg_backend_pid() AND application_name = 'flexdb' AND state = '{state}'")]

    def terminate(self, state: str) -> None:
        """End every connection of the pool in that state, and return when they are gone."""
        for pid in self.backends(state):
            self.do(f"SELECT pg_terminate_backend({pid}, 10000)")

    @contextmanager
    def under_way(self, *statements: Statement) -> Iterator[list[bytes | FlexdbError]]:
        """Go on when all statements run or wait; at the end there are their outcomes."""
        outcomes: list[bytes | FlexdbError] = []
        threads = [threading.Thread(target=lambda s=statement: outcomes.append(self.one(s)))
                   for statement in statements]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: self.backends("active"))
            yield outcomes
        finally:
            for thread in threads:
                thread.join()
