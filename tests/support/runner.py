"""What runs statements, and the database behind it, seen from the outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
_LOCK = 20_000
# They take as long as Behind.under_way lets them.
SLOW_READ = sql(f"SELECT 'slow read', pg_advisory_xact_lock_shared({_LOCK})")
SLOW_WRITE = sql("WITH w AS (INSERT INTO written VALUES (1) RETURNING 1) "
                 f"SELECT 'written', pg_advisory_xact_lock_shared({_LOCK}) FROM w")


class Behind:
    """A runner and the database behind it.

    :param settings: where that is; the table ``written`` is made in it
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.use(Pool(settings))
        self.do("CREATE TABLE IF NOT EXISTS written (number int)")

    def use(self, pool: Pool) -> None:
        """Run on the connections of a pool."""
        self.pool = pool
        self.runner = Runner(pool, self.settings.statement_timeout, self.settings.long_timeout)

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

    def held_back(self) -> int:
        """Return how many slow statements wait: a connection that is being set up does not."""
        ((number,),) = self.do("SELECT count(*) FROM pg_stat_activity WHERE wait_event = "
                               "'advisory' AND datname = current_database()")
        return int(number)

    def terminate(self, state: str) -> None:
        """End every connection of the pool in that state, and return when they are gone."""
        for pid in self.backends(state):
            self.do(f"SELECT pg_terminate_backend({pid}, 10000)")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let slow statements wait until the end; go on at once."""
        with postgres.connect(self.settings) as outside:
            outside.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            yield

    @contextmanager
    def under_way(self, *batch: Statement) -> Iterator[list[bytes | FlexdbError]]:
        """Go on when one of the slow statements of a batch waits, which it does until the end;
        then there are their outcomes.
        """
        outcomes: list[bytes | FlexdbError] = []

        def run() -> None:
            outcomes.extend(outcome.text if isinstance(outcome, Result) else outcome for outcome in
                            self.runner.run(list(batch), Budget(10**9), None))

        thread = threading.Thread(target=run)
        try:
            with self.held():
                thread.start()
                wait_until(self.held_back)
                yield outcomes
        finally:
            thread.join()

    def fill(self, size: int) -> None:
        """Let so many reads run at once, each on a connection of the pool."""
        with ThreadPoolExecutor(size) as threads:
            with self.held():
                reads = [threads.submit(self.one, SLOW_READ) for _ in range(size)]
                wait_until(lambda: self.held_back() == size)
            assert {read.result() for read in reads} == {b"slow read"}
