"""How plans are run: which travel together, and which are sent again when something failed."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextvars import copy_context
from functools import partial
from typing import cast

from flexdb.db.absence import AbsentOf, blamed
from flexdb.db.carrier import Carrier
from flexdb.db.ends import read
from flexdb.db.fence import Bound
from flexdb.db.groups import Gathering, goes_together
from flexdb.db.once import Keyed, Once
from flexdb.db.pool import Pool
from flexdb.db.positions import FLUSHED, Freshness, Look
from flexdb.db.replicas import Replicas
from flexdb.db.verdict import Verdict, count_fault
from flexdb.db.walk import Walker
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Outcome, Plan, Result, Statement, Steps
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
        walker = Walker(pool.settings, statement_timeout, long_timeout)
        self._gathering = Gathering(pool, walker)
        self.attempt = Carrier(pool, walker, absent_of).send

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
        (first, *others) = plans
        if not others and goes_together(first):
            outcomes = [self._with_others(first, budget, bound, once)]
        else:
            verdict = self._settle(plans, budget, bound, once)
            if verdict.each:
                verdict = self._settle(plans, budget, bound, once._replace(apart=True))
            outcomes = verdict.outcomes
        for plan, outcome in zip(plans, outcomes):
            if isinstance(outcome, FlexdbError):
                count_fault(self.metrics, plan, outcome)
        return self._blamed(outcomes, budget, bound)

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
        outcome = (self._with_others(plan, budget, bound) if goes_together(plan)
                   else self._settle([plan], budget, bound).outcomes[0])
        if isinstance(outcome, FlexdbError):
            count_fault(self.metrics, plan, outcome)
        return outcome

    def _with_others(self, statement: Statement, budget: Budget, bound: Bound,
                     once: Once | None = None) -> Outcome:
        left = budget.left
        member = self._gathering.enter(
            statement, bound, once and Keyed(statement, once, budget, copy_context()))
        try:
            if not member.is_done:
                # What was counted among others is given up with what it was counted for.
                budget.left = left
                budget.release(is_sent=False)
                return self._settle([statement], budget, bound, once).outcomes[0]
        finally:
            self._gathering.leave(member)
        if once or isinstance(member.found, FlexdbError):
            return cast(Outcome, member.found)
        found = read(statement, member.found)
        return (self._settle([found.only or found], budget, bound).outcomes[0]
                if isinstance(found, Steps) else budget.admit(found, statement.query.writes))

    def _settle(self, plans: Sequence[Plan], budget: Budget, bound: Bound,
                once: Once | None = None) -> Verdict:
        """Send plans until it helped, or nothing more would."""
        attempt, left, began = 1, budget.left, time.monotonic()
        while True:
            verdict = self.attempt(plans, budget, bound, once)
            if verdict.error or verdict.again or verdict.each:
                # What was counted is given up with what it was counted for.
                budget.left = left
                budget.release(is_sent=False)
            # Who waited for others as long as a call may take is told so, and waits no longer.
            late = time.monotonic() - began >= self._patience
            if not verdict.again or attempt == ATTEMPTS or late:
                return verdict.told(plans, at_once=once is not None and once.apart)
            self.metrics.retries.labels(verdict.again).inc()
            if verdict.again == "conflict":
                time.sleep(random.uniform(0.005, 0.05) * attempt)
            attempt += 1
