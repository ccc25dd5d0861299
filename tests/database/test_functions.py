"""What statements call: what PostgreSQL says of a function decides where a statement can run.

On a database in parts on several servers, what calls volatile functions as it writes is refused or
goes through one of them all, and so does an INSERT within another statement; and a function that
reads a table cannot be sent to where the rows are.
"""

from __future__ import annotations

import re
from typing import Any

import pglast
import psycopg
from pglast import ast

from flexdb.plan import Query
from tests.support.queries import all_queries
from tests.support.sql_tree import below, called, is_a

ALL = [*all_queries(("value",)).values()]
WRITES = [query for query in ALL if query.kind == "write" or query.name == "clear"]
# Volatile functions in what writes, and why.
VOLATILE = {
    # Tells the triggers who calls, and so belongs where these run.
    "set_config",
    # Hold up others: a user who is invited while being created, a schema that was checked.
    "pg_advisory_xact_lock", "flexdb_relationship_schema",
    # Write themselves, and are all there is to their statements, which are few; or upkeep.
    "flexdb_build_index", "flexdb_erase_history", "flexdb_restart_changes", "flexdb_forget_keys",
}
# What gives JSON, which is made by functions that are no more than stable, of the row that it
# inserts: written out behind it, it would be an INSERT within another statement.
RETURNING = {"create_node", "create_node_type", "restore_node", "restore_relationship"}
# What inserts within another statement: those that must say why they did not, as it is with rare or
# large ones and with a relationship, of which each end may be missing.
INSERTS = {
    "create_tenant", "create_user", "add_user_to_tenant", "create_invitation", "create_key",
    "create_role", "create_relationship_type", "create_webhook", "test_webhook", "update_limits",
    "create_relationship", "create_nodes", "create_new_nodes", "create_relationships",
    "create_new_relationships", "upsert_nodes", "claim_keys",
    "restore_relationships", "enter_deliveries", "add_usage", "exchange_rates",
}
# Functions of ours that read tables, and why statements call them.
READING = {
    # Compares transactions of one machine, and so is refused where there are more.
    "flexdb_check_quota",
    # Read what node and relationship types declare.
    "flexdb_relationship_schema",
    # Number, erase, build or forget a tenant's rows, with what each step found.
    "flexdb_number_changes", "flexdb_restart_changes", "flexdb_erase_history",
    "flexdb_build_index", "flexdb_forget_keys",
}


def parsed(query: Query) -> Any:
    return pglast.parse_sql(query.text.decode())[0].stmt


def less_than(connection: psycopg.Connection, volatility: str, names: set[str]) -> set[str]:
    """Return those of the functions that PostgreSQL counts among these kinds, in some form."""
    rows = connection.execute("SELECT p.proname FROM pg_proc p WHERE p.proname = ANY (%s)"
                              " AND p.provolatile = ANY (%s)", [[*names], [*volatility]])
    return {name for name, in rows.fetchall()}


def test_what_writes_calls_no_volatile_function(connection: psycopg.Connection) -> None:
    found = {query.name: less_than(connection, "v", called(parsed(query))) for query in WRITES}
    assert {name: names - VOLATILE for name, names in found.items() if names - VOLATILE} == {}
    assert set().union(*found.values()) == VOLATILE


def test_what_is_returned_of_a_row_is_made_by_immutable_functions(
        connection: psycopg.Connection) -> None:
    found = {query.name for query in WRITES for node in below(parsed(query))
             if (clause := getattr(node, "returningClause", None))
             and less_than(connection, "vs", called(clause.exprs))}
    assert found == RETURNING


def test_no_insert_stands_within_another_statement() -> None:
    assert {query.name for query in WRITES for node in below(parsed(query))
            if is_a(node, ast.CommonTableExpr) and is_a(node.ctequery, ast.InsertStmt)} == INSERTS


def test_no_function_of_ours_that_a_statement_calls_reads_a_table(
        connection: psycopg.Connection) -> None:
    tables = [name for name, in connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
        " 'public'::regnamespace").fetchall()]
    ours: dict[str, str] = dict(connection.execute(
        "SELECT proname, string_agg(prosrc, ' ') FROM pg_proc WHERE pronamespace ="
        " 'public'::regnamespace GROUP BY proname").fetchall())

    def reads(name: str, seen: frozenset[str] = frozenset()) -> bool:
        text = ours[name]
        further = {other for other in re.findall(r"\bflexdb_\w+(?=\()", text)
                   if other in ours} - seen - {name}
        own = re.search(rf"\b(FROM|JOIN|INTO|UPDATE) ({'|'.join(tables)})\b", text)
        return own is not None or any(reads(other, seen | {name}) for other in further)

    names = set().union(*(called(parsed(query)) for query in ALL)) & ours.keys()
    assert {name for name in names if reads(name)} == READING


def test_the_reader_finds_what_it_looks_for(connection: psycopg.Connection) -> None:
    tree: Any = pglast.parse_sql("UPDATE nodes n SET data = to_jsonb(clock_timestamp()) RETURNING"
                            " concat(n.id), lower('x')")[0].stmt
    assert less_than(connection, "v", called(tree)) == {"clock_timestamp"}
    assert less_than(connection, "vs", called(tree.returningClause.exprs)) == {"concat"}
