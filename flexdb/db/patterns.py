"""Statements with regular expressions of a caller's, which may be wrong, or take their time."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.errors import InvalidRegularExpression, QueryCanceled

from flexdb.db.connection import Connection
from flexdb.errors import DeadlineExceeded, FlexdbError, InvalidParams
from flexdb.plan import Row, Statement

# What a filter that has some adds to the arguments: each by its place in the filter.
ARGUMENT = "patterns"
_TOLD = "told"


def of(statement: Statement) -> Mapping[str, str]:
    """Return the regular expressions of a statement by their places; mostly there are none."""
    return statement.arguments.get(ARGUMENT) or {}


def fetch(connection: Connection, statement: Statement) -> Row | None:
    """Run a statement that has some, and return its row.

    Each is read first: the statement itself reads it only where there is a text to look at.

    :raises psycopg.Error: as :meth:`Connection.fetch` does, and where one is wrong, or all takes
        too long; :func:`told` says of these what it is
    """
    try:
        for place, pattern in of(statement).items():
            _read(connection, place, pattern)
        return connection.fetch(statement)
    except QueryCanceled as error:
        tell(error, DeadlineExceeded(
            "a filter with $regex took longer than it may (FILTER_TIMEOUT): make it simpler, or "
            "let other conditions leave it less to look at"))
        raise


def tell(error: psycopg.Error, told: FlexdbError) -> None:
    """Let a caller be told something of an error, in place of what it usually means."""
    setattr(error, _TOLD, told)


def told(error: psycopg.Error) -> FlexdbError | None:
    """Return what a caller is to be told of an error, where that was said of it."""
    return getattr(error, _TOLD, None)


def _read(connection: Connection, place: str, pattern: str) -> None:
    try:
        connection.execute("SELECT '' ~ %s::text", (pattern,))
    except InvalidRegularExpression as error:
        # "invalid regular expression: parentheses () not balanced": it quotes nothing.
        reason = (error.diag.message_primary or "").rpartition(": ")[2]
        tell(error, InvalidParams(fields={place: [
            f"is no regular expression of PostgreSQL: {reason}"]}))
        raise
