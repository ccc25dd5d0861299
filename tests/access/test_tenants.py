"""A tenant's key: another tenant is as good as none, and told without a look into the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from flexdb.config import Settings
from flexdb.contract.fields import Id
from flexdb.contract.operation import OPERATIONS
from flexdb.server import keys
from tests.support.callers import closed, with_key
from tests.support.service import RpcError, Service, request, rest_request
from tests.support.world import World

BOUND = [name for name, operation in OPERATIONS.items() if operation.tenant]
IDS = [(name, param) for name in BOUND for param, field in OPERATIONS[name].fields.items()
       if isinstance(field, Id) and param != OPERATIONS[name].tenant
       and not (name.startswith(("create_", "upsert_")) and param == "id")]


class Two(NamedTuple):
    """Two tenants with one of everything, and the service as the owner of the first reaches it."""

    open: Service
    own: World
    other: World
    owner: Service


@pytest.fixture(scope="module")
def two(new_database: Callable[..., Settings]) -> Iterator[Two]:
    settings = new_database()
    open_service, service = Service.of(settings), closed(settings)
    own, other = World(open_service), World(open_service)
    secret = keys.create_key(settings, own.tenant["id"], "owner", "owner", 1, ())
    owner = with_key(service, secret)
    owner.call("get_caller")
    yield Two(open_service, own, other, owner)
    open_service.close()
    service.close()


def answer(caller: Service, method: str, params: Any, door: str) -> tuple[int, bytes]:
    """Return the status and the bytes of an answer."""
    response = (with_key(caller, caller.secret).post(request(method, params))
                if door == "jsonrpc" else _by_url(caller, method, params))
    return response.status_code, response.data


def _by_url(caller: Service, method: str, params: Any) -> Any:
    said = rest_request(method, params)
    assert said
    return caller.client().open(**said)


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
@pytest.mark.parametrize("method", BOUND)
def test_another_tenant_and_none_are_answered_alike_and_nothing_is_asked(
        two: Two, statements: list[str], method: str, door: str) -> None:
    if method in ("delete_tenant", "update_limits"):
        pytest.skip("an operator's alone")
    params, name = two.own.params(method), str(OPERATIONS[method].tenant)
    params.pop("version", None)
    if method == "update_tenant":
        params = {"id": "", "name": "Another"}
    answers = [answer(two.owner, method, params | {name: id}, door)
               for id in (two.other.tenant["id"], str(uuid4()))]
    assert answers[0] == answers[1] and statements == []
    error = json.loads(answers[0][1])["error"]
    assert error["code"] == -32001 and error["data"]["fields"] == {name: ["names no tenant"]}


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
@pytest.mark.parametrize("method, param", IDS)
def test_a_row_of_another_tenant_and_none_are_answered_alike(
        two: Two, statements: list[str], method: str, param: str, door: str) -> None:
    params = two.own.params(method) | {"version": ""}
    params = {name: params[name] for name in OPERATIONS[method].fields if name in params
              and (name, door) != ("version", "rest")}
    kinds = {"id": method.partition("_")[2], "start": "node", "source_node_id": "node",
             "target_node_id": "node", "node_type_id": "node_type", "user_id": "user",
             "replaces": "key", "webhook_id": "webhook"}
    kind = {"neighbors": "node", "webhook_secret": "webhook"}.get(
        kinds[param], kinds[param].removesuffix("_history"))
    told = []
    for id in (getattr(two.other, kind)["id"], str(uuid4())):
        statements.clear()
        told.append((answer(two.owner, method, params | {param: id}, door)[1]
                     .replace(id.encode(), b""), list(statements)))
    assert told[0] == told[1]


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_a_user_who_is_no_member_and_none_are_alike(two: Two, door: str) -> None:
    owner = with_key(two.owner, two.owner.secret, door)
    assert owner.call("get_user", id=two.own.user["id"])["user"] == two.own.user
    for method in ("get_user", "add_user_to_tenant", "remove_user_from_tenant"):
        name = "id" if method == "get_user" else "user_id"
        refusals = []
        for id in (two.other.user["id"], str(uuid4())):
            with pytest.raises(RpcError) as refused:
                given = {"tenant_id": two.own.tenant["id"], "user_id": id, "id": id}
                owner.call(method, {key: given[key] for key in given
                                    if key in OPERATIONS[method].fields and key != "role"})
            refusals.append(refused.value.error)
        assert refusals[0] == refusals[1] and refusals[0]["code"] == -32001
        assert list(refusals[0]["data"]["fields"]) == [name]


def test_the_tenant_may_be_left_out(two: Two) -> None:
    tenant_id = two.own.tenant["id"]
    for method in ("list_nodes", "list_node_types", "list_tenant_users", "list_keys", "get_tenant"):
        name = str(OPERATIONS[method].tenant)
        expected = two.owner.call(method, {name: tenant_id})
        assert two.owner.call(method, {}) == two.owner.call(method, []) == expected
    node = two.owner.call("create_node", node_type_id=two.own.node_type["id"])["node"]
    assert node["tenant_id"] == tenant_id
    # By position it is the last one that is not given.
    assert two.owner.call("get_node", [node["id"]])["node"] == node
    results = two.owner.call("transaction", calls=[
        {"method": "get_node", "params": {"id": node["id"]}},
        {"method": "list_nodes", "params": {"tenant_id": tenant_id}}])["results"]
    assert results[0]["node"] == node


def test_a_transaction_reaches_no_other_tenant(two: Two) -> None:
    with pytest.raises(RpcError) as refused:
        two.owner.call("transaction", calls=[
            {"method": "list_nodes"},
            {"method": "list_nodes", "params": {"tenant_id": two.other.tenant["id"]}}])
    assert refused.value.code == -32001 and refused.value.error["data"]["index"] == 1


def test_an_owner_changes_the_name_alone(two: Two) -> None:
    own = two.own.tenant["id"]
    assert two.owner.call("update_tenant", id=own, name="Renamed")["tenant"]["name"] == "Renamed"
    for given in ({"slug": "other"}, {"status": "active"}, {"name": "x", "status": "suspended"}):
        with pytest.raises(RpcError) as refused:
            two.owner.call("update_tenant", {"id": own} | given)
        assert refused.value.reason == "PERMISSION_DENIED"
    assert two.open.call("get_tenant", id=own)["tenant"]["name"] == "Renamed"


def test_nobody_gives_or_takes_a_role_above_the_own(two: Two) -> None:
    key = two.own.member
    admin = with_key(two.owner, keys.create_key(
        two.open.settings, two.own.tenant["id"], "admin", "admin", 1, ()))
    assert admin.call("add_user_to_tenant", key | {"role": "viewer"})["tenant_user"]["role"] == (
        "viewer")
    for role in ("owner", "operator"):
        with pytest.raises(RpcError, match=f"gives and takes no role {role}"):
            admin.call("add_user_to_tenant", key | {"role": role})
    two.open.call("add_user_to_tenant", key | {"role": "owner"})
    for method, given in (("add_user_to_tenant", {"role": "viewer"}),
                          ("remove_user_from_tenant", {})):
        with pytest.raises(RpcError, match="gives and takes no role owner"):
            admin.call(method, key | given)
    assert two.owner.call("add_user_to_tenant", key | {"role": "admin"})


def test_the_keys_of_a_suspended_tenant_are_good_for_one_thing(two: Two) -> None:
    tenant = two.open.tenant()
    secret = keys.create_key(two.open.settings, tenant["id"], "owner", "k", 1, ())
    two.open.call("update_tenant", id=tenant["id"], status="suspended")
    caller = with_key(two.owner, secret)
    assert caller.call("get_caller")["caller"]["tenant"] == tenant["id"]
    for method in ("list_nodes", "create_key", "get_tenant"):
        with pytest.raises(RpcError, match="the tenant is suspended"):
            caller.call(method, {"name": "x"} if method == "create_key" else {})


def test_with_the_tenant_its_keys_go(two: Two) -> None:
    tenant = two.open.tenant()
    caller = with_key(closed(two.open.settings), keys.create_key(
        two.open.settings, tenant["id"], "owner", "k", 1, ()))
    two.open.call("delete_tenant", id=tenant["id"])
    with pytest.raises(RpcError, match="the key is not good"):
        caller.call("get_caller")
    caller.close()
