"""A database of the original flex-db is adopted in place, and the original still works on it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.db.migrate import MigrationError, migrate, migration_ids, rollback
from flexdb.transfer.files import export_all, import_file
from tests.support import original, postgres
from tests.support.service import Service, request

Databases = Callable[..., Settings]
Row = dict[str, Any]

NIL = str(UUID(int=0))
T, U, K, N, R = (
    [str(UUID(int=kind << 64 | number)) for number in range(1, 12)] for kind in range(1, 6))
TIMES = ("2024-01-01T00:00:00.000000+00:00", "2024-02-29T23:59:59.999999+00:00",
         "1970-01-01T00:00:00.000001+00:00", "9999-12-31T23:59:59.000000+00:00")
DATA: tuple[Any, ...] = (
    None, {}, {"title": "Größe ✓", "n": [1, 2.5, None, True, {"deep": "\u2028"}]},
    {"integer": 10**400, "long": 2**63, "small": 1e-300}, [1, [2]], {"": {"": ""}}, "a text", 7,
    {"big": "x" * 100_000}, [[[[[[[[[[]]]]]]]]]], False)


def at(number: int) -> Row:
    return {"created_at": TIMES[number % 2], "updated_at": TIMES[2 + number % 2]}


# Two tenants, of which the second has little, a tenant that has nothing, and values that the
# service itself would not take.
ROWS: dict[str, list[Row]] = {
    "tenants": [{"id": T[0], "slug": "first", "name": "First", "status": "active", **at(0)},
                {"id": T[1], "slug": "", "name": " ", "status": "gone", **at(0)},
                {"id": T[2], "slug": "s" * 500, "name": "'\"\\\n", "status": "", **at(1)}],
    "users": [{"id": U[0], "email": "a@example.org", "display_name": "A", **at(0)},
              {"id": U[1], "email": "no address", "display_name": "", **at(1)},
              {"id": U[2], "email": "e" * 1000, "display_name": "💾", **at(1)}],
    "tenant_users": [{"tenant_id": T[0], "user_id": user, "role": role, "status": status}
                     for user, role, status in zip(U, ("owner", "", "x" * 300), ("active", "", "?"))
                     ] + [{"tenant_id": T[1], "user_id": U[0], "role": "member", "status": "no"}],
    "node_types": [{"id": K[n], "tenant_id": T[n // 4], "name": f"Type {n}" * n,
                    "description": text, "schema": schema, **at(n)}
                   for n, (text, schema) in enumerate((
                       (None, None), ("", {"type": "object"}), ("d" * 5000, {"type": 12}),
                       (None, [1]), ("of the second", "text")))],
    "nodes": [{"id": N[n], "tenant_id": T[n // 10], "node_type_id": K[(n % 3) if n < 10 else 4],
               "data": data, **at(n)} for n, data in enumerate(DATA)],
    "relationships": [{"id": R[n], "tenant_id": T[0], "source_node_id": N[n // 2],
                       "target_node_id": N[n // 3], "relationship_type": kind, "data": DATA[n],
                       **at(n)} for n, kind in enumerate(("depends_on", "depends_on", "", "ä ✓",
                                                         "x" * 2000, "depends_on"))],
}
VERSIONED = ("node_types", "nodes", "relationships")


def fill(connection: psycopg.Connection) -> None:
    for table, rows in ROWS.items():
        for row in rows:
            as_json = {name: json.dumps(row[name]) for name in ("data", "schema")
                       if row.get(name) is not None}
            original.insert(connection, table, **row | as_json)


def build(settings: Settings, renamed: bool) -> Settings:
    """Make a database of the original with rows in every table."""
    with postgres.connect(settings) as connection:
        original.build(connection, renamed)
        fill(connection)
    return settings


NAMES = pytest.mark.parametrize("renamed", [False, True], ids=["usual names", "other names"])


@pytest.fixture
def old(new_database: Databases, renamed: bool) -> Settings:
    return build(new_database(template=None), renamed)


@pytest.fixture
def connection(old: Settings) -> Iterator[psycopg.Connection]:
    with postgres.connect(old) as connection:
        yield connection


@pytest.fixture(scope="module", params=[False, True], ids=["usual names", "other names"])
def adopted(new_database: Databases, request: pytest.FixtureRequest) -> Iterator[Service]:
    """The service on an adopted database; each test leaves it as it was."""
    settings = build(new_database(template=None), request.param)
    assert migrate(settings) == migration_ids()
    service = Service.of(settings)
    yield service
    service.close()


@pytest.fixture
def writer(adopted: Service) -> Iterator[psycopg.Connection]:
    """The original's connection to the adopted database."""
    with postgres.connect(adopted.settings) as connection:
        yield connection


def ask(service: Service, method: str, **params: Any) -> Any:
    """Call a method; the reply may hold numbers that are too large for a faster parser."""
    reply = json.loads(service.post(request(method, params)).data)
    assert "error" not in reply, reply
    return reply["result"]


def walk(service: Service, table: str, **params: Any) -> tuple[list[Row], set[int]]:
    """Return the rows of a list, two a page, and every total that its pages told."""
    rows: list[Row] = []
    totals, token = set(), ""
    while True:
        page = ask(service, f"list_{table}", **params,
                   pagination={"page_size": 2, "page_token": token})
        rows += page[table]
        totals.add(page["pagination"]["total_count"])
        token = page["pagination"]["next_page_token"]
        if not token:
            return rows, totals


def by_id(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.get("id") or (row["tenant_id"], row["user_id"]))


def expected(table: str) -> list[Row]:
    if table == "tenant_users":
        users = {user["id"]: user for user in ROWS["users"]}
        return [row | {name: users[row["user_id"]][name] for name in ("email", "display_name")}
                for row in ROWS[table]]
    return [row | ({"version": 1} if table in VERSIONED else {}) for row in ROWS[table]]


@pytest.mark.parametrize("table", original.TABLES)
def test_every_row_is_listed_as_it_was(adopted: Service, table: str) -> None:
    wanted = expected(table)
    groups = [({"tenant_id": tenant}, [row for row in wanted if row["tenant_id"] == tenant])
              for tenant in T[:3]] if "tenant_id" in wanted[0] else [({}, wanted)]
    for params, rows in groups:
        assert (by_id(walk(adopted, table, **params)[0]), walk(adopted, table, **params)[1]) == (
            by_id(rows), {len(rows)})


def test_every_row_is_got_as_it_was(adopted: Service) -> None:
    for table in original.TABLES:
        for row in expected(table) if table != "tenant_users" else []:
            key = {name: row[name] for name in ("id", "tenant_id") if name in row}
            assert ask(adopted, f"get_{table[:-1]}", **key) == {table[:-1]: row}


@pytest.mark.parametrize(("table", "column"), [
    ("nodes", "node_type_id"), ("relationships", "source_node_id"),
    ("relationships", "target_node_id"), ("relationships", "relationship_type")])
def test_every_filtered_list_has_its_rows_and_their_number(
    adopted: Service, table: str, column: str
) -> None:
    for value in {row[column] for row in ROWS[table]}:
        # The service's own limit on what may be asked for, and what it takes for absent.
        if 0 < len(value) < 256:
            rows = [row for row in expected(table)
                    if row[column] == value and row["tenant_id"] == T[0]]
            listed, totals = walk(adopted, table, tenant_id=T[0], **{column: value})
            assert (by_id(listed), totals) == (by_id(rows), {len(rows)})


def test_every_row_is_exported_and_comes_back_into_another_database_as_it_was(
    adopted: Service, new_database: Databases, tmp_path: Path
) -> None:
    other = new_database()
    files = [str(tmp_path / name) for name in ("all.ndjson", "again.ndjson")]
    export_all(adopted.settings, files[0])
    import_file(other, files[0])
    export_all(other, files[1])
    assert Path(files[0]).read_bytes() == Path(files[1]).read_bytes()
    columns = "column_name <> 'size' AND table_name = ANY (%s)"
    with postgres.connect(adopted.settings) as old, postgres.connect(other) as new:
        for table in original.TABLES:
            names = ", ".join(name for (name,) in new.execute(
                f"SELECT column_name FROM information_schema.columns WHERE {columns}"
                " ORDER BY 1".encode(), [[table]]))
            rows = f"SELECT ({names})::text FROM {table} ORDER BY 1".encode()
            assert old.execute(rows).fetchall() == new.execute(rows).fetchall() != []


def test_the_original_still_creates_reads_changes_and_deletes(
    adopted: Service, writer: psycopg.Connection
) -> None:
    new, other = str(uuid4()), str(uuid4())
    rows: dict[str, Row] = {
        "tenants": {"id": new, "slug": "new", "name": "New", "status": "active"},
        "users": {"id": new, "email": "new@example.org", "display_name": "New"},
        "tenant_users": {"tenant_id": new, "user_id": new, "role": "owner", "status": "active"},
        "node_types": {"id": new, "tenant_id": new, "name": "New", "description": None,
                       "schema": {"type": "object"}},
        "nodes": {"id": new, "tenant_id": new, "node_type_id": new, "data": {"new": True}},
        "relationships": {"id": new, "tenant_id": new, "source_node_id": new,
                          "target_node_id": new, "relationship_type": "is", "data": {}},
    }
    changes: dict[str, Row] = {
        "tenants": {"slug": "changed", "name": "Changed", "status": "off"},
        "users": {"email": "changed@example.org", "display_name": "Changed"},
        "node_types": {"name": "Changed", "description": "D", "schema": None},
        "nodes": {"node_type_id": other, "data": {"new": False}},
        "relationships": {"relationship_type": "was", "data": {"new": False}},
    }
    times = dict(zip(("created_at", "updated_at"), TIMES))  # of long ago
    for table, row in rows.items():
        original.insert(writer, table, **row, **times)
        if table == "node_types":
            original.insert(writer, table, **row | {"id": other, "name": "Other"}, **times)
    original.insert(writer, "tenant_users", **rows["tenant_users"] | {"role": "guest"})
    for table, row in rows.items():
        key: Row = {name: row[name] for name in ("id", "tenant_id", "user_id") if name in row}
        assert original.select(writer, table, **key) is not None
        if table == "tenant_users":
            assert walk(adopted, table, tenant_id=new)[0] == [
                row | {"role": "guest"} | changes["users"]]
            continue
        served = ask(adopted, f"get_{table[:-1]}", **key)[table[:-1]]
        assert served == row | times | ({"version": 1} if table in VERSIONED else {})
        assert original.update(writer, table, key, **changes[table]) == 1
        changed = ask(adopted, f"get_{table[:-1]}", **key)[table[:-1]]
        assert changed.pop("updated_at") > served.pop("updated_at")
        assert changed == served | changes[table] | (
            {"version": 2} if table in VERSIONED else {})
        if table in VERSIONED:
            assert ask(adopted, f"update_{table[:-1]}", **key)[table[:-1]]["version"] == 3
            assert original.update(writer, table, key, **changes[table]) == 1
            assert ask(adopted, f"get_{table[:-1]}", **key)[table[:-1]]["version"] == 4
    for table in ("relationships", "nodes", "node_types"):
        assert len(walk(adopted, table, tenant_id=new)[0]) == walk(
            adopted, table, tenant_id=new)[1].pop()
        assert original.delete(writer, table, id=new, tenant_id=new) == 1
        assert original.select(writer, table, id=new, tenant_id=new) is None
        assert original.delete(writer, table, id=new, tenant_id=T[0]) == 0
    assert original.delete(writer, "tenant_users", tenant_id=new, user_id=new) == 1
    assert original.delete(writer, "users", id=new) == 1
    assert original.delete(writer, "tenants", id=new) == 1
    assert original.select(writer, "node_types", id=other) is None


def test_what_the_original_leaves_out_gets_its_defaults(
    adopted: Service, writer: psycopg.Connection
) -> None:
    key: Row = {"id": str(uuid4()), "tenant_id": T[1]}
    writer.execute("INSERT INTO nodes (id, tenant_id, node_type_id) VALUES (%s, %s, %s)",
                   [*key.values(), K[4]])
    node = ask(adopted, "get_node", **key)["node"]
    assert (node["data"], node["version"]) == ({}, 1)
    assert original.delete(writer, "nodes", **key) == 1


def test_an_adopted_database_has_the_same_schema_as_a_fresh_one(
    writer: psycopg.Connection, new_database: Databases
) -> None:
    with postgres.connect(new_database()) as fresh:
        assert original.catalog(writer) == original.catalog(fresh)


@NAMES
def test_the_originals_own_record_of_migrations_is_untouched(
    old: Settings, connection: psycopg.Connection
) -> None:
    before = original.rows(connection, "schema_migrations")
    migrate(old)
    assert original.rows(connection, "schema_migrations") == before


@pytest.mark.longest
@pytest.mark.long
@NAMES
def test_rolling_back_gives_the_originals_keys_back_with_all_rows(
    old: Settings, connection: psycopg.Connection
) -> None:
    def keys() -> list[str]:
        """What there is, whatever it is called."""
        return sorted(re.sub(r'^(constraint|CREATE .*INDEX) ("(""|[^"])+"|.+?) (?=on |ON )',
                             r"\1 ", line) for line in original.catalog(connection))

    before = keys(), original.rows(connection)
    migrate(old)
    assert [rollback(old) for _ in migration_ids()[1:]] == migration_ids()[:0:-1]
    assert (keys(), original.rows(connection)) == before
    migrate(old)
    for table in ("tenants", "users", "tenant_users"):
        columns = ", ".join(original.COLUMNS[table].split())
        assert sorted(str(row) for row in connection.execute(
            f"SELECT {columns} FROM {table}".encode())) == before[1][table]


@NAMES
def test_rows_that_point_across_tenants_stop_the_adoption_before_anything_is_changed(
    old: Settings, connection: psycopg.Connection
) -> None:
    strays = [str(uuid4()) for _ in range(28)]
    edge = {"tenant_id": T[0], "relationship_type": "strays", **at(0)}
    for stray in strays[:2]:
        original.insert(connection, "nodes", id=stray, tenant_id=T[1], node_type_id=K[0], **at(0))
    for stray in strays[2:20]:
        original.insert(connection, "relationships", id=stray, source_node_id=N[10],
                        target_node_id=N[0], **edge)
    for stray in strays[20:]:
        original.insert(connection, "relationships", id=stray, source_node_id=N[0],
                        target_node_id=N[10], **edge)
    before = original.catalog(connection), original.rows(connection)
    for _ in range(2):
        with pytest.raises(MigrationError) as stopped:
            migrate(old)
        assert (original.catalog(connection), original.rows(connection)) == before
    told = str(stopped.value)
    assert "28 rows" in told and "first 20" in told and "\n" not in told
    listed = re.findall(r"(?:node|relationship) ([0-9a-f-]{36}) of tenant", told)
    assert len(listed) == len(set(listed)) == 20 and set(listed) <= set(strays)
    for table in ("nodes", "relationships"):
        connection.execute(f"DELETE FROM {table} WHERE id = ANY(%s)".encode(), [strays])
    assert migrate(old) == migration_ids()[1:]
    assert original.rows(connection, "schema_migrations") == {
        "schema_migrations": before[1]["schema_migrations"]}


@pytest.mark.parametrize("renamed", [False])
def test_an_edge_that_strays_at_both_ends_is_one_row(
    old: Settings, connection: psycopg.Connection
) -> None:
    original.insert(connection, "relationships", id=R[10], tenant_id=T[1], source_node_id=N[0],
                    target_node_id=N[1], relationship_type="strays", **at(0))
    with pytest.raises(MigrationError, match="1 rows? ") as stopped:
        migrate(old)
    assert str(stopped.value).count(R[10]) == 1


@pytest.mark.parametrize("renamed", [False])
def test_the_nil_id_is_an_id_like_any_other(old: Settings, connection: psycopg.Connection) -> None:
    original.insert(connection, "node_types", id=NIL, tenant_id=T[0], name="Nil", **at(0))
    original.insert(connection, "nodes", id=NIL, tenant_id=T[0], node_type_id=NIL, **at(0))
    assert migrate(old) == migration_ids()
    service = Service.of(old)
    listed, totals = walk(service, "nodes", tenant_id=T[0], node_type_id=NIL)
    assert ([node["id"] for node in listed], totals) == ([NIL], {1})
    assert walk(service, "nodes", tenant_id=T[0])[1] == {11}
    service.close()
