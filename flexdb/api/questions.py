"""What the service itself asks of the database, beside what callers ask."""

from __future__ import annotations

from typing import Any

import orjson

from flexdb.db.run import Runner
from flexdb.plan import Budget, Result, Statement
from flexdb.sql.loader import STATEMENTS
from flexdb.telemetry import watch

_MOST_BYTES = 1024


def ask(runner: Runner, name: str, arguments: dict[str, Any], most: int = _MOST_BYTES) -> Any:
    """Return the JSON that a statement gives; None where there is no row.

    :param name: the statement's name
    :param most: how much JSON that may be, in bytes
    :raises FlexdbError: when the statement fails, or gives more
    """
    statement = Statement(STATEMENTS["value"][name], arguments,
                          lambda row: Result(row[0] if row else b"null"))
    # No place of the tenant's: its calls may hold all of those, and in a transaction one of them
    # would wait here while all others wait for its rows.
    watched = watch.current()
    tenant, watched.tenant = watched.tenant, ""
    try:
        return orjson.loads(runner.result(statement, Budget(most), None).text)
    finally:
        watched.tenant = tenant
