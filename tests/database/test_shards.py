"""What a shard of a distributed database runs by itself: the functions of its triggers, and theirs.

There a statement that names a table is planned for all servers. It finds no rows that a trigger is
given, is refused where it would have to go elsewhere; and what is written out where it is called is
planned as if there were one server. This holds the form of these functions without a Citus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pglast
import psycopg
import pytest
from pglast import ast

from flexdb.db.citus.tables import COLUMN, Spread, tables_of
from tests.support.sql_tree import below, called, is_a

DISTRIBUTED = {*tables_of(Spread.DISTRIBUTED)}
TABLES = DISTRIBUTED | {*tables_of(Spread.REFERENCE)}
# The condition under which a table is whole, and so no shard.
WHOLE = "is_whole"
ASSIGNED = re.compile(r"\s*[\w.\[\]]+\s*(?::=|=)\s*", re.DOTALL)
EXPRESSION, ASSIGNMENTS = 2, (3, 4, 5)


class Stated(NamedTuple):
    """A statement within a function.

    :param rows: the names of what a trigger is given
    """

    function: str
    tree: Any
    rows: set[str]


@pytest.fixture(scope="module")
def stated(connection: psycopg.Connection) -> list[Stated]:
    given: dict[str, set[str]] = {}
    for name, old, new in connection.execute("""
            SELECT p.proname, t.tgoldtable, t.tgnewtable
            FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE t.tgrelid::regclass::text = ANY (%s) AND NOT t.tgisinternal
              AND t.tgtype & 32 = 0""", [[*DISTRIBUTED]]):
        given.setdefault(name, set()).update({old, new} - {None})
    assert len(given) > 15 and sum(map(bool, given.values())) >= 6
    made = {name: (language, text) for name, language, text in connection.execute("""
        SELECT p.proname, l.lanname, pg_get_functiondef(p.oid)
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'public'::regnamespace""")}
    reached, found = [*given], []
    for name in reached:
        language, text = made[name]
        reached += [called for called in dict.fromkeys(re.findall(r"\b(flexdb_\w+)\(", text))
                    if called in made and called not in reached]
        if language == "plpgsql":
            found += [Stated(name, tree, given.get(name, set())) for tree in trees(text)]
    assert {"flexdb_fold_counts", "flexdb_enter", "flexdb_derive_index"} < {*reached}
    return found


def trees(text: str) -> Iterator[Any]:
    """Give the statements of a function, but those for a table that is whole."""
    # Of types that are tables, the parser knows no arrays.
    for query, mode in queries(pglast.parse_plpgsql(re.sub(r"\bflexdb_\w+\[\]", "text[]", text))):
        if mode in ASSIGNMENTS:
            query = ASSIGNED.sub("", query, count=1)
        (raw,) = pglast.parse_sql(f"SELECT {query}" if mode else query)
        yield raw.stmt


def queries(node: Any) -> Iterator[tuple[str, int]]:
    if isinstance(node, dict):
        if expression := node.get("PLpgSQL_expr"):
            yield expression["query"], expression.get("parseMode", 0)
        elif (branch := node.get("PLpgSQL_stmt_if")) and (
                branch["cond"]["PLpgSQL_expr"]["query"] == WHOLE):
            yield from queries(branch.get("else_body"))
        else:
            yield from (one for value in node.values() for one in queries(value))
    elif isinstance(node, list):
        yield from (one for value in node for one in queries(value))


def named(tree: Any) -> set[str]:
    return {one.relname for one in below(tree) if is_a(one, ast.RangeVar)}


def test_no_statement_reads_the_rows_of_a_trigger_beside_a_table(stated: list[Stated]) -> None:
    assert [(one.function, names) for one in stated
            if (names := named(one.tree)) & one.rows and names & TABLES] == []
    assert sum(1 for one in stated if named(one.tree) & one.rows) > 8


def test_what_is_inserted_are_values_or_rows_of_the_same_tenant(stated: list[Stated]) -> None:
    def is_pushed_down(insert: Any) -> bool:
        select = insert.selectStmt
        if select.valuesLists:
            return True
        place = [column.name for column in insert.cols].index(COLUMN)
        value = select.targetList[place].val
        return bool(named(select) & DISTRIBUTED) and is_a(value, ast.ColumnRef) and \
            value.fields[-1].sval == COLUMN

    inserts = [(one, node) for one in stated for node in below(one.tree)
               if is_a(node, ast.InsertStmt)]
    assert len(inserts) > 15
    assert [one.function for one, node in inserts if not is_pushed_down(node)] == []
    assert [one.function for one, node in inserts if node is not one.tree] == []


def test_no_function_that_is_written_out_reads_a_table(
        stated: list[Stated], connection: psycopg.Connection) -> None:
    written_out = {name for name, source in connection.execute("""
        SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE l.lanname = 'sql' AND p.pronamespace = 'public'::regnamespace
          AND p.prorettype <> 'void'::regtype""")
        if any(re.search(rf"\b{table}\b", source) for table in TABLES)}
    assert "flexdb_total_bytes" in written_out
    assert {(one.function, name) for one in stated
            for name in called(one.tree) & written_out} == set()


def test_a_table_is_whole_where_its_name_is_the_one_that_it_was_made_by(
        connection: psycopg.Connection) -> None:
    """And not, as a shard's, that name and a number."""
    guarded = {name: source for name, source in connection.execute(
        "SELECT proname, prosrc FROM pg_proc WHERE prosrc LIKE %s", [f"%IF {WHOLE} THEN%"])}
    assert len(guarded) == 5
    for name, source in guarded.items():
        (table,) = {relation for relation, in connection.execute(
            "SELECT t.tgrelid::regclass::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE p.proname = %s", [name])}
        assert re.findall(rf"{WHOLE} := (.*);", source) == ["true"]
        assert re.search(rf"is_one_of_many AND TG_TABLE_NAME = '{table}' THEN\n\s+{WHOLE} := true;",
                         source), name
