"""How the service stands, as ``flexdb status`` tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.db.migrate import migration_ids
from flexdb.server.status import look_at_status
from flexdb.sql.loader import STATEMENTS
from flexdb.version import __version__
from tests.support import postgres, row_security
from tests.support.commands import failure, finish, flexdb
from tests.support.plans import nodes_of
from tests.support.replicated import Replicated
from tests.support.service import Service
from tests.support.standbys import Standby


@pytest.fixture
def filled(new_service: Callable[..., Service]) -> Iterator[tuple[Service, dict[str, Any]]]:
    """A service with two tenants, of which the second weighs more, and what each has."""
    service = new_service()
    sizes = {}
    for slug, text, nodes in (("light", "x", 3), ("heavy", "x" * 5000, 2)):
        tenant = service.tenant(slug=slug)
        node_type = service.node_type(tenant)
        made = [service.node(node_type, data={"text": text}) for _ in range(nodes)]
        service.relationship(made[0], made[1])
        found = service.call("get_limits", tenant_id=tenant["id"])["limits"]
        sizes[slug] = {"slug": slug, "nodes": nodes, "relationships": 1,
                       "bytes": found["used_bytes"]}
    yield service, sizes


def test_sizes_are_told_of_the_largest_tenants_first_and_of_all_together(
        filled: tuple[Service, dict[str, Any]]) -> None:
    service, sizes = filled
    found = look_at_status(service.settings, 10)["tenants"]
    assert found == {"count": 2, "nodes": 5, "relationships": 2,
                     "bytes": sum(size["bytes"] for size in sizes.values()),
                     "largest": [sizes["heavy"], sizes["light"]]}
    assert look_at_status(service.settings, 1)["tenants"] == found | {"largest": [sizes["heavy"]]}
    assert look_at_status(service.settings, 0)["tenants"]["largest"] == []


@pytest.mark.long
def test_it_is_one_screen_for_people_and_json_for_programs(
        filled: tuple[Service, dict[str, Any]]) -> None:
    service, sizes = filled
    status, output, errors = finish(flexdb(service.settings, "status", "--output", "json"))
    found = json.loads(output)
    assert (status, errors, found["problems"]) == (0, "", [])
    with postgres.connect(service.settings) as database:
        assert database.execute("SHOW server_version").fetchone() == (
            found["postgresql"]["version"],)
    assert found["flexdb"] == __version__
    assert found["migrations"] == {"applied": len(migration_ids()), "pending": []}
    assert 0 < found["connections"]["flexdb"] <= found["connections"]["used"]
    assert found["connections"]["limit"] > found["connections"]["used"]
    status, output, errors = finish(flexdb(service.settings, "status", "--most", "1"))
    assert (status, errors) == (0, "")
    lines = output.splitlines()
    assert [line.split()[0] for line in lines[:6]] == [
        "flexdb", "PostgreSQL", "migrations", "connections", "tenants", "webhooks"]
    assert f"database {service.settings.db_name}," in lines[1]
    assert "none to be applied" in lines[2] and "2 with 5 nodes, 2 relationships" in lines[4]
    assert lines[-1].split() == [str(value) for value in sizes["heavy"].values()]
    assert "light" not in output


@pytest.mark.long
def test_what_is_wrong_is_told_with_what_to_do_and_is_the_status(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database(template=None)
    status, output, errors = finish(flexdb(settings, "status"))
    assert status == 1 and f"0 applied, {len(migration_ids())} to be applied" in output
    assert errors == (f"flexdb: migrations are to be applied, {len(migration_ids())} from "
                      "0001-tables on: run `flexdb migrate`\n")
    assert failure(flexdb(Settings(db_host="127.0.0.1", db_port=1), "status")).startswith(
        "flexdb: PostgreSQL does not answer: ")


def test_connections_that_do_not_suffice_are_a_problem(new_database: Callable[..., Settings]
                                                       ) -> None:
    settings = new_database()
    assert look_at_status(settings, 0)["problems"] == []
    (told,) = look_at_status(replace(settings, workers=100, threads=120, db_pool_size=90), 0)[
        "problems"]
    assert told.startswith("WORKERS=100 with DB_POOL_SIZE=90 each open up to 9000 connections and")
    connections = look_at_status(settings, 0)["connections"]
    assert connections["available"] == connections["limit"]
    with ExitStack() as opened:
        for _ in range(connections["limit"] - connections["used"] - 4):
            opened.enter_context(postgres.connect(settings))
        (told,) = look_at_status(settings, 0)["problems"]
        assert f" of {connections['limit']} connections are used: see in pg_stat_activity" in told


@pytest.mark.long
def test_nobody_who_can_call_is_a_problem(new_database: Callable[..., Settings]) -> None:
    settings = new_database(auth="required")
    (told,) = look_at_status(settings, 0)["problems"]
    assert "flexdb create-key" in told
    assert finish(flexdb(settings, "create-key"))[0] == 0
    assert look_at_status(settings, 0)["problems"] == []


@pytest.mark.long
def test_rows_that_row_security_hides_are_a_problem(new_database: Callable[..., Settings]) -> None:
    fenced = row_security.switched_on(new_database())
    found = look_at_status(fenced, 0)
    assert found["problems"] == [] and found["tenants"]["count"] == 0
    found = look_at_status(replace(fenced, db_row_security=False), 0)
    (told,) = found["problems"]
    assert "set DB_ROW_SECURITY=true" in told and found["tenants"] is None


def test_what_lags_is_a_problem(new_service: Callable[..., Service]) -> None:
    service = new_service()
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    service.call("create_webhook", tenant_id=tenant["id"], url="https://example.org/")
    service.node(node_type)
    assert look_at_status(service.settings, 0)["problems"] == []
    with postgres.connect(service.settings) as database:
        database.execute("UPDATE flexdb_changes SET at = at - interval '10 minutes'")
        database.execute(
            "INSERT INTO flexdb_idempotency_keys (tenant_id, caller, key, fingerprint, status, "
            "headers, created_at) VALUES (%s, 'x', 'x', '', 200, '{}', now() - interval '5 days')",
            [tenant["id"]])
        database.execute("INSERT INTO flexdb_index_builds VALUES (%s, %s, '[]', %s, 0)",
                         [tenant["id"], node_type["id"], tenant["id"]])
    told = look_at_status(service.settings, 0)["problems"]
    assert [next(word for word in ("deliver`", "upkeep`", "index`") if word in line)
            for line in told] == ["deliver`", "deliver`", "index`"]
    assert "`list_deliveries`" in told[0] and "`flexdb upkeep` once a day" in told[1]


def test_of_a_thousand_tenants_nothing_is_read_but_the_sums_that_are_kept(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    with postgres.connect(settings) as database:
        database.execute("INSERT INTO tenants (id, slug, name) SELECT gen_random_uuid(), "
                         "'tenant-' || g, 'A tenant' FROM generate_series(1, 1000) g")
        database.execute(
            "INSERT INTO flexdb_counts (tenant_id, list, key, total, bytes) "
            "SELECT t.id, l, flexdb_nil(), 5, 7 FROM tenants t, unnest('{nodes,relationships}'"
            "::text[]) l")
        text = STATEMENTS["value"]["tenant_sizes"].text.replace(b"$1", b"10")
        found = database.execute(b"EXPLAIN (FORMAT JSON) " + text).fetchone()
        assert found
        read = {node["Relation Name"] for node in nodes_of(found[0][0]["Plan"])
                if "Relation Name" in node}
        assert read == {"flexdb_counts", "flexdb_count_changes", "tenants"}
    sizes = look_at_status(settings, 10)["tenants"]
    assert len(sizes.pop("largest")) == 10
    assert sizes == {"count": 1000, "nodes": 5000, "relationships": 5000, "bytes": 14_000}


def test_replicas_are_told_with_how_far_they_are_behind(replicated: Replicated,
                                                        tmp_path_factory: pytest.TempPathFactory
                                                        ) -> None:
    lost = Standby(tmp_path_factory.mktemp("lost") / "standby", replicated.primary)
    first = replicated.standbys[0]
    try:
        settings = replicated.settings(first, lost)
        for standby in (first, lost):
            standby.catch_up()
        found = look_at_status(settings, 0)
        assert [(told["name"], told["status"]) for told in found["replicas"]] == [
            (f"127.0.0.1:{standby.port}", "ok") for standby in (first, lost)]
        assert found["problems"] == []
        lost.kill()
        status, output, errors = finish(flexdb(settings, "status"))
    finally:
        lost.close()
    assert status == 1
    assert f"flexdb: the replica at 127.0.0.1:{lost.port} does not answer" in errors
    told = [line for line in output.splitlines() if line.startswith("replica ")]
    assert f"127.0.0.1:{first.port} is ok, " in told[0] and told[0].endswith(" s behind")
    assert told[1].endswith(f"127.0.0.1:{lost.port} is away")


def test_without_replicas_none_are_told(new_service: Callable[..., Service]) -> None:
    assert look_at_status(new_service().settings, 0)["replicas"] == []
