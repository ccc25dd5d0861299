"""Events: one for each change of a tenant, a user, a member or a key, and none of what was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from flexdb.access.callers import Access
from flexdb.config import Settings
from flexdb.contract.operation import DELETES, OPERATIONS, READS
from flexdb.operations.events import MOST_BYTES
from flexdb.server import keys
from flexdb.sql.loader import STATEMENTS
from tests.support.callers import secrets_of, with_key
from tests.support.postgres import connect
from tests.support.service import RpcError, Service, request
from tests.support.world import World

NOTED = [name for name, operation in OPERATIONS.items() if operation.effect is not READS
         and operation.access in (Access.MANAGE, Access.OWN, Access.PLATFORM)]


@pytest.fixture(scope="module")
def service(operator: Service) -> Service:
    return operator


@pytest.fixture
def database(settings: Settings) -> Iterator[psycopg.Connection]:
    with connect(settings) as connection:
        yield connection


def events(service: Service, **asked: Any) -> list[dict[str, Any]]:
    return list(service.call("list_events", asked)["events"])


def count(database: psycopg.Connection) -> int:
    (number,) = database.execute("SELECT count(*) FROM flexdb_events").fetchone() or ()
    return int(number)


@pytest.mark.parametrize("method", NOTED)
def test_each_change_leaves_one_event_without_secrets_and_addresses(
        service: Service, database: psycopg.Connection, method: str) -> None:
    world = World(service)
    asked = world.params(method)
    database.execute("TRUNCATE flexdb_events")
    result = service.call(method, asked)
    (event,) = events(service)
    assert (event["operation"], event["caller"]) == (
        method, service.call("get_caller")["caller"]["name"])
    # Which request it was is in the log by the same id.
    assert event["request_id"] and event["about"] == next(
        (asked[name] for name in ("id", "user_id", "webhook_id") if name in asked), None)
    secrets = [asked.get("email"), asked.get("display_name"), world.user["email"],
               *[thing.get("secret") for thing in result.values() if isinstance(thing, dict)]]
    stored = str(database.execute("SELECT e::text FROM flexdb_events e").fetchone())
    assert not [secret for secret in secrets if secret and secret in stored]
    if OPERATIONS[method].effect is DELETES:
        # What is erased is noted nowhere.
        assert event["after"] is None and (event["before"] is None) == (method == "erase_node")


def test_an_event_tells_what_differs(service: Service, settings: Settings) -> None:
    tenant, user = service.tenant(name="Old"), service.user()
    of_tenant, of_user = {"tenant_id": tenant["id"]}, {"user_id": user["id"]}
    owner = with_key(service, secrets_of(settings, tenant)["owner"])
    owner.call("update_tenant", name="New")
    service.call("update_tenant", id=tenant["id"], status="paused")
    service.call("update_user", id=user["id"], email="other@example.org")
    for role in ("member", "admin"):
        service.call("add_user_to_tenant", **of_tenant, **of_user, role=role)
    found = [[event[part] for part in ("operation", "changed", "before", "after")]
             for event in events(service, pagination={"page_size": 20})
             if event["operation"] != "create_key"]
    assert found[:6] == [
        ["add_user_to_tenant", ["role"], {"role": "member"}, {"role": "admin"}],
        ["add_user_to_tenant", ["role", "status"], None, {"role": "member", "status": "active"}],
        ["update_user", ["email"], {}, {}],
        ["update_tenant", ["status"], {"status": "active"}, {"status": "paused"}],
        ["update_tenant", ["name"], {"name": "Old"}, {"name": "New"}],
        ["create_user", ["display_name", "email"], None, {}]]
    # A tenant's own see those alone that are about it, whoever made them.
    own = events(owner)
    assert {event["tenant_id"] for event in own} == {tenant["id"]}
    assert [event["caller"] for event in own if event["operation"] == "update_tenant"] == [
        service.call("get_caller")["caller"]["name"], owner.call("get_caller")["caller"]["name"]]


def test_an_event_of_limits_tells_what_they_were(service: Service) -> None:
    tenant = service.tenant()
    service.node_type(tenant)
    for most in (50, 60):
        service.call("update_limits", tenant_id=tenant["id"], max_nodes=most)
    second, first = events(service, tenant_id=tenant["id"], operation="update_limits")
    assert first["changed"] == ["max_nodes", "own"] and first["after"]["max_nodes"] == 50
    assert (second["before"], second["after"]) == ({"max_nodes": 50}, {"max_nodes": 60})


# A test is new, what is sent again is as it was, and what is erased is not noted.
@pytest.mark.parametrize("method", sorted({*NOTED} - {"test_webhook", "redeliver", "erase_node"}))
def test_what_a_change_was_before_is_read(method: str) -> None:
    operation = OPERATIONS[method]
    table = "tenant_users" if method.endswith("_tenant") and "user_id" in operation.fields else (
        operation.kind)
    assert f"before_{table}" in STATEMENTS["value"]


def test_what_is_refused_tried_or_rolled_back_leaves_none(
        service: Service, database: psycopg.Connection) -> None:
    tenant = service.tenant()
    change = {"method": "update_tenant", "params": {"id": tenant["id"], "name": "X"}}
    before = count(database)
    service.call("transaction", calls=[change, change], dry_run=True)
    for calls in ([change, {"method": "get_user", "params": {"id": tenant["id"]}}],
                  [{"method": "delete_user", "params": {"id": tenant["id"]}}]):
        with pytest.raises(RpcError):
            service.call("transaction", calls=calls)
    with pytest.raises(RpcError):
        service.tenant(slug=tenant["slug"])
    service.batch([request("delete_user", {"id": tenant["id"]}), request("list_users")])
    assert count(database) == before
    service.call("transaction", calls=[change, change])
    # A batch in which one fails is run again, one by one.
    service.batch([change | request("update_tenant", change["params"]),
                   request("delete_user", {"id": tenant["id"]})])
    assert count(database) == before + 3


def test_commands_leave_one_too(service: Service, settings: Settings) -> None:
    tenant = service.tenant()
    keys.create_key(settings, tenant["id"], "viewer", "shop", 7, ("read",))
    (key,) = keys.list_keys(settings, tenant["id"])
    keys.delete_key(settings, tenant["id"], key["id"])
    deleted, made = events(service, tenant_id=tenant["id"], caller="command")
    assert (made["operation"], deleted["operation"]) == ("create_key", "delete_key")
    assert made["about"] == deleted["about"] == key["id"] and made["request_id"] == ""
    assert {made["after"][name] for name in ("name", "role")} == {"shop", "viewer"}
    assert deleted["before"]["hint"] == key["hint"]


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_events_are_found_by_who_what_and_when_page_by_page(service: Service, door: str) -> None:
    service = replace(service, door=door)
    tenants = [service.tenant() for _ in range(3)]
    ids = [tenant["id"] for tenant in tenants][::-1]
    of_one = {"tenant_id": ids[1]}
    (event,) = events(service, **of_one)
    assert event["after"]["slug"] == tenants[1]["slug"] and event["before"] is None
    asked: dict[str, Any] = {"operation": "create_tenant", "pagination": {"page_size": 2}}
    first = service.call("list_events", asked)
    asked["pagination"]["page_token"] = first["pagination"]["next_page_token"]
    second = service.call("list_events", asked)
    assert [event["about"] for event in (first["events"] + second["events"])[:3]] == ids
    assert events(service, since=event["at"], until=event["at"]) == []
    assert event in events(service, since=event["at"]) and event not in events(
        service, until=event["at"])
    assert events(service, **of_one, caller="command") == events(
        service, **of_one, operation="delete_key") == []
    # The last two lie beyond the years that a time is told with, when they are told in UTC.
    for none in ("2026-02-30T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"):
        with pytest.raises(RpcError, match="since is no time that there is"):
            events(service, since=none)
    # PostgreSQL takes no offset beyond, and its refusal would name nothing.
    for far in ("2026-01-01T00:00:00+16:00", "9999-12-31T23:59:59-23:59"):
        with pytest.raises(RpcError, match="until must be a time with an offset below 16 hours"):
            events(service, until=far)
    assert events(service, since="0001-01-01T00:00:00-15:59", until="9999-12-31T23:59:59+15:59")


def test_who_deleted_a_tenant_is_told_to_operators(service: Service, settings: Settings) -> None:
    tenant = service.tenant()
    admin = with_key(service, secrets_of(settings, tenant)["admin"])
    assert events(admin)
    service.call("delete_tenant", id=tenant["id"])
    last, *_ = events(service, tenant_id=tenant["id"])
    assert last["operation"] == "delete_tenant" and last["before"]["slug"] == tenant["slug"]
    other = with_key(service, secrets_of(settings, service.tenant())["admin"])
    with pytest.raises(RpcError, match="there is no such tenant"):
        events(other, tenant_id=tenant["id"])


def test_a_long_value_is_cut(service: Service) -> None:
    tenant = service.tenant()
    names = sorted({*OPERATIONS, *(access.word for access in Access)} - {"any"})
    many = (names * 3)[:100]
    service.call("create_key", tenant_id=tenant["id"], name="ü" * 255, role="admin",
                 operations=many)
    (event,) = events(service, tenant_id=tenant["id"], operation="create_key")
    told = event["after"]["operations"]
    if len(str(many)) > MOST_BYTES:
        assert isinstance(told, str) and len(told) <= MOST_BYTES + 1 and told.endswith("…")
    assert event["after"]["name"] == "ü" * 255


def test_what_is_older_than_is_kept_goes_with_the_next_ones(
        new_database: Callable[..., Settings]) -> None:
    service = Service.of(replace(new_database(), events_keep=2))
    for _ in range(25):
        service.user()
    with connect(service.settings) as connection:
        connection.execute("UPDATE flexdb_events SET at = at - interval '3 days'")
        left = []
        for _ in range(4):
            service.user()
            left.append(count(connection))
    assert left == [16, 7, 3, 4]
    service.close()
