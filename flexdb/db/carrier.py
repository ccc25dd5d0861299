"""One attempt at plans: one alone, or those of a batch in one pipeline and one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import cast

import psycopg

from flexdb.db.absence import AbsentOf, blamed
from flexdb.db.attempts import attempt
from flexdb.db.connection import Connection
from flexdb.db.ends import Ended, admit, conclude, end, read
from flexdb.db.fence import Bound
from flexdb.db.once import Once
from flexdb.db.pool import Pool
from flexdb.db.verdict import Verdict
from flexdb.db.walk import Walker, reads_together, travels_together
from flexdb.plan import Budget, Plan, Statement, Steps, as_steps


class Carrier:
    """Sends plans, each time on one connection.

    :param pool: where connections come from
    :param walker: takes them to their end
    :param absent_of: asks which tenants are not there
    """

    def __init__(self, pool: Pool, walker: Walker, absent_of: AbsentOf | None) -> None:
        self._pool = pool
        self._absent_of = absent_of
        self._walker = walker

    def send(self, plans: Sequence[Plan], budget: Budget, bound: Bound,
             once: Once | None = None, pool: Pool | None = None) -> Verdict:
        """Send plans once, on one connection.

        :param pool: whose it is, where it is not the primary's
        """
        def sent(connection: Connection) -> Verdict:
            try:
                return self._send(connection, plans, budget, once)
            finally:
                self._walker.release(connection)

        return attempt(pool or self._pool, plans, bound, sent,
                       in_turn=once is None and all(map(reads_together, plans)),
                       may_repeat=once is not None)

    def _send(self, connection: Connection, plans: Sequence[Plan], budget: Budget,
              once: Once | None) -> Verdict:
        """Send plans and read their rows.

        :raises psycopg.Error: when a statement failed and everything was rolled back
        """
        plan = plans[0] if once is None and len(plans) == 1 else None
        while isinstance(plan, Statement) and travels_together(plan):
            found = read(plan, self._walker.fetch(connection, plan))
            if not isinstance(found, Steps):
                return Verdict([budget.admit(found, plan.query.writes)])
            # Whether a call may be sent again is judged by its first statement.
            plan = None if found.only is None or found.only.query.writes else found.only
            plans = [found]
        if once is None and connection.may_prepare and all(map(reads_together, plans)):
            # A pipeline is a transaction already, for which nothing more is to be sent.
            ended = self._together(connection, plans, budget)
            return Verdict([one.outcome for one in ended], each=any(one.undo for one in ended))
        # What is fetched inside is not yet committed, so nothing is answered before the block is
        # left; and what is raised inside, on our side too, takes everything back.
        # Of a connection that is lost nothing is left to be taken back.
        with (suppress(psycopg.Rollback),
              once.transaction(connection) if once else connection.transaction()):
            ended = ([self._apart(connection, plan, budget) for plan in plans]
                     if once and once.apart else self._together(connection, plans, budget))
            undo = any(one.undo for one in ended)
            # Of what was refused before it wrote there is no doubt either what became of it.
            if undo or not once and all(one.is_void for one in ended):
                raise psycopg.Rollback
            if once:
                ended = self._kept(connection, ended, budget)
                once.end(connection, ended)
        return Verdict([one.outcome for one in ended], each=undo and len(plans) > 1)

    def _kept(self, connection: Connection, ended: list[Ended], budget: Budget) -> list[Ended]:
        """Return how plans ended as it is to be kept: what is told of them is told for good."""
        if (connection.bound is not None or self._absent_of is None
                or not any(one.stays for one in ended)):
            return ended
        outcomes = blamed([one.outcome for one in ended], self._absent_of,
                          lambda statement: statement.result(connection.fetch(statement)), budget)
        return [one._replace(outcome=outcome) for one, outcome in zip(ended, outcomes)]

    def _together(self, connection: Connection, plans: Sequence[Plan], budget: Budget
                  ) -> list[Ended]:
        """Take plans to their end inside a transaction, with as few round trips as may be."""
        ended: list[Ended] = []
        connection.late.clear()
        for together, group in groupby(plans, travels_together):
            if together and len(plans) > 1:
                statements = list(cast(Iterable[Statement], group))
                # Each row is let go before the next comes, where it is too much; strict, so that
                # the pipeline is taken to its end.
                ended += [admit(end(statement, row), budget) for statement, row
                          in zip(statements, connection.fetch_all(
                              [self._walker.fitted(connection, one) for one in statements]),
                              strict=True)]
            else:
                ended += [admit(self._walker.walk(connection, plan, budget), budget)
                          for plan in group]
        return ended if any(one.fails for one in ended) else conclude(connection, ended)

    def _apart(self, connection: Connection, plan: Plan, budget: Budget) -> Ended:
        """Take a plan to its end inside a transaction, and back where it fails, alone."""
        with connection.transaction() as savepoint:
            # As steps, what fails in the database is told them, and they end.
            (ended,) = self._together(connection, [as_steps(plan)], budget)
            if ended.undo:
                raise psycopg.Rollback(savepoint)
        return ended._replace(wrote=ended.wrote and not ended.undo, undo=False)
