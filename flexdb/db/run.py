"""How plans travel: one alone, or those of a batch in one pipeline and one transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from typing import cast

import psycopg

from flexdb.db.absence import AbsentOf, blamed
from flexdb.db.connection import Connection
from flexdb.db.ends import Ended, admit, conclude, end, read
from flexdb.db.fence import Bound
from flexdb.db.once import DoneBefore, Once
from flexdb.db.pool import Pool
from flexdb.db.positions import FLUSHED, Freshness, Look
from flexdb.db.replicas import Replicas
from flexdb.db.verdict import Verdict, count_fault, judge
from flexdb.db.walk import Walker, reads_together, travels_together
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Outcome, Plan, Result, Statement, Steps, as_steps
from flexdb.telemetry import watch

ATTEMPTS = 3
# More than a tenant's id weighs in the answer about those that are not there.
_ID_BYTES = 64


class Runner:
    """Run plans on the connections of a pool.

    :param pool: where connections come from
    :param statement_timeout: what the connections are set to, in seconds
    :param long_timeout: how long a statement of a plan marked as long may take, in seconds
    :param absent_of: asks which tenants are not there, so that who sees all is told where one is
        not, and not that nothing is found in it
    :param replicas: who else may answer reads, where there are any
    """

    def __init__(self, pool: Pool, statement_timeout: float, long_timeout: float,
                 absent_of: AbsentOf | None = None, replicas: Replicas | None = None) -> None:
        self.pool = pool
        self.replicas = replicas
        self._absent_of = absent_of
        self.metrics = pool.metrics
        self._patience = statement_timeout
        self._walker = Walker(pool.settings, statement_timeout, long_timeout)

    def run(self, plans: Sequence[Plan], budget: Budget, bound: Bound,
            freshness: Freshness | None = None) -> list[Outcome]:
        """Run what calls ask for in their order; each has an outcome of its own.

        The read with which the answer would weigh more than it may, and those behind it, are
        refused; a write is done, and said to be. Several travel in one pipeline, which is one
        transaction. When one of them fails in the database, or after it wrote, all is rolled back
        and they run one by one: the outcomes are the same either way.

        :param bound: the tenants that the caller sees; None for who sees all, and for what the
            service itself asks
        :param freshness: how fresh reads must be; None for the newest, which the primary has
        """
        if freshness is None or self.replicas is None or not plans:
            return self._run(plans, budget, bound)
        found = self.replicas.read(
            plans, freshness.after, partial(self.attempt, budget=budget, bound=bound), budget
        ) if freshness.by_replica else None
        if found is not None:
            return self._blamed(found, budget, bound)
        watched = watch.current()
        before, outcomes = watched.position, self._run(plans, budget, bound)
        if watched.position == before:
            # Behind what was read, so that who goes on from there never sees an earlier state.
            watched.see_position(self.position() or 0)
        self.replicas.learn(freshness.after, watched.position)
        return outcomes

    def position(self) -> int | None:
        """Return how far the primary is; None where it does not say."""
        look = Look(FLUSHED)
        self.attempt([look.statement], Budget(0), None)
        return look.position

    def _run(self, plans: Sequence[Plan], budget: Budget, bound: Bound) -> list[Outcome]:
        if len(plans) > 1:
            verdict = self._settle(plans, budget, bound)
            if not verdict.each:
                return self._blamed(verdict.outcomes, budget, bound)
        return self._blamed([self._run_one(plan, budget, bound) for plan in plans], budget, bound)

    def result(self, plan: Plan, budget: Budget, bound: Bound,
               freshness: Freshness | None = None) -> Result:
        """Run what one call asks for, and return what it gives.

        :param bound: as for :meth:`run`, and so is ``freshness``
        :raises FlexdbError: when it fails
        """
        (outcome,) = self.run([plan], budget, bound, freshness)
        if isinstance(outcome, FlexdbError):
            raise outcome
        return outcome

    def run_once(self, plans: Sequence[Plan], budget: Budget, bound: Bound, once: Once
                 ) -> list[Outcome]:
        """Run what calls ask for in one transaction, unless it was done before.

        Each has an outcome of its own here too: where one fails that alone is taken back.

        :param bound: as for :meth:`run`
        :raises DoneBefore: with what was kept of it, when it was
        """
        verdict = self._settle(plans, budget, bound, once)
        if verdict.each:
            verdict = self._settle(plans, budget, bound, once._replace(apart=True))
        for plan, outcome in zip(plans, verdict.outcomes):
            if isinstance(outcome, FlexdbError):
                count_fault(self.metrics, plan, outcome)
        return self._blamed(verdict.outcomes, budget, bound)

    def _blamed(self, outcomes: list[Outcome], budget: Budget, bound: Bound) -> list[Outcome]:
        """Return outcomes in which a tenant that is not there is blamed, to who sees all.

        That is asked behind what was asked for: after an error nothing more can be asked in its
        transaction, and who finds what was looked for pays nothing.
        """
        if bound is not None or self._absent_of is None:
            return outcomes
        return blamed(outcomes, self._absent_of, lambda statement: self._settle(
            [statement], Budget(_ID_BYTES * (1 + len(outcomes))), None).outcomes[0], budget)

    def _run_one(self, plan: Plan, budget: Budget, bound: Bound) -> Outcome:
        (outcome,) = self._settle([plan], budget, bound).outcomes
        if isinstance(outcome, FlexdbError):
            count_fault(self.metrics, plan, outcome)
        return outcome

    def _settle(self, plans: Sequence[Plan], budget: Budget, bound: Bound,
                once: Once | None = None) -> Verdict:
        """Send plans until it helped, or nothing more would."""
        attempt, left, began = 1, budget.left, time.monotonic()
        while True:
            verdict = self.attempt(plans, budget, bound, once)
            if verdict.error or verdict.again or verdict.each:
                # What was counted is given up with what it was counted for.
                budget.left = left
                budget.release()
            # Who waited for others as long as a call may take is told so, and waits no longer.
            late = time.monotonic() - began >= self._patience
            if not verdict.again or attempt == ATTEMPTS or late:
                return verdict.told(plans, at_once=once is not None and once.apart)
            self.metrics.retries.labels(verdict.again).inc()
            if verdict.again == "conflict":
                time.sleep(random.uniform(0.005, 0.05) * attempt)
            attempt += 1

    def attempt(self, plans: Sequence[Plan], budget: Budget, bound: Bound,
                once: Once | None = None, pool: Pool | None = None) -> Verdict:
        """Send plans once, on one connection.

        :param pool: whose it is, where it is not the primary's
        """
        pool = pool or self.pool
        try:
            are_read = once is None and all(map(reads_together, plans))
            with pool.in_turn() if are_read else pool.connection() as connection:
                connection.bound = bound
                try:
                    return self._send(connection, plans, budget, once)
                except psycopg.Error as error:
                    return judge(pool, connection, plans, error, may_repeat=once is not None)
                finally:
                    connection.bound = None
                    self._walker.release(connection)
        except FlexdbError as error:
            return Verdict([error] * len(plans))
        except DoneBefore:
            raise
        except Exception as error:
            return Verdict([], error)

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
        with once.transaction(connection) if once else connection.transaction():
            ended = ([self._apart(connection, plan, budget) for plan in plans]
                     if once and once.apart else self._together(connection, plans, budget))
            undo = any(one.undo for one in ended)
            if undo:
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
