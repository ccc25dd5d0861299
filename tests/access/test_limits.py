"""Limits of a tenant's own: who gives them, what is told of them, and what every worker knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from flexdb.access.limits import AS_SETTINGS, OwnLimits
from flexdb.api.limits import KnownLimits
from flexdb.config import Settings
from flexdb.db.connection import Connection
from flexdb.errors import FlexdbError
from flexdb.plan import Statement
from tests.support.callers import closed, secrets_of, with_key
from tests.support.postgres import connect
from tests.support.runner import Behind
from tests.support.service import RpcError, Service
from tests.support.waiting import wait_until

LIMITS = {"max_nodes": 10, "max_relationships": 20, "max_bytes": 3000, "calls_per_second": 40,
          "burst": 50}


@pytest.fixture(scope="module")
def service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = Service.of(new_database(max_nodes=7, max_bytes=10**12))
    yield service
    service.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the statements that are sent, in their order."""
    sent: list[str] = []
    fetch = Connection.fetch

    def noting(self: Connection, statement: Statement) -> Any:
        sent.append(statement.name)
        return fetch(self, statement)

    monkeypatch.setattr(Connection, "fetch", noting)
    return sent


def get(service: Service, tenant: dict[str, Any]) -> Any:
    return service.call("get_limits", tenant_id=tenant["id"])["limits"]


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_a_tenant_has_the_limits_of_the_settings_until_it_has_its_own(
        service: Service, door: str) -> None:
    caller = with_key(service, "", door)
    tenant = service.tenant()
    told = {"tenant_id": tenant["id"], "max_nodes": 7, "max_relationships": 0,
            "max_bytes": 10**12, "calls_per_second": None, "burst": None, "own": [],
            "used_nodes": 0, "used_relationships": 0, "used_bytes": 0}
    assert get(caller, tenant) == told
    own = told | {"max_nodes": 0, "burst": 5, "own": ["max_nodes", "burst"]}
    changed = caller.call("update_limits", tenant_id=tenant["id"], max_nodes=0, burst=5)
    assert changed == {"limits": own} and get(caller, tenant) == own
    all_own = told | LIMITS | {"own": list(LIMITS)}
    assert caller.call("update_limits", tenant_id=tenant["id"], **LIMITS) == {"limits": all_own}
    # What is absent stays, and what is both given and reset is reset.
    reset = caller.call("update_limits", tenant_id=tenant["id"], max_nodes=1, max_bytes=4,
                        reset=["max_nodes", "max_relationships", "burst"])
    assert reset == {"limits": told | {"max_bytes": 4, "calls_per_second": 40,
                                       "own": ["max_bytes", "calls_per_second"]}}
    assert get(caller, service.tenant())["own"] == []


def test_what_a_tenant_has_is_told(service: Service) -> None:
    tenant = service.tenant()
    node_type = service.node_type(tenant, schema={"type": "object"})
    one, two = (service.node(node_type, data={"a": n}) for n in (1, 22))
    service.relationship(one, two)
    limits = get(service, tenant)
    assert (limits["used_nodes"], limits["used_relationships"], limits["used_bytes"]) == (
        2, 1, len('{"type": "object"}') + len('{"a": 1}') + len('{"a": 22}') + len("{}"))


def test_only_an_operator_changes_limits_and_every_role_sees_them(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    service = closed(settings)
    open_service = Service.of(settings)
    tenant, other = open_service.tenant(), open_service.tenant()
    for role, secret in secrets_of(settings, tenant).items():
        caller = with_key(service, secret)
        assert get(caller, tenant)["max_nodes"] == 0
        if role == "operator":
            assert caller.call("update_limits", tenant_id=tenant["id"], max_nodes=5)
            continue
        with pytest.raises(RpcError) as refused:
            caller.call("update_limits", tenant_id=tenant["id"], max_nodes=5)
        assert refused.value.reason == "PERMISSION_DENIED"
        with pytest.raises(RpcError) as refused:
            get(caller, other)
        assert refused.value.reason == "NOT_FOUND"
    service.close()
    open_service.close()


def test_a_tenant_that_is_not_there_has_no_limits(service: Service) -> None:
    for method, given in (("get_limits", {}), ("update_limits", {"max_nodes": 1})):
        with pytest.raises(RpcError) as refused:
            service.call(method, tenant_id=str(uuid4()), **given)
        assert refused.value.fields == {"tenant_id": ["names no tenant"]}


def test_limits_go_with_their_tenant(service: Service) -> None:
    tenant = service.tenant()
    service.call("update_limits", tenant_id=tenant["id"], **LIMITS)
    service.call("delete_tenant", id=tenant["id"])
    with connect(service.settings) as connection:
        assert connection.execute("SELECT FROM flexdb_limits WHERE tenant_id = %s",
                                  [tenant["id"]]).fetchall() == []


def test_what_a_worker_knows_of_limits_is_a_second_old_at_most(
        service: Service, sent: list[str]) -> None:
    known = KnownLimits(Behind(service.settings).runner)
    tenant = service.tenant()
    assert known(tenant["id"]) == AS_SETTINGS
    service.call("update_limits", tenant_id=tenant["id"], max_nodes=3)
    wait_until(lambda: known(tenant["id"]) == OwnLimits(max_nodes=3), 10)
    service.call("update_limits", tenant_id=tenant["id"], **LIMITS)
    wait_until(lambda: known(tenant["id"]) == OwnLimits(*LIMITS.values()), 10)
    service.call("update_limits", tenant_id=tenant["id"], reset=list(LIMITS))
    wait_until(lambda: known(tenant["id"]) == AS_SETTINGS, 10)
    sent.clear()
    for _ in range(10_000):
        known(tenant["id"])
    assert len(sent) <= 1


def test_what_was_known_of_limits_holds_while_postgresql_is_away(
        new_database: Callable[..., Settings]) -> None:
    behind = Behind(new_database())
    service = Service.of(behind.settings)
    tenant = service.tenant()
    service.call("update_limits", tenant_id=tenant["id"], max_nodes=3)
    known = KnownLimits(behind.runner)
    assert known(tenant["id"]).max_nodes == 3
    behind.do("ALTER TABLE flexdb_limits RENAME TO away")
    try:
        known._asked = float("-inf")
        assert known(tenant["id"]).max_nodes == 3
        with pytest.raises(FlexdbError):
            KnownLimits(behind.runner)(tenant["id"])
    finally:
        behind.do("ALTER TABLE away RENAME TO flexdb_limits")
    service.close()
