"""How statements travel: one alone, or a batch in one pipeline and one transaction."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import cast

import psycopg

from flexdb import errors
from flexdb.config import JsonFields
from flexdb.db.address import reason
from flexdb.db.connection import Asked, Connection
from flexdb.db.pool import Pool
from flexdb.db.sqlstate import gap, to_error, was_not_sent
from flexdb.plan import LookAgain, Plan, Result, RollBack, Row, Statement
from flexdb.errors import FlexdbError

logger = logging.getLogger(__name__)

Outcome = Result | FlexdbError

ATTEMPTS = 3
# What a retry can mend: serialization_failure and deadlock_detected roll everything back.
_CONFLICTS = {"40001", "40P01"}
# "cached plan must not change result type" after DDL, and a prepared statement that is gone: for
# that connection for ever, and before anything was done.
_PLAN_LOST = {"0A000", "26000"}
# read_only_sql_transaction: the server is a standby by now, or was set so when it was connected.
_READ_ONLY = "25006"


class Runner:
    """Run statements on the connections of a pool.

    :param pool: where connections come from
    :param statement_timeout: what the connections are set to, in seconds
    :param long_timeout: how long a statement marked as long may take, in seconds
    """

    def __init__(self, pool: Pool, statement_timeout: float, long_timeout: float) -> None:
        self.pool = pool
        self.metrics = pool.metrics
        self._usual = str(round(statement_timeout * 1000))
        self._long = str(round(long_timeout * 1000))

    def run(self, plans: Sequence[Plan], json_fields: JsonFields) -> list[Outcome]:
        """Run what calls ask for in their order; each has an outcome of its own.

        Several travel in one pipeline, which is one transaction. When one of them fails in the
        database, or after it wrote, all is rolled back and they run one by one: the outcomes are
        the same either way.
        """
        if len(plans) > 1:
            try:
                return self._attempt(plans, json_fields)
            except FlexdbError as error:
                return [error] * len(plans)
            except Exception as error:
                logger.debug("a batch is run call by call after: %s", type(error).__name__)
        return [self._run_one(plan, json_fields) for plan in plans]

    def _run_one(self, plan: Plan, json_fields: JsonFields) -> Outcome:
        outcome = self._outcome(plan, json_fields)
        if isinstance(outcome, FlexdbError) and (state := gap(outcome)) is not None:
            self.metrics.validation_gap.labels(_name(plan)).inc()
            logger.warning("validation gap: %s was refused by PostgreSQL: SQLSTATE %s",
                           _name(plan), state)
        return outcome

    def _outcome(self, plan: Plan, json_fields: JsonFields) -> Outcome:
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt([plan], json_fields)[0]
            except LookAgain as stale:
                plan = stale.steps
            except _RolledBack as done:
                return done.outcome
            except FlexdbError as error:
                return error
            except psycopg.Error as error:
                if error.sqlstate not in _CONFLICTS or attempt >= ATTEMPTS:
                    return to_error(error) or _unforeseen(plan, error)
                self.metrics.retries.labels("conflict").inc()
                time.sleep(random.uniform(0.005, 0.05) * attempt)
            except Exception as error:
                return _unforeseen(plan, error)

    def _attempt(self, plans: Sequence[Plan], json_fields: JsonFields) -> list[Outcome]:
        """Run plans on one connection, and again on another where that does no harm.

        :raises psycopg.Error: when a statement failed and everything was rolled back
        :raises CommitUnknown: when the connection broke under a write
        :raises Overloaded: when PgBouncer had no connection to PostgreSQL to give
        """
        for attempt in range(1, ATTEMPTS + 1):
            with self.pool.connection() as connection:
                try:
                    return self._send(connection, plans, json_fields)
                except psycopg.Error as error:
                    if was_not_sent(error):
                        connection.close()
                        raise errors.Overloaded(why=reason(error)) from error
                    broken, lost = connection.is_lost_by(error), error.sqlstate in _PLAN_LOST
                    if error.sqlstate == _READ_ONLY:
                        self.pool.give_up(connection)
                    if not broken and not lost:
                        raise
                    if broken:
                        self.metrics.connections_lost.inc()
                    connection.close()
                    self.pool.drain(connection)
                    if broken and not all(isinstance(plan, Statement) and plan.query.reads
                                          for plan in plans):
                        raise errors.CommitUnknown() from error
                    if attempt == ATTEMPTS and broken:
                        raise errors.Unavailable(why=reason(error)) from error
                    if attempt == ATTEMPTS:
                        raise
                    self.metrics.retries.labels("connection" if broken else "plan").inc()
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover

    def _send(self, connection: Connection, plans: Sequence[Plan], json_fields: JsonFields
              ) -> list[Outcome]:
        if len(plans) == 1 and isinstance(plans[0], Statement) and not plans[0].long:
            return [_read(plans[0], connection.fetch(_asked(plans[0], json_fields)))]
        outcomes: list[Outcome] = []
        # What is fetched inside is not yet committed, so nothing is answered before the block is
        # left; and what is raised inside, on our side too, takes everything back.
        with connection.transaction():
            for together, group in groupby(plans, _travels_together):
                if together:
                    statements = list(cast(Iterable[Statement], group))
                    rows = connection.fetch_all([_asked(one, json_fields) for one in statements])
                    outcomes += map(_read, statements, rows)
                else:
                    outcomes += [self._walk(connection, plan, json_fields) for plan in group]
        return outcomes

    def _walk(self, connection: Connection, plan: Plan, json_fields: JsonFields) -> Outcome:
        """Take an operation's steps one after the other, to its end."""
        if isinstance(plan, Statement):
            return _read(plan, self._fetch(connection, plan, json_fields))
        wrote = False
        generator = plan.start()
        try:
            statement = next(generator)
            while True:
                wrote = wrote or not statement.query.reads
                try:
                    row = self._fetch(connection, statement, json_fields)
                except psycopg.Error as error:
                    told = None if _is_passing(connection, error) else to_error(error)
                    if told is None:
                        raise
                    wrote = True
                    generator.throw(told)
                    raise
                statement = generator.send(row)
        except StopIteration as end:
            result: Result = end.value
            return result
        except RollBack as done:
            raise _RolledBack(done.result) from None
        except FlexdbError as error:
            if wrote:
                raise _RolledBack(error) from error
            return error

    def _fetch(self, connection: Connection, statement: Statement, json_fields: JsonFields
               ) -> Row | None:
        if not statement.long:
            return connection.fetch(_asked(statement, json_fields))
        set_timeout = "SELECT set_config('statement_timeout', %s, true)"
        connection.execute(set_timeout, (self._long,))
        row = connection.fetch(_asked(statement, json_fields))
        connection.execute(set_timeout, (self._usual,))
        return row


class _RolledBack(Exception):
    """An operation is done, with an error or not, but its transaction must not be committed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


def _is_passing(connection: Connection, error: psycopg.Error) -> bool:
    """Tell whether an error may be gone when all is run again."""
    return connection.is_lost_by(error) or error.sqlstate in _CONFLICTS | _PLAN_LOST


def _travels_together(plan: Plan) -> bool:
    return isinstance(plan, Statement) and not plan.long


def _asked(statement: Statement, json_fields: JsonFields) -> Asked:
    query = statement.query
    return Asked(query, query.value if json_fields == "value" else query.string,
                 statement.arguments)


def _read(statement: Statement, row: Row | None) -> Outcome:
    try:
        result = statement.read(row)
        if not (isinstance(result, Result) and isinstance(result.text, bytes)):
            raise TypeError(f"{statement.query.name} gave {type(result)}, no JSON text")
        return result
    except FlexdbError as error:
        return error
    except LookAgain:
        raise
    except Exception as error:
        return _unforeseen(statement, error)


def _unforeseen(plan: Plan, error: Exception) -> errors.Internal:
    told = errors.Internal()
    told.__cause__ = error
    logger.error("error_id %s: %s failed", told.data["error_id"], _name(plan), exc_info=error)
    return told


def _name(plan: Plan) -> str:
    return plan.query.name if isinstance(plan, Statement) else plan.name
