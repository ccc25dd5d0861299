"""How plans travel: one alone, or those of a batch in one pipeline and one transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, cast

import psycopg

from flexdb import errors
from flexdb.db import patterns
from flexdb.db.connection import Connection
from flexdb.db.ends import Ended, admit, end, read
from flexdb.db.fence import Bound
from flexdb.db.pool import Pool
from flexdb.db.sqlstate import to_error
from flexdb.db.verdict import Verdict, count_fault, is_passing, judge
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Outcome, Plan, Result, Room, Row, Statement, Steps

ATTEMPTS = 3


class Runner:
    """Run plans on the connections of a pool.

    :param pool: where connections come from
    :param statement_timeout: what the connections are set to, in seconds
    :param long_timeout: how long a statement of a plan marked as long may take, in seconds
    """

    def __init__(self, pool: Pool, statement_timeout: float, long_timeout: float) -> None:
        self.pool = pool
        self.metrics = pool.metrics
        self._patience = statement_timeout
        # One alone has the largest page, and what many have at once is no more than two of those.
        self._pages = Room(2 * pool.settings.max_page_bytes)
        self._usual = str(round(statement_timeout * 1000))
        self._long = str(round(long_timeout * 1000))
        self._brief = str(round(min(pool.settings.filter_timeout, statement_timeout) * 1000))

    def run(self, plans: Sequence[Plan], budget: Budget, bound: Bound) -> list[Outcome]:
        """Run what calls ask for in their order; each has an outcome of its own.

        The read with which the answer would weigh more than it may, and those behind it, are
        refused; a write is done, and said to be.

        Several travel in one pipeline, which is one transaction. When one of them fails in the
        database, or after it wrote, all is rolled back and they run one by one: the outcomes are
        the same either way.

        :param bound: the tenants that the caller sees; None for who sees all, and for what the
            service itself asks
        """
        if len(plans) > 1:
            verdict = self._settle(plans, budget, bound)
            if not verdict.each:
                return verdict.outcomes
        return [self._run_one(plan, budget, bound) for plan in plans]

    def result(self, plan: Plan, budget: Budget, bound: Bound) -> Result:
        """Run what one call asks for, and return what it gives.

        :param bound: as for :meth:`run`
        :raises FlexdbError: when it fails
        """
        (outcome,) = self.run([plan], budget, bound)
        if isinstance(outcome, FlexdbError):
            raise outcome
        return outcome

    def _run_one(self, plan: Plan, budget: Budget, bound: Bound) -> Outcome:
        (outcome,) = self._settle([plan], budget, bound).outcomes
        if isinstance(outcome, FlexdbError):
            count_fault(self.metrics, plan, outcome)
        return outcome

    def _settle(self, plans: Sequence[Plan], budget: Budget, bound: Bound) -> Verdict:
        """Send plans until it helped, or nothing more would."""
        attempt, left, began = 1, budget.left, time.monotonic()
        while True:
            verdict = self._attempt(plans, budget, bound)
            if verdict.error or verdict.again or verdict.each:
                # What was counted is given up with what it was counted for.
                budget.left = left
                budget.release()
            # Who waited for others as long as a call may take is told so, and waits no longer.
            late = time.monotonic() - began >= self._patience
            if not verdict.again or attempt == ATTEMPTS or late:
                return verdict.told(plans)
            self.metrics.retries.labels(verdict.again).inc()
            if verdict.again == "conflict":
                time.sleep(random.uniform(0.005, 0.05) * attempt)
            attempt += 1

    def _attempt(self, plans: Sequence[Plan], budget: Budget, bound: Bound) -> Verdict:
        """Send plans once, on one connection."""
        try:
            with self.pool.connection() as connection:
                connection.bound = bound
                try:
                    return self._send(connection, plans, budget)
                except psycopg.Error as error:
                    return judge(self.pool, connection, plans, error)
                finally:
                    connection.bound = None
                    if connection.lent:
                        self._pages.give(connection.lent)
                        connection.lent = 0
        except FlexdbError as error:
            return Verdict([error] * len(plans))
        except Exception as error:
            return Verdict([], error)

    def _send(self, connection: Connection, plans: Sequence[Plan], budget: Budget) -> Verdict:
        """Send plans and read their rows.

        :raises psycopg.Error: when a statement failed and everything was rolled back
        """
        first = plans[0]
        if len(plans) == 1 and isinstance(first, Statement) and _travels_together(first):
            found = read(first, connection.fetch(self._fitted(connection, first)))
            if not isinstance(found, Steps):
                return Verdict([budget.admit(found, first.query.writes)])
            plans = [found]
        # What is fetched inside is not yet committed, so nothing is answered before the block is
        # left; and what is raised inside, on our side too, takes everything back.
        ended: list[Ended] = []
        connection.late.clear()
        with connection.transaction() as transaction:
            for together, group in groupby(plans, _travels_together):
                if together and len(plans) > 1:
                    statements = list(cast(Iterable[Statement], group))
                    # Each row is let go before the next comes, where it is too much; strict, so
                    # that the pipeline is taken to its end.
                    ended += [admit(end(statement, row), budget) for statement, row
                              in zip(statements, connection.fetch_all(
                                  [self._fitted(connection, one) for one in statements]),
                                  strict=True)]
                else:
                    ended += [admit(self._walk(connection, plan, budget), budget)
                              for plan in group]
            if not any(one.fails for one in ended):
                ended = _conclude(connection, ended)
            undo = any(one.undo for one in ended)
            if undo:
                raise psycopg.Rollback(transaction)
        return Verdict([one.outcome for one in ended], each=undo and len(plans) > 1)

    def _walk(self, connection: Connection, plan: Plan, budget: Budget) -> Ended:
        """Take a plan to its end inside a transaction, one statement after the other.

        :raises psycopg.Error: when a statement failed in a way that nothing is told of, or that
            may be gone when all is run again
        """
        if isinstance(plan, Statement):
            found = read(plan, self._fetch(connection, plan, plan.long))
            return (self._walk(connection, found, budget) if isinstance(found, Steps)
                    else Ended(found, plan.query.writes))
        wrote, inner = False, 0
        answer: Any = None
        steps = plan.start()
        try:
            while True:
                asked = (steps.throw(answer) if isinstance(answer, FlexdbError)
                         else steps.send(answer))
                if isinstance(asked, Steps):
                    answer, did_write, _ = self._walk(connection, asked, budget)
                    wrote = wrote or did_write
                    if isinstance(answer, Result):
                        inner += len(answer.text)
                        answer = answer if budget.hold(inner) else errors.Overloaded()
                    continue
                if asked.query.kind == "late":
                    connection.late[asked.name, asked.arguments["tenant_id"]] = asked
                    answer = None
                    continue
                wrote = wrote or asked.query.writes
                try:
                    answer = self._fetch(connection, asked, plan.long or asked.long)
                except psycopg.Error as error:
                    told = None if is_passing(connection, error) else to_error(error)
                    if told is None:
                        raise
                    # After an error PostgreSQL runs nothing more in this transaction.
                    answer, wrote = told, True
        except StopIteration as stop:
            return Ended(stop.value, wrote, undo=not stop.value.kept)
        except FlexdbError as error:
            return Ended(error, wrote, undo=wrote)

    def _fitted(self, connection: Connection, statement: Statement) -> Statement:
        """Let a page end earlier where others take up much: each row of one is held whole."""
        if "page_bytes" not in statement.query.arguments:
            return statement
        most = statement.arguments["page_bytes"]
        connection.lent = connection.lent or self._pages.lend(most)
        if connection.lent >= most:
            return statement
        return replace(statement, arguments={**statement.arguments, "page_bytes": connection.lent})

    def _fetch(self, connection: Connection, statement: Statement, long: bool) -> Row | None:
        statement = self._fitted(connection, statement)
        found = patterns.of(statement)
        if not (long or found):
            return connection.fetch(statement)
        set_timeout = "SELECT set_config('statement_timeout', %s, true)"
        connection.execute(set_timeout, (self._brief if found else self._long,))
        row = (patterns.fetch if found else Connection.fetch)(connection, statement)
        connection.execute(set_timeout, (self._usual,))
        return row


def _travels_together(plan: Plan) -> bool:
    return isinstance(plan, Statement) and not (plan.long or patterns.of(plan))


def _conclude(connection: Connection, ended: list[Ended]) -> list[Ended]:
    """Run what was to be the last, once however often it was asked for, and in one order.

    Who waits for another then holds nothing that one may want, but for what comes before.
    """
    for _, statement in sorted(connection.late.items()):
        found = read(statement, connection.fetch(statement))
        if isinstance(found, FlexdbError):
            return [Ended(found, True, undo=True) for _ in ended]
    return ended
