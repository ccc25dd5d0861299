"""A Citus with a coordinator and two workers, or more: ``CITUS_HOST=… make test-citus``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from flexdb.config import Settings
from flexdb.db.citus import fitness
from flexdb.db.citus.cluster import check_whole, nodes, undone
from flexdb.db.citus.distribution import distribute, undo
from flexdb.db.citus.moves import isolate, rebalance
from flexdb.db.migrate import MigrationError
from flexdb.server.database import migrate_and_tell
from flexdb.server.status import look_at_status
from tests.support import postgres
from tests.support.citus_cluster import Cluster
from tests.support.service import Service

pytestmark = pytest.mark.long


@pytest.fixture
def new_plain(cluster: Cluster) -> Callable[[], Settings]:
    """Make a database on the Citus that is migrated and not distributed."""
    return lambda: cluster.make(f"test_{uuid4().hex}", is_distributed=False)


def fill(service: Service) -> dict[str, Any]:
    """Make a tenant with a user, three nodes and a relationship, and return it."""
    tenant: dict[str, Any] = service.tenant()
    node_type = service.node_type(tenant)
    made = [service.node(node_type, data={"a": a}) for a in range(3)]
    service.relationship(made[0], made[1])
    return tenant


def totals(service: Service, tenant: dict[str, Any]) -> list[int]:
    return [service.call(method, tenant_id=tenant["id"])["pagination"]["total_count"]
            for method in ("list_node_types", "list_nodes", "list_relationships")]


@pytest.fixture
def any_trigger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let triggers pass that no shard can run, where nothing is written that they fire for."""
    monkeypatch.setattr(fitness, "reads_rows_beside_tables", lambda source, rows: False)


def test_what_is_there_is_there_when_it_is_distributed_and_when_it_is_undone(
        new_plain: Callable[[], Settings], any_trigger: None) -> None:
    settings = new_plain()
    service = Service.of(settings)
    try:
        tenants = [fill(service) for _ in range(5)]
        list(distribute(settings, 8, False))
        with postgres.connect(settings) as connection:
            assert undone(connection) == []
            for table, count in (("nodes", 15), ("relationships", 5), ("tenants", 5)):
                assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall() == [
                    (count,)]
        check_whole(settings)
        migrate_and_tell(settings)
        assert sum(node.tenants for node in nodes(settings)) == 5
        assert "has shards of its own" in next(isolate(settings, tenants[0]["slug"]))
        list(rebalance(settings, False))
        assert list(distribute(settings, None, False))[-1].startswith("nothing to do")
        list(undo(settings, False))
        assert [totals(service, tenant) for tenant in tenants] == [[1, 3, 1]] * 5
        tenants.append(fill(service))
        assert service.call("list_tenants")["pagination"]["total_count"] == 6
    finally:
        service.close()


def test_what_is_written_while_it_is_distributed_is_there_when_it_is_undone(
        cluster: Cluster) -> None:
    settings = cluster.make(f"test_{uuid4().hex}")
    service = Service.of(settings)
    try:
        tenants = [fill(service) for _ in range(10)]
        assert [totals(service, tenant) for tenant in tenants] == [[1, 3, 1]] * 10
        service.call("delete_tenant", id=tenants.pop(0)["id"])
        list(undo(settings, False))
        assert [totals(service, tenant) for tenant in tenants] == [[1, 3, 1]] * 9
        tenants.append(fill(service))
        assert service.call("list_tenants")["pagination"]["total_count"] == 10
    finally:
        service.close()


def test_a_failure_in_the_middle_leaves_all_on_the_coordinator(
        new_plain: Callable[[], Settings], any_trigger: None) -> None:
    settings = new_plain()
    with postgres.connect(settings) as connection:
        # Citus refuses a table with such a key, and it is the last one.
        connection.execute("CREATE UNIQUE INDEX unfit ON flexdb_deliveries (webhook_id)")
        before = connection.execute("SELECT count(*) FROM pg_trigger").fetchall()
        with pytest.raises(MigrationError, match="nothing was changed"):
            list(distribute(settings, 8, False))
        assert connection.execute("SELECT count(*) FROM pg_dist_partition").fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM pg_trigger").fetchall() == before
    check_whole(settings)


def test_machines_share_the_tenants_and_one_of_them_gets_its_own_shards(cluster: Cluster) -> None:
    settings = cluster.make(f"test_{uuid4().hex}")
    service = Service.of(settings)
    try:
        tenants = [fill(service) for _ in range(20)]
        found = nodes(settings)
        assert len(found) == len(cluster.workers)
        assert sum(node.tenants for node in found) == 20
        assert look_at_status(settings, 3)["nodes"] == [node._asdict() for node in found]
        shards = sum(node.shards for node in found)
        # Somebody writes all the while.
        done = threading.Event()
        made: list[int] = []

        def write() -> None:
            other = Service.of(settings)
            node_type = other.node_type(tenants[1])
            while not done.is_set():
                other.node(node_type)
                made.append(1)
            other.close()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert "has shards of its own" in next(isolate(settings, tenants[1]["slug"]))
            list(rebalance(settings, False))
        finally:
            done.set()
            writer.join()
        assert sum(node.shards for node in nodes(settings)) > shards
        assert totals(service, tenants[1]) == [2, 3 + len(made), 1]
        assert [totals(service, tenant) for tenant in tenants[2:]] == [[1, 3, 1]] * 18
    finally:
        service.close()
