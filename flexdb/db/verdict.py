"""What an error of PostgreSQL means to the plans that were sent: another attempt, or the end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from flexdb import errors
from flexdb.db.absence import note_tenant
from flexdb.db.address import READ_ONLY, reason
from flexdb.db.connection import Connection
from flexdb.db.fence import FenceError
from flexdb.db.pool import Pool
from flexdb.db.sqlstate import gap, to_error, was_not_sent
from flexdb.errors import FlexdbError
from flexdb.plan import Outcome, Plan, Statement
from flexdb.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

# What a retry can mend: serialization_failure and deadlock_detected roll everything back.
_CONFLICTS = {"40001", "40P01"}
# "cached plan must not change result type" after DDL, and a prepared statement that is gone: for
# that connection for ever, and before anything was done.
_PLAN_LOST = {"0A000", "26000"}
_PASSING = _CONFLICTS | _PLAN_LOST | {READ_ONLY}


class Verdict(NamedTuple):
    """What came of sending plans once.

    :param outcomes: one for each plan
    :param error: in place of outcomes, what rolled everything back
    :param again: why another attempt may help, as the metrics call it: ``connection``, ``plan`` or
        ``conflict``; "" where none would
    :param each: whether the plans of a batch are to be run one by one, since one of them failed and
        with it all were rolled back
    """

    outcomes: list[Outcome]
    error: Exception | None = None
    again: str = ""
    each: bool = False

    def told(self, plans: Sequence[Plan], at_once: bool = False) -> Verdict:
        """Return the verdict with what is told of its error.

        :param at_once: whether plans of a batch are not to be run one by one
        """
        if self.error is None:
            return self
        if len(plans) > 1 and not at_once:
            logger.debug("a batch is run call by call after: %s", type(self.error).__name__)
            return Verdict([], each=True)
        told = to_error(self.error) if isinstance(self.error, psycopg.Error) else None
        if told and isinstance(plans[0], Statement):
            note_tenant(told, plans[0])
        return Verdict([told or unforeseen(plans[0], self.error)] * len(plans))


def judge(pool: Pool, connection: Connection, plans: Sequence[Plan], error: psycopg.Error,
          may_repeat: bool) -> Verdict:
    """Say what an error means to plans, and keep its connection from other calls if it is spent.

    :param pool: where the connection comes from
    :param may_repeat: whether they are done once however often they are sent
    """
    if was_not_sent(error):
        connection.close()
        return _all(plans, errors.Overloaded(why=reason(error)), error)
    if error.sqlstate == READ_ONLY and pool.give_up(connection):
        return Verdict([], error, "connection")
    lost = connection.is_lost_by(error)
    if lost or error.sqlstate in _PLAN_LOST:
        connection.close()
        pool.drain(connection)
    if lost:
        pool.metrics.connections_lost.inc()
        if may_repeat or all(isinstance(plan, Statement) and not plan.query.writes
                             for plan in plans):
            told = errors.Unavailable(why=reason(error))
            return _all(plans, told, error)._replace(again="connection")
        return _all(plans, errors.CommitUnknown(), error)
    if error.sqlstate in _PLAN_LOST:
        return Verdict([], error, "plan")
    is_whole = may_repeat or len(plans) == 1
    return Verdict([], error, "conflict" if error.sqlstate in _CONFLICTS and is_whole else "")


def is_passing(connection: Connection, error: psycopg.Error) -> bool:
    """Tell whether an error may be gone when all is run again."""
    return connection.is_lost_by(error) or error.sqlstate in _PASSING


def unforeseen(plan: Plan, error: Exception) -> errors.Internal:
    """Log an error that is ours with its traceback, and return what the caller may know of it."""
    told = errors.Internal()
    told.__cause__ = error
    logger.error("error_id %s: %s failed", told.data["error_id"], plan.name, exc_info=error)
    return told


def count_fault(metrics: Metrics, plan: Plan, told: FlexdbError) -> None:
    """Count an outcome that says that flexdb sent, or was about to send, what it should not."""
    if (state := gap(told)) is not None:
        metrics.validation_gap.labels(plan.name).inc()
        logger.warning("validation gap: %s was refused by PostgreSQL: SQLSTATE %s", plan.name,
                       state)
    if isinstance(told.__cause__, FenceError):
        metrics.fence.inc()


def _all(plans: Sequence[Plan], told: FlexdbError, error: Exception) -> Verdict:
    told.__cause__ = error
    return Verdict([told] * len(plans))
