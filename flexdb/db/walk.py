"""How a plan is taken to its end on a connection, one statement after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled

from flexdb import errors
from flexdb.config import Settings
from flexdb.db import patterns
from flexdb.db.absence import note_tenant
from flexdb.db.connection import Connection
from flexdb.db.ends import Ended, read
from flexdb.db.sqlstate import to_error
from flexdb.db.verdict import is_passing
from flexdb.errors import DeadlineExceeded, FlexdbError
from flexdb.plan import Budget, Plan, Result, Room, Row, Statement, Steps

# What the statements of pages take: how much a page may weigh.
_PAGE_BYTES = "page_bytes"
_LATE_PAGE = (
    "the page took longer than it may (STATEMENT_TIMEOUT): where no index serves what a list is "
    "filtered or sorted by, as explain tells, all of it is read: let one serve it, or other "
    "conditions leave less to look at")


class Walker:
    """Takes plans to their end.

    :param settings: say how large pages may be, and how long a filter may take
    :param statement_timeout: what the connections are set to, in seconds
    :param long_timeout: how long a statement of a plan marked as long may take, in seconds
    """

    def __init__(self, settings: Settings, statement_timeout: float, long_timeout: float) -> None:
        # One alone has the largest page, and what many have at once is no more than two of those.
        self._pages = Room(2 * settings.max_page_bytes)
        self._usual = str(round(statement_timeout * 1000))
        self._long = str(round(long_timeout * 1000))
        self._brief = str(round(min(settings.filter_timeout, statement_timeout) * 1000))

    def release(self, connection: Connection) -> None:
        """Give back what pages on a connection were lent."""
        if connection.lent:
            self._pages.give(connection.lent)
            connection.lent = 0

    def walk(self, connection: Connection, plan: Plan, budget: Budget) -> Ended:
        """Take a plan to its end inside a transaction, one statement after the other.

        :raises psycopg.Error: when a statement failed in a way that nothing is told of, or that
            may be gone when all is run again
        """
        if isinstance(plan, Statement):
            found = read(plan, self.fetch(connection, plan, plan.long))
            return (self.walk(connection, found, budget) if isinstance(found, Steps)
                    else Ended(found, plan.query.writes))
        wrote, inner = False, 0
        answer: Any = None
        last: Statement | None = None
        steps = plan.start()
        try:
            while True:
                asked = (steps.throw(answer) if isinstance(answer, FlexdbError)
                         else steps.send(answer))
                if isinstance(asked, Steps):
                    answer, did_write, _ = self.walk(connection, asked, budget)
                    wrote = wrote or did_write
                    if isinstance(answer, Result):
                        inner += len(answer.text)
                        answer = answer if budget.hold(inner) else errors.Overloaded()
                    continue
                if asked.query.kind == "late":
                    connection.late[asked.name, asked.arguments["tenant_id"]] = asked
                    answer = None
                    continue
                wrote, last = wrote or asked.query.writes, asked
                try:
                    answer = self.fetch(connection, asked, plan.long or asked.long)
                except psycopg.Error as error:
                    told = None if is_passing(connection, error) else to_error(error)
                    if told is None:
                        raise
                    # After an error PostgreSQL runs nothing more in this transaction.
                    answer, wrote = told, True
        except StopIteration as stop:
            return Ended(stop.value, wrote, undo=not stop.value.kept)
        except FlexdbError as error:
            if last:
                note_tenant(error, last)
            return Ended(error, wrote, undo=wrote)

    def fitted(self, connection: Connection, statement: Statement, among: int = 1) -> Statement:
        """Let a page end earlier where others take up much: each row of one is held whole.

        :param among: how many are asked for together, and share what one may have
        """
        if _PAGE_BYTES not in statement.query.arguments:
            return statement
        most = statement.arguments[_PAGE_BYTES]
        connection.lent = connection.lent or self._pages.lend(most)
        size = max(connection.lent // among, most // 16)
        if size >= most:
            return statement
        return replace(statement, arguments={**statement.arguments, _PAGE_BYTES: size})

    def fetch(self, connection: Connection, statement: Statement, long: bool = False
              ) -> Row | None:
        """Run a statement within its time and with as large a page as there is room for.

        :param long: whether it may take the time of long ones
        :raises psycopg.Error: when it fails
        """
        statement = self.fitted(connection, statement)
        found = patterns.of(statement)
        if not (long or found):
            try:
                return connection.fetch(statement)
            except QueryCanceled as error:
                if _PAGE_BYTES in statement.query.arguments:
                    patterns.tell(error, DeadlineExceeded(_LATE_PAGE))
                raise
        set_timeout = "SELECT set_config('statement_timeout', %s, true)"
        connection.execute(set_timeout, (self._brief if found else self._long,))
        row = (patterns.fetch if found else Connection.fetch)(connection, statement)
        connection.execute(set_timeout, (self._usual,))
        return row


def travels_together(plan: Plan) -> bool:
    """Tell whether a plan may be sent in one go with others, in a pipeline."""
    return isinstance(plan, Statement) and not (plan.long or patterns.of(plan))


def reads_together(plan: Plan) -> bool:
    """Tell whether a plan may be sent so, and only reads."""
    return isinstance(plan, Statement) and travels_together(plan) and plan.query.kind == "read"
