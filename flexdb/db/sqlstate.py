"""What an error of PostgreSQL means to a caller: SQLSTATE and constraint name to the error tree."""

from __future__ import annotations

import re

import orjson
import psycopg

from flexdb import errors
from flexdb.db import patterns
from flexdb.db.address import reason
from flexdb.db.contracts import to_refusal
from flexdb.errors import FlexdbError
from flexdb.errors.clashes import Clash, NotUnique

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
    "flexdb_keys_pkey": "id",
    "flexdb_events_pkey": "id",
    "flexdb_roles_pkey": "id",
    "flexdb_roles_name": "name",
    "flexdb_invitations_pkey": "id",
    "flexdb_relationship_types_pkey": "id",
    "flexdb_relationship_types_name": "name",
    "flexdb_webhooks_pkey": "id",
}
# Likewise of a unique index that is no constraint, since it is over a part of the rows.
_UNIQUE_INDEXES = {"flexdb_tenants_slug_key": "slug"}
_FOREIGN = {
    "tenant_users_tenant_id_fkey": "tenant_id",
    "tenant_users_user_id_fkey": "user_id",
    "node_types_tenant_id_fkey": "tenant_id",
    "flexdb_keys_tenant_id_fkey": "tenant_id",
    "flexdb_roles_tenant_id_fkey": "tenant_id",
    "flexdb_invitations_tenant_id_fkey": "tenant_id",
    "flexdb_relationship_types_tenant_id_fkey": "tenant_id",
    "flexdb_webhooks_tenant_id_fkey": "tenant_id",
    "nodes_node_type_id_fkey": "node_type_id",
    "relationships_source_node_id_fkey": "source_node_id",
    "relationships_target_node_id_fkey": "target_node_id",
}
# What only one node of a type may have: the triggers of 0016-declarations tell which have it.
_NOT_UNIQUE = "flexdb_unique_pkey"
_NAMED = {*_UNIQUE, *_UNIQUE_INDEXES, *_FOREIGN, _NOT_UNIQUE}
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
# not_null_violation, foreign_key_violation, unique_violation, check_violation: where they are told
# as what they are, no gap comes here.
_REFUSED = {"23502", "23503", "23505", "23514"}
# What the command distribute lets a database refuse.
_NOT_DISTRIBUTED = "FD001"
# PgBouncer's words for a call that it gave to no connection to PostgreSQL.
_NOT_SENT = ("query_wait_timeout", "server login has been failing", "server_login_retry")


def was_not_sent(error: psycopg.Error) -> bool:
    """Tell whether PostgreSQL never saw the statement, so that sending it again does no harm."""
    return error.sqlstate == "08P01" and any(words in str(error) for words in _NOT_SENT)


def to_error(error: psycopg.Error) -> FlexdbError | None:
    """Return what a caller is told of an error of PostgreSQL, or None when it is our own fault.

    Nothing of the server's message goes along: it names tables and quotes rows.
    """
    if (known := patterns.told(error) or to_refusal(error)) is not None:
        return known
    state = error.sqlstate or ""
    constraint = _constraint(error)
    if state == "23505" and (field := _UNIQUE.get(constraint) or _UNIQUE_INDEXES.get(constraint)):
        return errors.AlreadyExists(f"{field} is taken", {field: ["is taken"]})
    if clashes := clashes_of(error):
        return NotUnique.of(clashes)
    if state == "23503" and constraint in _FOREIGN:
        field = _FOREIGN[constraint]
        if field == "tenant_id":
            return errors.NotFound.of(field)
        return errors.NotFound(f"{field} is not there", {field: ["is not there"]})
    if state == _NOT_DISTRIBUTED:
        return errors.PermissionDenied("this is not to be had while the database is distributed")
    kind = _STATES.get(state) or _STATES.get(state[:2])
    if kind is None:
        return None
    told = kind(why=reason(error)) if issubclass(kind, errors.Unavailable) else kind()
    told.__cause__ = error
    return told


def _constraint(error: psycopg.Error) -> str:
    """Return the name of the constraint that an error is about; "" where it is about none of ours.

    What one server has from another, as with Citus, names it in the message alone, and behind it
    stands the number of the part of the table: ``nodes_pkey_102009``.
    """
    if name := error.diag.constraint_name:
        return name
    words = re.findall(r"\w+", error.diag.message_primary or "")
    named = (re.sub(r"_\d+$", "", word) for word in words)
    return next((word for word in named if word in _NAMED), "")


def clashes_of(error: psycopg.Error) -> list[Clash]:
    """Return which nodes have what only one may have; none where that is not the error."""
    if _constraint(error) != _NOT_UNIQUE:
        return []
    return [Clash(**clash) for clash in orjson.loads(error.diag.message_detail or "[]")]


def gap(outcome: FlexdbError) -> str | None:
    """Return the SQLSTATE of an error that says that validation let through what it should not.

    None when it comes from no such error; "" when psycopg refused the value, and not the server.
    """
    error = outcome.__cause__
    if not isinstance(error, psycopg.Error):
        return None
    if (state := error.sqlstate) is None:
        return "" if isinstance(error, psycopg.DataError) else None
    return state if state[:2] in ("22", "54") or state in _REFUSED else None
