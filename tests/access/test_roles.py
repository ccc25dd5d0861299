"""What a role is let do is what the table in the documentation says, through every door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from flexdb.access.callers import ROLES, Access
from flexdb.config import Settings
from flexdb.contract.fields import Text
from flexdb.contract.operation import OPERATIONS, READS, SERVICE, operation
from flexdb.contract.params import Params
from tests.support.callers import closed, secrets_of, with_key
from tests.support.pages import quoted, table
from tests.support.service import RpcError, Service
from tests.support.world import World

KEYS, ROLES_HEADING = "docs/how-to/keys.md", "## What the roles are let do"
# Which roles may call what, as the table says.
MAY = {method: {role for role, told in zip(ROLES, row[2:]) if told == "yes"}
       for row in table(KEYS, ROLES_HEADING) for method in quoted(row[1])}


class Closed(NamedTuple):
    """A service where everyone needs a key, a tenant with one of everything, keys of each role."""

    service: Service
    world: World
    secrets: dict[str, str]

    def call(self, role: str, method: str, params: Any, door: str = "jsonrpc") -> Any:
        """Call a method with the key of a role."""
        return with_key(self.service, self.secrets[role], door).call(method, params)


@pytest.fixture(scope="module")
def there(new_database: Callable[..., Settings]) -> Iterator[Closed]:
    settings = new_database()
    open_service, service = Service.of(settings), closed(settings)
    world = World(open_service)
    yield Closed(service, world, secrets_of(settings, world.tenant))
    open_service.close()
    service.close()


def test_the_table_has_every_operation_under_its_access() -> None:
    told = {row[0].strip("`"): set(quoted(row[1])) for row in table(KEYS, ROLES_HEADING)}
    assert told == {access.word: {name for name, one in OPERATIONS.items() if one.access is access}
                    | ({"rpc.discover"} if access is Access.ANY else set()) for access in Access}


def test_an_operation_without_an_access_cannot_be_declared() -> None:
    class Named(Params):
        name = Text("A name.")

    with pytest.raises(TypeError, match="access"):
        operation(Named, gives=OPERATIONS["get_node"].gives, effect=READS,  # type: ignore[call-arg]
                  of=SERVICE)


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", OPERATIONS)
def test_a_role_is_let_do_what_the_table_says(there: Closed, method: str, role: str, door: str
                                              ) -> None:
    params = there.world.params(method)
    # What would be gone for the others is asked of what is not there.
    if method.startswith(("delete_", "remove_")):
        params |= {name: str(uuid4()) for name in ("id", "user_id") if name in params}
        params |= {"filter": {"version": 1000}} if "filter" in params else {}
    if method == "update_tenant" and role != "operator":
        params = {"id": params["id"], "name": "Another"}
    if method == "transaction":
        params["calls"] = [{"method": "get_caller"}]
    refused = ""
    try:
        there.call(role, method, params, door)
    except RpcError as error:
        refused = error.reason
    assert (refused != "PERMISSION_DENIED") is (role in MAY[method]), refused
    assert refused != "UNAUTHENTICATED"


@pytest.mark.parametrize("role", ROLES)
def test_each_call_of_a_batch_and_of_a_transaction_is_checked_for_itself(there: Closed, role: str
                                                                         ) -> None:
    caller = with_key(there.service, there.secrets[role])
    calls: list[dict[str, Any]] = [
        {"method": name, "params": {key: value for key, value in there.world.params(name).items()
                                    if key != "id" or name.startswith("get_")}}
        for name in ("get_node", "create_node", "create_node_type", "list_users")]
    replies = caller.batch([{"jsonrpc": "2.0", "id": n, **call} for n, call in enumerate(calls)])
    for call, reply in zip(calls, replies):
        denied = reply.get("error", {}).get("data", {}).get("reason") == "PERMISSION_DENIED"
        assert denied is (role not in MAY[call["method"]])
    calls[2]["params"]["name"] = "Another type"
    # All or nothing: the first call is not made where a later one may not be.
    before = there.call("operator", "list_nodes", {"tenant_id": there.world.tenant["id"]})
    try:
        caller.call("transaction", calls=calls[1:], dry_run=False)
        assert role == "operator"
    except RpcError as error:
        assert error.reason == "PERMISSION_DENIED" and role != "operator"
        assert error.error["data"]["index"] == (
            [place for place, call in enumerate(calls[1:])
             if role not in MAY[call["method"]]][0])
        assert there.call("operator", "list_nodes", {
            "tenant_id": there.world.tenant["id"]}) == before


def test_a_notification_that_may_not_be_made_is_not_made_and_not_answered(there: Closed) -> None:
    caller = with_key(there.service, there.secrets["viewer"])
    params = there.world.params("create_node")
    response = caller.post({"jsonrpc": "2.0", "method": "create_node", "params": params})
    assert (response.status_code, response.data) == (204, b"")
    with pytest.raises(RpcError, match="no such node"):
        caller.call("get_node", id=params["id"])


def test_a_refusal_names_the_operation_and_the_role_that_it_needs(there: Closed) -> None:
    with pytest.raises(RpcError) as refused:
        there.call("viewer", "create_node", there.world.params("create_node"))
    assert refused.value.error == {
        "code": -32011, "message": "create_node needs the role member, and the caller is viewer",
        "data": {"reason": "PERMISSION_DENIED", "retryable": False, "operation": "create_node",
                 "role": "member"}}
    response = with_key(there.service, there.secrets["viewer"]).client().post(
        f"/tenants/{there.world.tenant['id']}/nodes", json={
            "node_type_id": there.world.node_type["id"]})
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]
