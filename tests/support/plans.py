"""The plans of PostgreSQL for the statements of operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from psycopg.sql import Literal
from psycopg.types.json import JsonLoader

from flexdb.access.callers import ANYONE, Caller
from flexdb.context import Context, Limits
from flexdb.contract.operation import OPERATIONS
from flexdb.db.pool import Pool
from flexdb.plan import Statement
from tests.support.postgres import connect
from tests.support.service import Service


def run_plan(service: Service, method: str, params: dict[str, Any], generic: bool,
             caller: Caller = ANYONE) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Run the statement of a call; return its plan, with what was read, and its row.

    :param generic: plan it for any arguments, as PostgreSQL may do from the sixth time on
    :param caller: who calls
    """
    return run_statement(service, statement_of(service, method, params, caller), generic)


def statement_of(service: Service, method: str, params: dict[str, Any], caller: Caller = ANYONE
                 ) -> Statement:
    """Return the one statement of a call.

    :param caller: who calls
    """
    context = Context(Limits.of(service.settings), caller=caller)
    statement = OPERATIONS[method].plan(context, params, lambda: orjson.dumps(params))
    assert isinstance(statement, Statement)
    return statement


def times_planned(service: Service, statements: list[Statement]) -> list[int]:
    """Run statements ten times on one connection; return how often each was planned for its call.

    PostgreSQL does that five times before it may keep one plan for all calls.
    """
    with Pool(service.settings).connection() as connection:
        for _ in range(10):
            for statement in statements:
                connection.fetch(statement)
        counted = connection.execute(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements"
            " WHERE name LIKE 'flexdb%' ORDER BY prepare_time").fetchall()
    assert [custom + generic for custom, generic in counted] == [10] * len(statements)
    return [custom for custom, _ in counted]


def run_statement(service: Service, statement: Statement, generic: bool
                  ) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Run a statement; the rest is as :func:`run_plan` has it."""
    text = statement.query.text.decode()
    given = [value.decode() if isinstance(value, bytes) else value
             for value in map(statement.arguments.__getitem__, statement.query.arguments)]
    mode = "generic" if generic else "custom"
    with connect(service.settings) as connection:
        # What is JSON that was written as text.
        connection.adapters.register_loader("varchar", JsonLoader)
        arguments = ", ".join(Literal(value).as_string(connection) for value in given)
        execute = f"EXECUTE planned ({arguments})" if given else "EXECUTE planned"
        connection.execute(f"SET plan_cache_mode = force_{mode}_plan".encode())
        connection.execute(f"PREPARE planned AS {text}".encode())
        row = connection.execute(execute.encode()).fetchone()
        plan = connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {execute}".encode()).fetchone()
    assert row and plan
    found: dict[str, Any] = plan[0][0]["Plan"]
    return found, row


def pages_read(plan: dict[str, Any]) -> int:
    """Return how many pages of PostgreSQL were read for a plan."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the nodes of a plan, each before those below it."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes_of(inner)
