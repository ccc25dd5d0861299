"""Out and in again is the same, whatever the tables hold: rows that SQL made, in every column."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.errors import FlexdbError
from flexdb.transfer import lines as transfer_lines
from flexdb.transfer.files import export_all, import_file
from tests.support.commands import failure, finish, flexdb
from tests.support.odd_data import NO_OBJECTS, ODD
from tests.support.postgres import connect
from tests.support.service import Service
from tests.support.totals import differences
from tests.support.transfers import TENANT, given_back, small, taken, written

Databases = Callable[..., Settings]
TABLES = ("tenants", "users", "tenant_users", "node_types", "nodes", "relationships")

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
                ) | st.sampled_from(["", " ", "\\N", "\\.", "\x01\x02\x03", "\n\r\t", "no address",
                                     "x" * 300, "null", '{"a": 1}', "\u2028", "e\u0301"])
TIMES = st.datetimes().map(lambda time: f"{time.isoformat()}+00:00") | st.sampled_from(
    ["infinity", "-infinity", "4714-11-24 00:00:00+00 BC", "0044-03-15 12:00:00.5+00 BC",
     "0001-12-31 23:59:59.999999+00 BC", "0001-01-01 00:00:00+00", "10000-01-01 00:00:00+00",
     "294276-12-31 23:59:59.999999+00"])
VERSIONS = st.integers(-2**63, 2**63 - 1) | st.just(1)
DATA = st.sampled_from([None, "null", "{}", *NO_OBJECTS.values(), ODD["1e5000"], ODD["depth 150"],
                        ODD["depth 1500"], '{"\\\\u0000": "\\"", "": [1.10, -0.0, 1e-7]}']
                       ) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6).map(json.dumps)


@st.composite
def databases(draw: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of all tables: tenants that have something or nothing, users of several or none."""
    ids = iter(draw(st.lists(st.uuids(), min_size=24, max_size=24, unique=True)))
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}

    def add(table: str, **columns: Any) -> str:
        """Add a row with an id and times of its own."""
        id = str(next(ids))
        rows[table].append({"id": id, "created_at": draw(TIMES), "updated_at": draw(TIMES),
                            **columns})
        return id

    users = [add("users", email=f"{number}{draw(TEXTS)}", display_name=draw(TEXTS))
             for number in range(draw(st.integers(0, 3)))]
    for number in range(draw(st.integers(0, 3))):
        tenant = add("tenants", slug=f"{number}{draw(TEXTS)}", name=draw(TEXTS), status=draw(TEXTS))
        for user in users:
            if draw(st.booleans()):
                rows["tenant_users"].append({"tenant_id": tenant, "user_id": user,
                                             "role": draw(TEXTS), "status": draw(TEXTS)})
        of: dict[str, Any] = {"tenant_id": tenant}
        for kind in range(draw(st.integers(0, 1))):
            node_type = add("node_types", **of, name=f"{kind}{draw(TEXTS)}", schema=draw(DATA),
                            description=draw(st.none() | TEXTS), version=draw(VERSIONS))
            nodes = [add("nodes", **of, node_type_id=node_type, data=draw(DATA),
                         version=draw(VERSIONS)) for _ in range(draw(st.integers(0, 2)))]
            for node in nodes[:1]:
                add("relationships", **of, source_node_id=nodes[-1], target_node_id=node,
                    relationship_type=draw(TEXTS), data=draw(DATA), version=draw(VERSIONS))
    return rows


def insert(connection: psycopg.Connection, table: str, row: dict[str, Any]) -> None:
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)})"
        f" VALUES ({', '.join(f'%({column})s' for column in row)})".encode(), row)


def rows_of(database: Settings) -> dict[str, list[Any]]:
    """Return every row of the six tables as text; a null of JSON is told from what is unset."""
    with connect(database) as connection:
        return {table: connection.execute(
            f"SELECT row::text FROM {table} row ORDER BY row::text".encode()).fetchall()
            for table in TABLES}


def everything(database: Settings, file: Path) -> bytes:
    export_all(database, str(file))
    return file.read_bytes()


def empty(database: Settings) -> None:
    with connect(database) as connection:
        connection.execute("DELETE FROM tenants")
        connection.execute("DELETE FROM users")


@pytest.fixture(scope="module")
def pair(new_database: Databases) -> tuple[Settings, Settings]:
    """Two databases for tests that leave nothing in them."""
    return new_database(), new_database()


@pytest.fixture
def source(pair: tuple[Settings, Settings]) -> Iterator[Settings]:
    yield pair[0]
    empty(pair[0])


@pytest.fixture
def target(pair: tuple[Settings, Settings]) -> Iterator[Settings]:
    yield pair[1]
    empty(pair[1])


@pytest.mark.long
@settings(max_examples=30, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(databases())
@pytest.mark.longest
def test_a_whole_database_comes_back_equal_to_the_byte_and_to_the_column(
        source: Settings, target: Settings, tmp_path: Path, rows: dict[str, list[dict[str, Any]]]
        ) -> None:
    try:
        with connect(source) as connection:
            for table, of_table in rows.items():
                for row in of_table:
                    insert(connection, table, row)
        text = everything(source, tmp_path / "all.ndjson")
        import_file(target, str(tmp_path / "all.ndjson"))
        assert rows_of(target) == rows_of(source)
        assert everything(target, tmp_path / "again.ndjson") == text
        assert text.count(b"\n") == sum(map(len, rows.values()))
        for tenant in rows["tenants"]:
            assert given_back(target, tenant["id"]) == given_back(source, tenant["id"])
        empty(target)
        for tenant in rows["tenants"]:
            taken(target, given_back(source, tenant["id"]))
        members = {user["user_id"] for user in rows["tenant_users"]}
        assert rows_of(target) == rows_of(source) | {"users": [
            row for row in rows_of(source)["users"] if any(user in row[0] for user in members)]}
        with connect(target) as connection:
            assert differences(connection) == []
    finally:
        empty(source)
        empty(target)


@pytest.mark.long
def test_rows_of_any_size_and_depth_come_back(source: Settings, target: Settings, tmp_path: Path
                                              ) -> None:
    taken(source, written(small(0)))
    with connect(source) as connection:
        for place, text in enumerate([*ODD.values(), json.dumps({"a": "\x01" * 1_000_000})]):
            id = str(UUID(int=2000 + place))
            insert(connection, "nodes", {"id": id, "tenant_id": TENANT, "data": text,
                                         "node_type_id": small()[3]["node_type"]["id"]})
            insert(connection, "relationships", {
                "id": id, "tenant_id": TENANT, "source_node_id": id, "target_node_id": id,
                "relationship_type": "x" * 2000, "data": text})
        connection.execute("UPDATE node_types SET schema = %s", [ODD["depth 6000"]])
    zipped = everything(source, tmp_path / "all.ndjson.gz")
    import_file(target, str(tmp_path / "all.ndjson.gz"))
    assert rows_of(target) == rows_of(source)
    assert everything(target, tmp_path / "again.ndjson.gz") == zipped


def test_an_export_of_nothing_is_an_empty_file(source: Settings, target: Settings, tmp_path: Path
                                               ) -> None:
    assert everything(source, tmp_path / "none.ndjson") == b""
    import_file(target, str(tmp_path / "none.ndjson"))
    assert rows_of(target) == {table: [] for table in TABLES}


def test_times_that_no_calendar_has_are_served_as_they_are(source: Settings) -> None:
    taken(source, written(small()))
    service = Service.of(source)
    for column, time, served in (
            ("created_at", "infinity", "infinity"), ("updated_at", "-infinity", "-infinity"),
            ("created_at", "0044-03-15 12:00:00.5+00 BC", "0044-03-15T12:00:00.500000+00:00 BC"),
            ("updated_at", "12345-01-01 00:00:00+00", "12345-01-01T00:00:00.000000+00:00"),
            ("updated_at", "0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000000+00:00")):
        with connect(source) as connection:
            connection.execute(f"UPDATE nodes SET {column} = %s".encode(), [time])
        nodes = service.call("list_nodes", tenant_id=TENANT, pagination={"page_size": 2})
        assert {node[column] for node in nodes["nodes"]} == {served}
        following = service.call("list_nodes", tenant_id=TENANT, pagination={
            "page_size": 2, "page_token": nodes["pagination"]["next_page_token"]})
        assert len(following["nodes"]) == 1
    service.close()


def test_a_line_that_is_longer_than_postgresql_writes_is_named_and_those_behind_it_are_read(
        target: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_lines, "LONGEST", 200)
    long = b'{"node_type": {"name": "%b"}}\n' % (b"x" * 500)
    with pytest.raises(FlexdbError, match="line 2 is longer than 200 bytes"):
        taken(target, written(small()[:1]) + long + written(small()[3:]))
    numbered = transfer_lines.numbered(io.BytesIO(b"1\n" + long + b"3\n" + b"x" * 200 + b"\n5"))
    assert [(number, len(text)) for number, text in numbered] == [
        (1, 2), (2, 200), (3, 2), (4, 200), (5, 1)]


def test_what_may_be_an_id_names_the_tenant_with_that_id_before_one_with_that_slug(
        source: Settings) -> None:
    ids = [str(UUID(int=0xABC << 100 | number)) for number in range(1, 4)]
    slugs = [ids[1], ids[0], ids[0].upper()]
    for id, slug in zip(ids, slugs):
        taken(source, written([{"tenant": {"id": id, "slug": slug, "name": "A tenant"}}]))
    for asked, id in ((ids[0], ids[0]), (ids[1], ids[1]), (ids[0].upper(), ids[0]),
                      (ids[2], ids[2])):
        assert json.loads(given_back(source, asked))["tenant"]["id"] == id
    with connect(source) as connection:
        connection.execute("DELETE FROM tenants WHERE id = %s", [ids[0]])
    # Without such an id it is a slug.
    for asked, id in ((ids[0], ids[1]), (ids[0].upper(), ids[2])):
        assert json.loads(given_back(source, asked))["tenant"]["id"] == id


@pytest.mark.long
def test_the_command_exports_a_tenant_or_all_and_says_so_otherwise(source: Settings) -> None:
    taken(source, written(small()))
    with connect(source) as connection:
        insert(connection, "users", {"id": TENANT, "email": "", "display_name": "in no tenant"})
    status, one, _ = finish(flexdb(source, "export", "--tenant", TENANT))
    assert (status, one) == (0, given_back(source).decode())
    status, all, _ = finish(flexdb(source, "export", "--all"))
    assert status == 0 and sorted(all.splitlines()) == sorted([
        *one.splitlines(), next(line for line in all.splitlines() if "in no tenant" in line)])
    for wrong, said in (((), "Missing option '--tenant', or '--all'"),
                        (("--all", "--tenant", TENANT), "exclude each other")):
        status, output, told = finish(flexdb(source, "export", *wrong))
        assert (status, output) == (2, "") and said in told
    assert "no tenant" in failure(flexdb(source, "export", "--tenant", ""))
