"""Whoever follows the feed has what the lists give, whatever was written and by whom."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import original, postgres
from tests.support.mirror import Mirror, listed
from tests.support.service import RpcError, Service, request
from tests.support.writers import Writers

pytestmark = pytest.mark.both_doors


class Graph(Writers):
    """Writers who relate nodes too, change many at once, and do several things together."""

    def living(self, connection: psycopg.Connection[Any], table: str) -> list[str]:
        """Return the ids of what is there, or an id of nothing."""
        found = connection.execute(
            f"SELECT t.id::text FROM {table} t WHERE t.tenant_id = %s ORDER BY t.id".encode(),
            (self.tenant["id"],)).fetchall()
        return [id for (id,) in found] or [str(uuid4())]

    def relate(self, connection: psycopg.Connection[Any]) -> None:
        """Write once, in one of these ways; a write that is refused changes nothing."""
        chance, call, tenant = self.chance, self.service.call, self.tenant["id"]
        type = chance.choice(self.types)
        source, target = (chance.choice(self.living(connection, "nodes")) for _ in range(2))
        ends = {"source_node_id": source, "target_node_id": target, "relationship_type": "is"}
        relationship = chance.choice(self.living(connection, "relationships"))
        created = [str(uuid4()) for _ in range(3)]
        calls = [request("create_node", {"tenant_id": tenant, "node_type_id": type, "id": id})
                 for id in created] + [
            request("create_relationship", {"tenant_id": tenant, **ends}),
            request("patch_node", {"tenant_id": tenant, "id": created[0], "patch": {"a": 1}})]
        inner = [{name: each[name] for name in ("method", "params")} for each in calls]

        def original_statements() -> None:
            made = str(uuid4())
            original.insert(connection, "nodes", id=made, tenant_id=tenant, node_type_id=type,
                            data={"a": 1}, created_at="2024-01-01", updated_at="2024-01-01")
            original.update(connection, "nodes", {"id": made, "tenant_id": tenant}, data={"a": 2})
            original.delete(connection, "nodes", id=source, tenant_id=tenant)

        ways: list[Callable[[], Any]] = [
            lambda: call("create_relationship", tenant_id=tenant, **ends),
            lambda: call("create_relationship", tenant_id=tenant, **ends),
            lambda: call("create_relationships", tenant_id=tenant, relationships=[ends, ends]),
            lambda: call("patch_relationship", tenant_id=tenant, id=relationship,
                         patch={"a": chance.randrange(9)}),
            lambda: connection.execute(
                "UPDATE relationships r SET relationship_type = 'was' WHERE r.id = %s",
                (relationship,)),
            lambda: call("delete_relationship", tenant_id=tenant, id=relationship),
            lambda: call("delete_node", tenant_id=tenant, id=source),
            lambda: call("upsert_node", tenant_id=tenant, node_type_id=type, id=target,
                         data={"a": "upserted"}),
            lambda: call("update_nodes", tenant_id=tenant, filter={"node_type_id": type},
                         update={"$set": {"b": 1}}, max_affected=1000),
            lambda: call("transaction", calls=inner),
            lambda: self.service.batch(calls),
            original_statements,
        ]
        with suppress(RpcError):
            chance.choice(ways)()


@pytest.mark.long
@settings(max_examples=4, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), limit=st.sampled_from([1, 3, 100]))
def test_a_mirror_has_what_the_lists_give(
        service: Service, seed: int, limit: int) -> None:
    chance = random.Random(seed)
    writers = Graph(service, chance)
    mirror = Mirror(service, writers.tenant["id"], limit)
    begun = mirror.position
    with postgres.connect(service.settings) as connection:
        for _ in range(6):
            for _ in range(6):
                chance.choice([writers.write, writers.relate, writers.relate])(connection)
            mirror.follow()
            assert mirror.objects == listed(service, writers.tenant["id"])
    # What was told stays as it was told, and each change found what the one before had left.
    again = Mirror(service, writers.tenant["id"])
    if begun.rpartition(".")[0] == again.position.rpartition(".")[0]:
        again.position = begun
        assert again.read() == mirror.told
    left: dict[str, Any] = {}
    for change in mirror.told:
        object = change[change["kind"]]
        if change["id"] in left and change["op"] != "create":
            assert change["old"] == left[change["id"]]
            assert change["old"]["version"] == change["version"] - 1
        left[change["id"]] = object


@pytest.mark.long
def test_all_who_read_while_others_write_are_told_the_same(service: Service) -> None:
    writers = [Graph(service, random.Random(seed)) for seed in range(3)]
    tenant = writers[0].tenant
    for other in writers[1:]:
        other.tenant, other.types = tenant, [service.node_type(tenant)["id"]]
    readers = [Mirror(service, tenant["id"], limit) for limit in (1, 7, 1000)]
    written = threading.Event()

    def write(one: Graph) -> None:
        with postgres.connect(service.settings) as connection:
            for _ in range(30):
                with suppress(psycopg.errors.ForeignKeyViolation, psycopg.errors.DeadlockDetected):
                    one.relate(connection)

    def read(mirror: Mirror) -> None:
        while not written.is_set():
            mirror.read()
        mirror.read()

    with ThreadPoolExecutor(6) as threads:
        reading = [threads.submit(read, mirror) for mirror in readers]
        list(threads.map(write, writers))
        written.set()
        for each in reading:
            each.result()
    assert len(readers[0].told) > 50
    assert all(mirror.told == readers[0].told for mirror in readers)


@pytest.mark.parametrize("way", ["deleted and made again", "truncated"])
def test_positions_of_what_was_there_before_are_gone_however_much_is_written_since(
        service: Service, way: str) -> None:
    tenant = service.tenant()
    service.node_type(tenant)
    mirror = Mirror(service, tenant["id"])
    with postgres.connect(service.settings) as connection:
        if way == "truncated":
            connection.execute("TRUNCATE relationships")
        else:
            service.call("delete_tenant", id=tenant["id"])
            original.insert(connection, "tenants", id=tenant["id"], slug=uuid4().hex, name="Again",
                            status="active", created_at="2024-01-01", updated_at="2024-01-01")
    for _ in range(3):
        with pytest.raises(RpcError) as refused:
            mirror.read()
        assert refused.value.reason == "CHANGES_GONE"
        service.node_type(tenant)
    mirror.follow()
    assert mirror.objects == listed(service, tenant["id"])
