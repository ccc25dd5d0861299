"""The service's own SQL, as pgbench can run it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import orjson
import psycopg
from psycopg.adapt import PyFormat, Transformer

import flexdb.operations  # noqa: F401 (fills the registry)
from flexdb.config import Settings
from flexdb.context import Context, Limits
from flexdb.contract.operation import OPERATIONS
from flexdb.db.pool import Pool
from flexdb.plan import Statement, Steps


def statement_of(settings: Settings, call: Mapping[str, Any]) -> Statement:
    """Return the statement that does the work of a call, with its arguments.

    Where the operation takes several steps they are run, and taken back; the last one is returned.
    """
    text = orjson.dumps(call["params"])
    context = Context(Limits.of(settings))
    plan = OPERATIONS[call["method"]].plan(context, call["params"], lambda: text)
    if isinstance(plan, Statement):
        return plan
    with closing(Pool(settings)) as pool, pool.connection() as connection:
        with connection.transaction():
            steps = plan.start()
            row = None
            try:
                while True:
                    statement = steps.send(row)
                    if isinstance(statement, Steps):
                        raise TypeError(f"{call['method']} takes steps in steps")
                    row = connection.fetch(statement)
            except StopIteration:
                raise psycopg.Rollback from None
    return statement


class Script:
    """A statement as a script of pgbench, whose arguments are its variables.

    :param statement: what is to be run
    :param name: what the names of its variables begin with
    :param instead: SQL in the place of arguments that must differ in each run
    """

    def __init__(self, statement: Statement, name: str,
                 instead: Mapping[str, str] | None = None) -> None:
        self.variables: dict[str, str] = {}

        def put(found: re.Match[str]) -> str:
            argument = statement.query.arguments[int(found[1]) - 1]
            if instead and argument in instead:
                return instead[argument]
            value = statement.arguments[argument]
            if value is None:
                return "NULL"
            text = value.decode() if isinstance(value, bytes) else _written(value)
            self.variables[f"{name}_{argument}"] = text
            return f":{name}_{argument}"

        text = re.sub(r"'[^']*'", _escaped, statement.query.text.decode())
        self.text = re.sub(r"\$(\d+)", put, text) + ";\n"


def _written(value: Any) -> str:
    """Write a value as PostgreSQL reads it, a list as an array."""
    return bytes(Transformer().get_dumper(value, PyFormat.TEXT).dump(value) or b"").decode()


def _escaped(constant: re.Match[str]) -> str:
    """Write the colons of a constant as escapes: pgbench would see variables in it."""
    if ":" not in constant[0]:
        return constant[0]
    return "E" + constant[0].replace("\\", r"\\").replace(":", r"\x3a")
