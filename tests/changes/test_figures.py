"""The figures of webhooks at ``/metrics``: what waits, what is dead, and for how long."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg

from flexdb.config import Settings
from flexdb.sql.loader import STATEMENTS
from tests.support import postgres
from tests.support.plans import nodes_of
from tests.support.service import Service


def figures(settings: Settings) -> dict[str, float]:
    """Return the figures that a process gives which is asked for the first time."""
    with closing(Service.of(settings)) as service:
        text = service.client().get("/metrics").text
    return {name: float(value) for name, value in re.findall(
        r"^flexdb_webhook_(\S+?)(?:_seconds)? (\S+)$", text, re.MULTILINE)}


def enter(connection: psycopg.Connection, webhook: dict[str, Any], position: int, status: str,
          seconds: int) -> None:
    """Enter a delivery, as it was some seconds ago."""
    connection.execute("""
        INSERT INTO flexdb_deliveries
            (tenant_id, webhook_id, position, object_id, status, created_at)
        VALUES (%s, %s, %s, %s, %s, clock_timestamp() - make_interval(secs => %s))""",
        [webhook["tenant_id"], webhook["id"], position, uuid4(), status, seconds])


def test_it_is_told_what_waits_and_what_is_dead_and_for_how_long(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    waiting, dead = 'deliveries{status="waiting"}', 'deliveries{status="dead"}'
    assert figures(settings) == {waiting: 0, dead: 0, "lag": 0}
    with closing(Service.of(settings)) as service, postgres.connect(settings) as connection:
        tenant = service.tenant()
        node_type = service.node_type(tenant)
        of = {"tenant_id": tenant["id"]}
        webhook, paused = (service.call("create_webhook", **of, url="https://example.org/")[
            "webhook"] for _ in range(2))
        service.call("update_webhook", **of, id=paused["id"], status="paused")
        assert figures(settings) == {waiting: 0, dead: 0, "lag": 0}
        # Nobody delivers, so what changed is not even entered.
        service.node(node_type)
        assert figures(settings)["lag"] > 0
        last = service.call("list_changes", **of)["position"].rpartition(".")[2]
        assert figures(settings)["lag"] > 0
        connection.execute("UPDATE flexdb_webhooks SET position = %s", [last])
        assert figures(settings)["lag"] == 0
        for position, (status, seconds) in enumerate([
                ("done", 9000), ("dead", 9000), ("waiting", 50), ("waiting", 500)]):
            enter(connection, webhook, position, status, seconds)
        # What is paused is as its owner wants it.
        enter(connection, paused, 1, "waiting", 9000)
        found = figures(settings)
        assert (found[waiting], found[dead]) == (3, 1) and 500 <= found["lag"] < 9000


def test_they_are_read_by_indexes_and_no_more_than_a_bound(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    with closing(Service.of(settings)) as service, postgres.connect(settings) as connection:
        tenant = service.tenant()
        service.call("create_webhook", tenant_id=tenant["id"], url="https://example.org/")
        connection.execute("""
            INSERT INTO flexdb_deliveries (tenant_id, webhook_id, position, object_id, status)
            SELECT w.tenant_id, w.id, g, w.id, CASE WHEN g > 20000 THEN 'waiting' ELSE 'done' END
            FROM flexdb_webhooks w, generate_series(1, 32000) g""")
        connection.execute("ANALYZE flexdb_deliveries")
        text = STATEMENTS["value"]["webhook_figures"].text
        found = connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + text).fetchone()
        assert found
        read = {node["Index Name"]: node["Actual Rows"] for node in nodes_of(found[0][0]["Plan"])
                if node.get("Relation Name") == "flexdb_deliveries"}
        assert read == {"flexdb_deliveries_due": 10_000, "flexdb_deliveries_dead": 0}
    assert figures(settings)['deliveries{status="waiting"}'] == 10_000
