"""Where each table is when the database is distributed, against the migrated schema and the SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.db.citus import definitions
from flexdb.db.citus.cluster import undone
from flexdb.db.citus.distribution import distributing, shortened
from flexdb.db.citus.fitness import reads_rows_beside_tables, unfit_triggers
from flexdb.db.citus.tables import COLUMN, FIRST, FORGOTTEN, TABLES, Spread, tables_of
from flexdb.sql.loader import LISTS
from tests.support import postgres
from tests.support.statements import statements

LOCAL = r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+({})\b".format("|".join(tables_of(Spread.LOCAL)))
ELSEWHERE = r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+({})\b".format("|".join(
    table for table, place in TABLES.items() if place is not Spread.LOCAL))


@pytest.fixture(scope="module")
def migrated(new_database: Callable[..., Settings]) -> Iterator[psycopg.Connection]:
    settings = new_database()
    with postgres.connect(settings) as connection:
        yield connection
    postgres.drop_database(settings)


def test_every_table_has_a_place(migrated: psycopg.Connection) -> None:
    there = {name for name, in migrated.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p')")}
    assert TABLES.keys() == there
    assert {*FORGOTTEN} < {*tables_of(Spread.DISTRIBUTED)} and FIRST in TABLES
    assert undone(migrated) == tables_of(Spread.REFERENCE) + tables_of(Spread.DISTRIBUTED)


def test_each_key_of_a_distributed_table_begins_with_its_tenant(migrated: psycopg.Connection
                                                                ) -> None:
    tables = tables_of(Spread.DISTRIBUTED)
    keys = migrated.execute("""
        SELECT c.relname, i.indexrelid::regclass::text,
               (SELECT a.attname FROM pg_attribute a
                WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE i.indisunique AND c.relname = ANY (%s)""", (tables,)).fetchall()
    assert [key for key in keys if key[2] != COLUMN] == []
    columns = migrated.execute("""
        SELECT a.attrelid::regclass::text, a.atttypid::regtype::text, a.attnotnull
        FROM pg_attribute a WHERE a.attname = %s AND a.attrelid::regclass::text = ANY (%s)""",
        (COLUMN, tables)).fetchall()
    assert {table for table, _, _ in columns} == {*tables}
    assert {(type, required) for _, type, required in columns} == {("uuid", True)}


def test_foreign_keys_are_such_as_citus_allows(migrated: psycopg.Connection) -> None:
    """Along the tenant from one table of its to another, and to what is on each machine."""
    found = migrated.execute("""
        SELECT k.conrelid::regclass::text, k.confrelid::regclass::text, ARRAY(
            SELECT (SELECT a.attname FROM pg_attribute a
                    WHERE a.attrelid = k.conrelid AND a.attnum = pair.here)
                   || ' ' ||
                   (SELECT a.attname FROM pg_attribute a
                    WHERE a.attrelid = k.confrelid AND a.attnum = pair.there)
            FROM unnest(k.conkey, k.confkey) pair (here, there)), k.confdeltype
        FROM pg_constraint k WHERE k.contype = 'f'""").fetchall()
    assert len(found) > 15
    for source, target, pairs, on_delete in found:
        way = TABLES[source], TABLES[target]
        assert way in {(Spread.DISTRIBUTED, Spread.DISTRIBUTED),
                       (Spread.DISTRIBUTED, Spread.REFERENCE),
                       (Spread.REFERENCE, Spread.REFERENCE)}, (source, target)
        if way == (Spread.DISTRIBUTED, Spread.DISTRIBUTED):
            assert f"{COLUMN} {COLUMN}" in pairs, source
        # Setting a tenant to NULL would move the row.
        assert on_delete in ("a", "c"), source


def test_no_statement_reads_a_table_of_the_coordinator_beside_another(migrated: psycopg.Connection
                                                                      ) -> None:
    texts = {query.name: query.text.decode() for query in statements()}
    texts |= {section.name: section.text for section in LISTS.values()}
    local = {name for name, text in texts.items() if re.search(LOCAL, text)}
    assert local == {"exchange_rates", "list_events", "note_event"}
    assert [name for name in local if re.search(ELSEWHERE, texts[name])] == []
    functions = migrated.execute("SELECT proname, prosrc FROM pg_proc "
                                 "WHERE pronamespace = 'public'::regnamespace").fetchall()
    assert [name for name, source in functions if re.search(LOCAL, source)] == []


def test_functions_come_behind_those_that_they_call(migrated: psycopg.Connection) -> None:
    names = definitions.functions(migrated)
    sources: dict[str, str] = dict(migrated.execute(
        "SELECT p.oid::regprocedure::text, p.prosrc FROM pg_proc p "
        "JOIN pg_language l ON l.oid = p.prolang WHERE l.lanname = 'sql'").fetchall())
    places = {name.partition("(")[0]: place for place, name in enumerate(names)}
    for name in names:
        for called in re.findall(r"\b(flexdb_\w+)\(", sources.get(name, "")):
            assert places[called] < places[name.partition("(")[0]] or called in name


@pytest.mark.parametrize(("statement", "is_unfit"), [
    ("INSERT INTO flexdb_usage SELECT c.tenant_id FROM changed c;", True),
    ("IF EXISTS (SELECT FROM changed c JOIN nodes n ON n.id = c.id) THEN RETURN NULL; END IF;",
     True),
    ("PERFORM FROM nodes n USING changed -- no comment\n ;", True),
    ("FOR x IN SELECT c.tenant_id FROM changed c LOOP INSERT INTO nodes VALUES (x.id); END LOOP;",
     False),
    ("IF NOT EXISTS (SELECT FROM changed c) THEN INSERT INTO nodes VALUES (1); END IF;", False),
    ("IF a THEN PERFORM FROM changed c; ELSE DELETE FROM nodes; END IF;", False),
    ("PERFORM flexdb_derive_index(c.id) FROM changed c; DELETE FROM nodes; -- FROM changed", False),
    ("IF is_whole THEN\n        PERFORM FROM nodes n USING changed;\n    END IF;", False),
    ("IF is_whole THEN\n        x := 1;\n    END IF;\n    PERFORM FROM nodes USING changed;", True),
])
def test_triggers_that_read_their_rows_beside_a_table_are_found(statement: str,
                                                                is_unfit: bool) -> None:
    source = f"DECLARE x record;\nBEGIN\n    {statement}\n    RETURN NULL;\nEND"
    assert reads_rows_beside_tables(source, ["changed"]) is is_unfit


def test_a_shard_can_run_each_trigger(migrated: psycopg.Connection) -> None:
    assert unfit_triggers(migrated, tables_of(Spread.DISTRIBUTED)) == []


def test_nothing_fires_while_rows_are_copied(migrated: psycopg.Connection) -> None:
    lines = [shortened(line) for line in distributing(migrated, undone(migrated), 32)]

    def places(words: str) -> list[int]:
        return [place for place, line in enumerate(lines) if line.startswith(words)]

    copied = places("SELECT create_distributed_table") + places("SELECT create_reference_table")
    for before in ("DROP TRIGGER", "DROP POLICY",
                   "SELECT create_distributed_function('flexdb_slug"):
        assert places(before) and max(places(before)) < min(copied)
    for behind in ("CREATE TRIGGER", "SELECT create_distributed_function('flexdb_nil"):
        assert places(behind) and min(places(behind)) > max(copied)
    with_keys = [place for place, line in enumerate(lines) if " FOREIGN KEY " in line
                 and not line.startswith("INSERT")]
    assert with_keys and min(with_keys) > max(copied)
