"""How statements travel: one alone, or a batch in one pipeline and one transaction."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Connection

from flexdb import errors
from flexdb.config import JsonFields
from flexdb.db.pool import Pool
from flexdb.db.statement import Result, Row, Statement
from flexdb.errors import FlexdbError

logger = logging.getLogger(__name__)

Outcome = Result | FlexdbError

ATTEMPTS = 3
# What a retry can mend: serialization_failure and deadlock_detected roll everything back.
_CONFLICTS = {"40001", "40P01"}
# "cached plan must not change result type" after DDL, and a prepared statement that is gone: for
# that connection for ever, and before anything was done.
_PLAN_LOST = {"0A000", "26000"}

# The parameter that a constraint is about.
_UNIQUE = {
    "tenants_pkey": "id",
    "tenants_slug_key": "slug",
    "users_pkey": "id",
    "users_email_key": "email",
    "node_types_pkey": "id",
    "node_types_tenant_id_name_key": "name",
    "nodes_pkey": "id",
    "relationships_pkey": "id",
}
_FOREIGN = {
    "tenant_users_tenant_id_fkey": "tenant_id",
    "tenant_users_user_id_fkey": "user_id",
    "node_types_tenant_id_fkey": "tenant_id",
    "nodes_node_type_id_fkey": "node_type_id",
    "relationships_source_node_id_fkey": "source_node_id",
    "relationships_target_node_id_fkey": "target_node_id",
}
# SQLSTATE, or its class (the first two characters), to error. What is not here is our fault.
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES: dict[str, type[FlexdbError]] = {
    "08": errors.Unavailable,          # connection_exception
    "22": errors.InvalidParams,        # data_exception: validation should have caught it
    "25006": errors.Unavailable,       # read_only_sql_transaction: a standby
    "25P03": errors.Unavailable,       # idle_in_transaction_session_timeout
    "40001": errors.Aborted,           # serialization_failure
    "40P01": errors.Aborted,           # deadlock_detected
    "3F000": errors.Unavailable,       # invalid_schema_name: not migrated yet
    "42703": errors.Unavailable,       # undefined_column: not migrated yet
    "42883": errors.Unavailable,       # undefined_function: not migrated yet
    "42P01": errors.Unavailable,       # undefined_table: not migrated yet
    "53": errors.Overloaded,           # insufficient_resources
    "53100": errors.StorageFull,       # disk_full
    "54": errors.InvalidParams,        # program_limit_exceeded: too long for an index, too deep
    "55P03": errors.Aborted,           # lock_not_available
    "57014": errors.DeadlineExceeded,  # query_canceled
    "57": errors.Unavailable,          # operator_intervention
    "58": errors.Unavailable,          # system_error
}


def to_error(error: psycopg.Error) -> FlexdbError | None:
    """Return what a caller is told of an error of PostgreSQL, or None when it is our own fault.

    Nothing of the server's message goes along: it names tables and quotes rows.
    """
    state = error.sqlstate or ""
    constraint = error.diag.constraint_name or ""
    if state == "23505" and constraint in _UNIQUE:
        field = _UNIQUE[constraint]
        return errors.AlreadyExists(f"{field} is taken", {field: ["is taken"]})
    if state == "23503" and constraint in _FOREIGN:
        field = _FOREIGN[constraint]
        return errors.NotFound(f"{field} is not there", {field: ["is not there"]})
    kind = _STATES.get(state) or _STATES.get(state[:2])
    return kind() if kind else None


class Runner:
    """Run statements on the connections of a pool.

    :param pool: where connections come from
    :param statement_timeout: what the connections are set to, in seconds
    :param long_timeout: how long a statement marked as long may take, in seconds
    """

    def __init__(self, pool: Pool, statement_timeout: float, long_timeout: float) -> None:
        self.pool = pool
        self._usual = str(round(statement_timeout * 1000))
        self._long = str(round(long_timeout * 1000))

    def run(self, statements: Sequence[Statement], json_fields: JsonFields) -> list[Outcome]:
        """Run statements in their order; each has an outcome of its own.

        Several travel in one pipeline, which is one transaction. When one of them fails in the
        database all is rolled back and they run one by one: the outcomes are the same either way.
        """
        if len(statements) > 1:
            try:
                rows = self._attempt(statements, json_fields)
            except FlexdbError as error:
                return [error] * len(statements)
            except Exception as error:
                logger.debug("a batch is run call by call after: %r", error)
            else:
                return [_read(*pair) for pair in zip(statements, rows)]
        return [self._run_one(statement, json_fields) for statement in statements]

    def _run_one(self, statement: Statement, json_fields: JsonFields) -> Outcome:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return _read(statement, self._attempt([statement], json_fields)[0])
            except FlexdbError as error:
                return error
            except psycopg.Error as error:
                if error.sqlstate in _CONFLICTS and attempt < ATTEMPTS:
                    time.sleep(random.uniform(0.005, 0.05) * attempt)
                    continue
                return to_error(error) or _unforeseen(statement, error)
            except Exception as error:
                return _unforeseen(statement, error)
        raise AssertionError("the last attempt returns")  # pragma: no cover

    def _attempt(self, statements: Sequence[Statement], json_fields: JsonFields
                 ) -> list[Row | None]:
        """Run statements on one connection, and once more on another where that does no harm.

        :raises psycopg.Error: when a statement failed and everything was rolled back
        :raises CommitUnknown: when the connection broke under a write
        """
        for again in (False, True):
            with self.pool.connection() as connection:
                try:
                    # The other connections may have lost their plans too: go without one.
                    prepare = False if again else None
                    return self._send(connection, statements, json_fields, prepare)
                except psycopg.Error as error:
                    if error.sqlstate in _PLAN_LOST:
                        connection.close()
                        if not again:
                            continue
                    elif connection.broken:
                        self.pool.drain()
                        if not all(statement.query.reads for statement in statements):
                            raise errors.CommitUnknown() from error
                        if again:
                            raise errors.Unavailable() from error
                        continue
                    raise
        raise AssertionError("the second round returns or raises")  # pragma: no cover

    def _send(self, connection: Connection, statements: Sequence[Statement],
              json_fields: JsonFields, prepare: bool | None) -> list[Row | None]:
        if len(statements) == 1 and not statements[0].long:
            statement = statements[0]
            return [_execute(connection, statement, json_fields, prepare).fetchone()]
        cursors = []
        # In autocommit mode a pipeline is one implicit transaction that commits at its end: what
        # is fetched inside is not yet committed, so nothing is answered before the block is left.
        with connection.pipeline():
            try:
                for statement in statements:
                    if statement.long:
                        self._set_timeout(connection, self._long)
                    cursors.append(_execute(connection, statement, json_fields, prepare))
                    if statement.long:
                        self._set_timeout(connection, self._usual)
            except Exception as error:
                # An error on our side would leave what was sent before it to be committed at the
                # block's end, and to be run again.
                if not getattr(error, "sqlstate", None):
                    connection.close()
                raise
        return [cursor.fetchone() for cursor in cursors]

    @staticmethod
    def _set_timeout(connection: Connection, milliseconds: str) -> None:
        connection.execute("SELECT set_config('statement_timeout', %s, true)", (milliseconds,))


def _execute(connection: Connection, statement: Statement, json_fields: JsonFields,
             prepare: bool | None) -> psycopg.Cursor[Any]:
    query = statement.query
    return connection.execute(query.value if json_fields == "value" else query.string,
                              statement.arguments, prepare=prepare)


def _read(statement: Statement, row: Row | None) -> Outcome:
    try:
        result = statement.read(row)
        if not (isinstance(result, Result) and isinstance(result.text, bytes)):
            raise TypeError(f"{statement.query.name} gave {type(result)}, no JSON text")
        return result
    except FlexdbError as error:
        return error
    except Exception as error:
        return _unforeseen(statement, error)


def _unforeseen(statement: Statement, error: Exception) -> errors.Internal:
    told = errors.Internal()
    logger.error("error_id %s: %s failed", told.data["error_id"], statement.query.name,
                 exc_info=error)
    return told
