"""Row security: PostgreSQL's own fence between tenants, switched on and looked at.

The policies are those of the migration 0009-row-security: what a tenant stores is seen by whoever
names that tenant, and by superusers and, unless it is forced, by the owner of the tables.
https://www.postgresql.org/docs/current/ddl-rowsecurity.html
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import psycopg

from flexdb.config import Settings
from flexdb.db.address import conninfo, direct, not_reached, reason

logger = logging.getLogger(__name__)

_TABLES = """
    SELECT c.oid::regclass::text, c.relrowsecurity, row_security_active(c.oid),
           pg_has_role(c.relowner, 'USAGE')
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    WHERE p.polname = 'flexdb_tenant' AND pg_table_is_visible(c.oid)
    ORDER BY 1
"""
_PASSES_ALL = """
    SELECT r.rolsuper OR r.rolbypassrls FROM pg_roles r WHERE r.rolname = current_user
"""
# What filters look values up in an index with, and what they compare in each row that a scan passes
# by. A policy goes first where a function might tell what it saw by an error, and as filters ask
# them these tell nothing.
FILTERS = ("jsonb_contains(jsonb, jsonb)", "jsonb_path_exists_opr(jsonb, jsonpath)",
           "jsonb_set(jsonb, text[], jsonb, boolean)", "uuid_out(uuid)", "textin(cstring)",
           "jsonb_extract_path(jsonb, text[])")
_TELLING = """
    SELECT p.oid::regprocedure::text
    FROM pg_proc p
    WHERE p.oid = ANY (%s::regprocedure[]) AND NOT p.proleakproof
    ORDER BY 1
"""
_ON = "row security is on"
# Calls are not to wait behind a switch that waits for a long transaction.
_PATIENCE = "SET LOCAL lock_timeout = '5s'"


class RowSecurityError(Exception):
    """Row security is not as it must be; the message says in one line how, and what to do."""


class State(NamedTuple):
    """How row security is, for the user of the settings.

    :param tables: the tables that have a policy
    :param enabled: whether it is on for each of them
    :param active: for which of them it holds
    :param owns: whether the user owns one of them
    :param passes_all: whether the user is a superuser, or has BYPASSRLS
    :param telling: the functions of filters that are not LEAKPROOF
    """

    tables: list[str]
    enabled: bool
    active: list[str]
    owns: bool
    passes_all: bool
    telling: list[str]


def switch(settings: Settings, on: bool, force: bool = False) -> State:
    """Switch row security on or off for all tables that have a policy, and return how it is then.

    :param force: whether it also holds for the owner of the tables
    :raises RowSecurityError: when there is no policy, or the user does not own the tables
    :raises NotReachable: when PostgreSQL does not answer
    """
    if on and not settings.db_row_security:
        raise RowSecurityError("first set DB_ROW_SECURITY=true, here and wherever flexdb runs, and "
                               "restart it: otherwise it would find no rows")
    commands = ("ENABLE ROW LEVEL SECURITY, {} FORCE ROW LEVEL SECURITY".format(
        "" if force else "NO") if on else
        "DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
    try:
        with psycopg.connect(conninfo(direct(settings)), prepare_threshold=None) as connection:
            connection.execute(_PATIENCE)
            found = _state(connection)
            if not found.tables:
                raise RowSecurityError("the database has no policies: run the command migrate "
                                       "first")
            for table in found.tables:
                connection.execute(f"ALTER TABLE {table} {commands}".encode())
            return _state(connection)
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise not_reached(error, direct(settings)) from error
        raise RowSecurityError(f"row security was not switched: {reason(error)}") from error


def check(settings: Settings) -> None:
    """Refuse what would find no rows, and warn where row security does not hold as it is set.

    :raises RowSecurityError: when it is on and DB_ROW_SECURITY is not set
    :raises NotReachable: when PostgreSQL does not answer
    """
    try:
        with psycopg.connect(conninfo(settings, settings.statement_timeout), autocommit=True,
                             prepare_threshold=None) as connection:
            found = _state(connection)
    except psycopg.Error as error:
        raise not_reached(error, settings) from error
    if not settings.db_row_security:
        if found.active:
            raise RowSecurityError(unset())
        return
    for line in warnings(settings, found):
        logger.warning("%s", line)


def unset() -> str:
    """Return what is told where row security is on, and statements name no tenant."""
    return f"{_ON}: set DB_ROW_SECURITY=true, or no row would be found"


def warnings(settings: Settings, found: State) -> list[str]:
    """Return what an operator who wants row security is to know of it."""
    told = []
    user = settings.db_user
    if not found.enabled:
        told.append("DB_ROW_SECURITY=true, and row security is off: `python -m flexdb row-security "
                    "on` switches it on")
    if found.passes_all:
        told.append(f"row security does not hold for {user}, who is a superuser or has BYPASSRLS: "
                    "let flexdb run as another user, who does not own the tables")
    elif found.enabled and len(found.active) < len(found.tables) and found.owns:
        told.append(f"row security does not hold for {user}, who owns the tables: let flexdb run "
                    "as another user, or switch it on with --force")
    if found.telling:
        told.append("with row security, filters use no index, or look longer at each row that a "
                    "scan passes by: as a superuser, in this database, "
                    + " ".join(f"ALTER FUNCTION pg_catalog.{name} LEAKPROOF;"
                               for name in found.telling))
    return told


def _state(connection: psycopg.Connection[Any]) -> State:
    tables = connection.execute(_TABLES.encode()).fetchall()
    passes = connection.execute(_PASSES_ALL.encode()).fetchone()
    telling = connection.execute(_TELLING.encode(), (list(FILTERS),)).fetchall()
    return State([name for name, *_ in tables], all(enabled for _, enabled, *_ in tables),
                 [name for name, _, active, _ in tables if active],
                 any(owned for *_, owned in tables), bool(passes and passes[0]),
                 [name for name, in telling])
