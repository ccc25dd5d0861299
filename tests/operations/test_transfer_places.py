"""Where an import goes: in place of a tenant, beside it, and to users who are there."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flexdb.cli import main
from flexdb.config import Settings
from flexdb.db.load import Place, load
from flexdb.errors import FlexdbError
from flexdb.sql.loader import CLEARS, IMPORTS
from flexdb.transfer.files import import_file
from flexdb.transfer.lines import Reader
from tests.support.paths import ROOT
from tests.support.postgres import connect
from tests.support.service import Service
from tests.support.totals import differences
from tests.support.transfers import (
    TENANT,
    TYPE,
    USER,
    Lines,
    given_back,
    node_id,
    small,
    taken,
    total_rows,
    written,
)

OTHER = str(UUID(int=9))
REPLACED = Place(CLEARS)


@pytest.fixture(scope="module")
def target(new_database: Callable[..., Settings]) -> Settings:
    """A database for tests that leave nothing in it."""
    return new_database()


@pytest.fixture
def database(target: Settings) -> Iterator[Settings]:
    yield target
    with connect(target) as connection:
        assert differences(connection) == []
        connection.execute("DELETE FROM tenants")
        connection.execute("DELETE FROM users")
        assert differences(connection) == []


def full() -> Lines:
    """Return the lines of a tenant in which all that derives from rows has something to do."""
    lines = small()
    lines[3]["node_type"]["schema"] = {"properties": {"n": {"x-unique": True}}}
    lines.insert(4, {"relationship_type": {
        "id": str(UUID(int=8)), "name": "depends_on", "cardinality": "1:1", "acyclic": True,
        "source_node_type_ids": [TYPE], "on_delete": "restrict"}})
    return lines


def file_of(folder: Path, lines: Lines) -> str:
    file = folder / "tenant.ndjson"
    file.write_bytes(written(lines))
    return str(file)


def test_a_tenant_that_is_replaced_is_what_the_file_says_and_keeps_what_no_file_has(
        database: Settings, tmp_path: Path) -> None:
    taken(database, written(full()))
    text = given_back(database)
    made = Service.of(database)
    key = made.call("create_key", tenant_id=TENANT, name="App")["key"]
    made.call("update_limits", tenant_id=TENANT, max_nodes=77)
    made.call("update_tenant", id=TENANT, slug="changed")
    made.call("update_node", tenant_id=TENANT, id=node_id(1), data={"n": 70})
    extra = made.call("create_node_type", tenant_id=TENANT, name="Extra")["node_type"]
    made.call("create_node", tenant_id=TENANT, node_type_id=extra["id"], data={})
    made.call("update_node_type", tenant_id=TENANT, id=TYPE, schema={"required": ["no"]})
    other = made.call("create_user", email="b@example.org", display_name="B")["user"]
    made.call("add_user_to_tenant", tenant_id=TENANT, user_id=other["id"])
    (tmp_path / "1").write_bytes(text)
    import_file(database, str(tmp_path / "1"), replace=True)
    assert given_back(database) == text
    (kept,) = made.call("list_keys", tenant_id=TENANT)["keys"]
    assert kept["id"] == key["id"]
    assert made.call("get_limits", tenant_id=TENANT)["limits"]["max_nodes"] == 77
    assert made.call("get_user", id=other["id"])["user"] == other
    # The schema of today holds, and not one that was there meanwhile.
    made.call("create_node", tenant_id=TENANT, node_type_id=TYPE, data={"n": 70})
    made.close()


def test_a_tenant_that_has_the_slug_is_replaced_under_its_own_id(database: Settings) -> None:
    taken(database, written([{"tenant": {"id": OTHER, "slug": "acme", "name": "There"}}]))
    taken(database, written(full()), REPLACED)
    made = Service.of(database)
    (tenant,) = made.call("list_tenants")["tenants"]
    assert (tenant["id"], tenant["name"]) == (OTHER, "Acme")
    assert made.call("list_nodes", tenant_id=OTHER)["pagination"]["total_count"] == 3
    made.close()


def test_one_that_has_the_id_is_replaced_before_one_that_has_the_slug(database: Settings) -> None:
    taken(database, written([{"tenant": {"id": TENANT, "slug": "mine", "name": "A"}},
                             {"tenant": {"id": OTHER, "slug": "acme", "name": "B"}}]))
    with pytest.raises(FlexdbError, match="line 1: tenant.slug is taken"):
        taken(database, written(small()), REPLACED)
    again = small()
    again[0]["tenant"]["slug"] = "mine"
    taken(database, written(again), REPLACED)
    assert given_back(database, "mine").count(b"\n") == 9
    assert given_back(database, "acme").count(b"\n") == 1


def test_where_nothing_is_there_to_be_replaced_the_tenant_is_new(database: Settings) -> None:
    assert taken(database, written(small()), REPLACED)["node"] == 3
    assert given_back(database, TENANT).count(b"\n") == 9


@pytest.mark.parametrize("wrong, told", [
    ({"node": {"node_type_id": USER}}, "line 10: node.node_type_id names no node type"),
    ({"node": {"id": node_id(0), "node_type_id": TYPE}}, "line 10: node.id is taken"),
    ({"tenant": {"id": TENANT, "slug": "b", "name": "B"}}, "line 10: the tenant is in the file "),
    ({"tenant": {"id": OTHER, "slug": "acme", "name": "B"}}, "line 10: the tenant is in the file "),
])
def test_what_fails_changes_nothing(database: Settings, wrong: dict[str, Any], told: str) -> None:
    taken(database, written(full()))
    text = given_back(database)
    with pytest.raises(FlexdbError, match=told):
        taken(database, written([*small(), wrong]), REPLACED)
    assert given_back(database) == text


def test_who_reads_sees_the_old_tenant_until_the_new_one_is_in(database: Settings) -> None:
    taken(database, written(full()))
    before = given_back(database)
    new = full()
    new[0]["tenant"]["name"] = "Another"
    seen = []

    def lines() -> Iterator[Any]:
        for line in Reader().lines(io.BytesIO(written([*new, {"node": {"node_type_id": TYPE}}]))):
            yield line
            seen.append(given_back(database))

    load(database, IMPORTS, lines(), REPLACED)
    assert seen and set(seen) == {before}
    after = given_back(database)
    assert b'"Another"' in after and after.count(b"\n") == before.count(b"\n") + 1


def importing(database: Settings) -> subprocess.Popen[bytes]:
    """Start the command, which replaces a tenant by what it is sent."""
    return subprocess.Popen(
        [sys.executable, "-m", "flexdb", "import", "--replace"], cwd=ROOT, stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=os.environ | {
            name: str(getattr(database, name.lower()))
            for name in ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME")})


@pytest.mark.long
def test_what_others_write_until_then_goes_too(database: Settings) -> None:
    taken(database, written(full()))
    text = given_back(database)
    with importing(database) as process, connect(database) as writer, writer.transaction():
        writer.execute("INSERT INTO nodes (tenant_id, id, node_type_id, data)"
                       " VALUES (%s, %s, %s, '{}')", (TENANT, OTHER, TYPE))
        assert process.stdin
        process.stdin.write(text)
        process.stdin.close()
        with connect(database) as looking:
            while not sees(looking, "a.wait_event_type = 'Lock'"):
                assert process.poll() is None
    assert process.returncode == 0
    assert given_back(database) == text


@pytest.mark.long
def test_a_command_that_is_killed_in_the_middle_changes_nothing(database: Settings) -> None:
    taken(database, written(full()))
    text = given_back(database)
    inside = "a.query LIKE 'COPY node%' AND a.state <> 'idle'"
    with importing(database) as process, connect(database) as looking:
        assert process.stdin
        # More than is read at once, and the rest never comes.
        process.stdin.write(written(small(4000)[:4004]))
        process.stdin.flush()
        while not sees(looking, inside):
            assert process.poll() is None
        process.kill()
        process.wait()
        while sees(looking, inside):
            pass
    assert given_back(database) == text


def sees(connection: Any, condition: str) -> bool:
    """Tell whether a statement of another connection is in a state."""
    connection.rollback()
    return bool(connection.execute(
        f"SELECT FROM pg_stat_activity a WHERE a.datname = current_database()"
        f" AND a.pid <> pg_backend_pid() AND {condition}").fetchall())


def test_a_copy_stands_beside_the_original_and_has_all_that_it_has(
        database: Settings, tmp_path: Path) -> None:
    taken(database, written(full()))
    text = given_back(database)
    (tmp_path / "1").write_bytes(text)
    import_file(database, str(tmp_path / "1"), slug="copy")
    assert given_back(database) == text
    copied = given_back(database, "copy")
    id = json.loads(copied.splitlines()[0])["tenant"]["id"]
    assert id != TENANT
    assert copied.replace(id.encode(), TENANT.encode()).replace(b'"copy"', b'"acme"') == text
    with pytest.raises(FlexdbError, match="line 1: tenant.slug is taken"):
        import_file(database, str(tmp_path / "1"), slug="copy")
    # Replaced is the one of that slug, and not the original.
    made = Service.of(database)
    made.call("delete_node", tenant_id=id, id=node_id(0))
    made.call("delete_node", tenant_id=TENANT, id=node_id(0))
    changed = given_back(database)
    import_file(database, str(tmp_path / "1"), replace=True, slug="copy")
    assert given_back(database, "copy") == copied and given_back(database) == changed
    made.close()


def test_a_slug_is_given_to_one_tenant_and_must_be_one(database: Settings, tmp_path: Path) -> None:
    second = {"tenant": {"id": OTHER, "slug": "b", "name": "B"}}
    file = file_of(tmp_path, [*small(), second])
    with pytest.raises(FlexdbError, match="line 10: the file has several tenants, and one alone"):
        import_file(database, file, slug="copy")
    with pytest.raises(FlexdbError, match="the slug a\n may not"):
        import_file(database, file, slug="a\n")
    assert total_rows(database) == 0


def test_a_user_whose_address_is_there_is_that_user_with_the_node_that_stands_for_them(
        database: Settings) -> None:
    taken(database, written([{"user": {"id": OTHER, "email": "someone@example.org",
                                       "display_name": "There"}}]))
    lines = small()
    lines[3]["node_type"]["schema"] = {"x-user": True}
    lines[4]["node"]["id"] = lines[7]["relationship"]["source_node_id"] = USER
    taken(database, written(lines))
    made = Service.of(database)
    (user,) = made.call("list_users")["users"]
    assert (user["id"], user["display_name"]) == (OTHER, "There")
    (member,) = made.call("list_tenant_users", tenant_id=TENANT)["tenant_users"]
    assert (member["user_id"], member["role"]) == (OTHER, "admin")
    neighbors = made.call("get_neighbors", tenant_id=TENANT, id=OTHER, direction="out")
    assert [one["node"]["id"] for one in neighbors["neighbors"]] == [node_id(1)]
    made.call("delete_user", id=OTHER)
    assert made.call("list_nodes", tenant_id=TENANT)["pagination"]["total_count"] == 2
    made.close()


def test_an_address_that_differs_is_another_user_and_an_id_goes_before_it(
        database: Settings) -> None:
    there = [{"user": {"id": OTHER, "email": "someone@example.org", "display_name": "O"}},
             {"user": {"id": USER, "email": "Someone@example.org", "display_name": "U"}}]
    taken(database, written(there))
    taken(database, written(small()))
    assert b'"user_id":"' + USER.encode() in given_back(database)


@pytest.mark.parametrize("arguments, told", [
    (["--replace", "--tenant", "acme", "--type", "Task"], "'--replace' is for whole tenants"),
    (["--as", "b", "--tenant", "acme", "--type", "Task"], "'--as' is for whole tenants"),
    (["--check", "--replace"], "'--check' loads nothing, and excludes '--replace'"),
    (["--check", "--as", "b"], "'--check' loads nothing, and excludes '--as'"),
    (["--as", ""], "'--as' must be a slug"),
])
def test_options_that_do_not_go_together_are_told(
        arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_the_command_replaces_and_copies(
        database: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"):
        monkeypatch.setenv(name, str(getattr(database, name.lower())))
    file = file_of(tmp_path, small())
    assert main(["import", file]) == 0
    assert main(["import", "--replace", file]) == 0
    assert main(["import", "--as", "copy", file]) == 0
    assert given_back(database).count(b"\n") == given_back(database, "copy").count(b"\n") == 9
