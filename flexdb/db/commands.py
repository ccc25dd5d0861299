"""Running plans in a command, outside of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flexdb.config import Settings
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.plan import Budget, Plan, Result

Run = Callable[[Plan], Result]
# An answer goes no further than this process, which asks for no more than it can hold.
_MOST_BYTES = 2**31


@contextmanager
def running(settings: Settings) -> Iterator[Run]:
    """Give what runs a plan and returns its result, over one connection after the other.

    It raises :class:`flexdb.errors.FlexdbError` when the plan fails.
    """
    pool = Pool(settings)
    runner = Runner(pool, settings.statement_timeout, settings.long_timeout)
    try:
        yield lambda plan: runner.result(plan, Budget(_MOST_BYTES), None)
    finally:
        pool.close()
