"""Whether calls can be answered, as processes ask that serve HTTP and such that do not."""

from __future__ import annotations

from functools import partial

import orjson

from flexdb.config import Settings
from flexdb.db import row_security
from flexdb.db.migrate import migration_ids
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError, Unavailable
from flexdb.plan import Budget, Result, Row, Statement
from flexdb.sql.loader import STATEMENTS

_MOST_BYTES = 1024


def look(settings: Settings) -> Statement:
    """Return what fails as long as the schema is not up to date, would show no rows, or lies
    where nothing can be written.
    """
    return Statement(STATEMENTS["value"]["list_migrations"], {}, partial(_read, settings))


def _read(settings: Settings, row: Row | None) -> Result:
    applied = set(orjson.loads(row[0])) if row else set()
    if missing := [name for name in migration_ids() if name not in applied]:
        raise Unavailable(f"the schema is not up to date: {', '.join(missing)} is to be applied")
    if row and row[2]:
        raise Unavailable(f"PostgreSQL takes no writes: {row[2]}")
    if row and row[1] and not settings.db_row_security:
        raise Unavailable(row_security.unset())
    return Result(b"")


def why_not(runner: Runner) -> str:
    """Return why calls cannot be answered; "" where they can: PostgreSQL answers and takes
    writes, and the schema is up to date.
    """
    try:
        runner.result(look(runner.pool.settings), Budget(_MOST_BYTES), None)
    except FlexdbError as error:
        return getattr(error, "why", "") or str(error)
    return ""
