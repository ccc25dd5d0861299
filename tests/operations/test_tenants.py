"""Tenants: the root of all data; what hangs on one goes with it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors

HANGING = ("tenant_users", "node_types", "nodes", "relationships")


def furnished(service: Service, **given: Any) -> Any:
    """Make a tenant that has something of everything."""
    tenant = service.tenant(**given)
    service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=service.user()["id"])
    node = service.node(service.node_type(tenant))
    service.relationship(node, node)
    return tenant


def rows_of(service: Service, tenant: dict[str, Any]) -> dict[str, int]:
    """Count what hangs on a tenant in the database itself."""
    with connect(service.settings) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s",
                                     [tenant["id"]]).fetchone() for table in HANGING]
    return {table: count[0] for table, count in zip(HANGING, counts) if count}


def counts_of(service: Service, tenant: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return how many rows each list of a tenant has, and how many it says it has."""
    listed = {thing: service.call(f"list_{thing}", tenant_id=tenant["id"]) for thing in HANGING}
    return {thing: (len(page[thing]), page["pagination"]["total_count"])
            for thing, page in listed.items()}


def test_a_tenant_is_created_read_changed_and_deleted(service: Service) -> None:
    slug = uuid4().hex
    tenant = service.call("create_tenant", slug=slug, name="Acme Corporation")["tenant"]
    assert tenant | {"slug": slug, "name": "Acme Corporation", "status": "active"} == tenant
    assert tenant["created_at"] == tenant["updated_at"]
    assert service.call("get_tenant", id=tenant["id"]) == {"tenant": tenant}
    change = {"slug": uuid4().hex, "name": "Acme", "status": "suspended"}
    changed = service.call("update_tenant", id=tenant["id"], **change)["tenant"]
    assert changed == tenant | change | {"updated_at": changed["updated_at"]}
    assert changed["updated_at"] > tenant["updated_at"]
    assert service.call("get_tenant", id=tenant["id"]) == {"tenant": changed}
    assert service.call("delete_tenant", id=tenant["id"]) == {}
    assert refusal(service, "get_tenant", id=tenant["id"]).code == -32001


@pytest.mark.parametrize("absent", [{}, {"slug": "", "name": "", "status": ""}])
@pytest.mark.parametrize("change", [{}, {"slug": "acme"}, {"name": "Ümläut 😀 \t\n\u2028\x7f"},
                                    {"status": "on hold"}])
def test_an_update_leaves_what_is_absent(service: Service, change: dict[str, str],
                                         absent: dict[str, str]) -> None:
    tenant = service.tenant()
    if "slug" in change:
        change = {"slug": uuid4().hex}
    changed = service.call("update_tenant", {"id": tenant["id"]} | absent | change)["tenant"]
    assert changed == tenant | change | {"updated_at": changed["updated_at"]}


@pytest.mark.parametrize("name", ["slug", "name", "status"])
def test_a_tenant_has_nothing_that_null_could_clear(service: Service, name: str) -> None:
    tenant = service.tenant()
    refused = refusal(service, "update_tenant", {"id": tenant["id"], name: None})
    assert (refused.code, refused.reason, set(refused.fields)) == (-32602, "INVALID_PARAMS", {name})
    assert service.call("get_tenant", id=tenant["id"]) == {"tenant": tenant}


def test_a_given_id_is_kept_and_taken_only_once(service: Service) -> None:
    given = str(uuid4())
    tenant = service.tenant(id=given)
    assert tenant["id"] == given
    refused = refusal(service, "create_tenant", slug=uuid4().hex, name="Another", id=given)
    assert (refused.code, refused.reason, set(refused.fields)) == (-32002, "ALREADY_EXISTS", {"id"})
    assert service.call("get_tenant", id=given) == {"tenant": tenant}
    assert service.tenant(id="")["id"] != given


def test_a_slug_is_taken_only_once(service: Service) -> None:
    taken, other = service.tenant(), service.tenant()
    for method, params in [("create_tenant", {"name": "Another"}),
                           ("update_tenant", {"id": other["id"], "name": "Another"})]:
        refused = refusal(service, method, params | {"slug": taken["slug"]})
        assert (refused.code, refused.reason) == (-32002, "ALREADY_EXISTS")
        assert set(refused.fields) == {"slug"} and not refused.error["data"]["retryable"]
    assert service.call("get_tenant", id=other["id"]) == {"tenant": other}
    own = service.call("update_tenant", id=taken["id"], slug=taken["slug"])["tenant"]
    assert own["slug"] == taken["slug"]


def test_of_many_who_want_a_slug_at_the_same_time_one_gets_it(service: Service) -> None:
    slug = uuid4().hex

    def create(_: int) -> int:
        try:
            return len(service.call("create_tenant", slug=slug, name="Racer"))
        except RpcError as error:
            return error.code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(create, range(8))) == [-32002] * 7 + [1]


@pytest.mark.parametrize("method", ["get_tenant", "update_tenant", "delete_tenant"])
def test_a_tenant_that_is_not_there_is_not_found(service: Service, method: str) -> None:
    refused = refusal(service, method, id=str(uuid4()))
    assert (refused.code, refused.reason, set(refused.fields)) == (-32001, "NOT_FOUND", {"id"})


def test_deleting_a_tenant_takes_along_what_hangs_on_it_and_nothing_else(service: Service) -> None:
    tenant, other = furnished(service), furnished(service)
    listed = service.call("list_tenant_users", tenant_id=tenant["id"])["tenant_users"]
    assert rows_of(service, tenant) == rows_of(service, other) == dict.fromkeys(HANGING, 1)
    service.call("delete_tenant", id=tenant["id"])
    assert rows_of(service, tenant) == dict.fromkeys(HANGING, 0)
    assert rows_of(service, other) == dict.fromkeys(HANGING, 1)
    assert service.call("get_user", id=listed[0]["user_id"])["user"]["id"] == listed[0]["user_id"]
    assert refusal(service, "list_nodes", tenant_id=tenant["id"]).code == -32001


def test_a_tenant_that_takes_a_deleted_one_s_id_begins_empty(service: Service) -> None:
    tenant = furnished(service)
    service.call("delete_tenant", id=tenant["id"])
    furnished(service, id=tenant["id"])
    assert counts_of(service, tenant) == dict.fromkeys(HANGING, (1, 1))


def test_what_is_written_while_its_tenant_is_deleted_is_not_counted_later(service: Service
                                                                          ) -> None:
    tenant = furnished(service)
    node = service.call("list_nodes", tenant_id=tenant["id"])["nodes"][0]
    with (connect(service.settings) as writer, connect(service.settings) as watcher,
          ThreadPoolExecutor(1) as deleter):
        with writer.transaction():
            writer.execute("INSERT INTO relationships (id, tenant_id, source_node_id, "
                           "target_node_id, relationship_type) VALUES (%s, %s, %s, %s, 'late')",
                           [uuid4(), tenant["id"], node["id"], node["id"]])
            deleted = deleter.submit(service.call, "delete_tenant", id=tenant["id"])
            while not watcher.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                                      "AND datname = current_database()").rowcount:
                assert not deleted.done()
        assert deleted.result() == {}
    service.tenant(id=tenant["id"])
    assert counts_of(service, tenant) == dict.fromkeys(HANGING, (0, 0))


def test_the_nil_uuid_is_an_id_like_any_other(service: Service) -> None:
    def total(method: str) -> Any:
        return service.call(method)["pagination"]["total_count"]

    before = total("list_tenants"), total("list_users")
    tenant = furnished(service, id="00000000-0000-0000-0000-000000000000")
    assert (total("list_tenants"), total("list_users")) == (before[0] + 1, before[1] + 1)
    service.call("delete_tenant", id=tenant["id"])
    assert (total("list_tenants"), total("list_users")) == (before[0], before[1] + 1)
