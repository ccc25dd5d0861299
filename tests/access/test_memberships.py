"""Users as callers: in each of their tenants they are what they are there, and nowhere else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
import pytest

from flexdb.access.callers import ROLES, Access, Caller, user
from flexdb.context import Context
from flexdb.contract.locks import lock_of
from flexdb.contract.operation import OPERATIONS
from flexdb.errors import InvalidParams, NotFound, PermissionDenied
from flexdb.plan import Plan

VIEWED, RUN, SUSPENDED, OTHER, NODE = (str(uuid4()) for _ in range(5))
SEVERAL = user("several", {VIEWED: "viewer", RUN: "admin", SUSPENDED: "owner"}, {SUSPENDED})


def plan(caller: Caller, method: str, **params: Any) -> Plan:
    return OPERATIONS[method].plan(Context(caller=caller), params, lambda: b"{}")


def refusal(caller: Caller, method: str, **params: Any) -> str:
    """Return the name of the error of a call that is not planned, or ok."""
    try:
        plan(caller, method, **params)
        return "ok"
    except (InvalidParams, NotFound, PermissionDenied) as error:
        return error.reason


def test_a_user_is_in_each_tenant_what_the_membership_says() -> None:
    for method, params in (("delete_node", {"id": NODE}), ("create_key", {"name": "a key"})):
        assert refusal(SEVERAL, method, tenant_id=RUN, **params) == "ok"
        assert refusal(SEVERAL, method, tenant_id=RUN.upper(), **params) == "ok"
        for tenant_id, reason in ((VIEWED, "PERMISSION_DENIED"), (SUSPENDED, "PERMISSION_DENIED"),
                                  (OTHER, "NOT_FOUND"), ("", "INVALID_PARAMS")):
            assert refusal(SEVERAL, method, tenant_id=tenant_id, **params) == reason
    assert refusal(SEVERAL, "get_tenant", id=VIEWED) == "ok"
    assert refusal(SEVERAL, "update_tenant", id=RUN, name="x") == "PERMISSION_DENIED"
    with pytest.raises(PermissionDenied, match="the tenant is suspended"):
        plan(SEVERAL, "get_node", tenant_id=SUSPENDED, id=NODE)


def test_what_an_operation_sees_is_the_caller_in_the_tenant() -> None:
    for tenant_id, role in ((VIEWED, "viewer"), (RUN, "admin")):
        there = SEVERAL.within(tenant_id)
        assert there and (there.name, there.role, there.tenant_id) == (
            "user:several", role, tenant_id)
    assert SEVERAL.within(OTHER) is None
    with pytest.raises(PermissionDenied, match="the role admin makes no key with the role owner"):
        plan(SEVERAL, "create_key", tenant_id=RUN, name="a key", role="owner")


def test_who_is_in_one_tenant_may_leave_it_out_and_who_is_in_several_may_not() -> None:
    one = user("one", {RUN: "admin"})
    assert (one.role, one.tenant_id) == ("admin", RUN)
    assert refusal(one, "list_nodes") == refusal(one, "get_tenant") == "ok"
    assert refusal(one, "list_nodes", tenant_id=OTHER) == "NOT_FOUND"
    # That it may be left out by who sees all, is for nobody else.
    told = {method: refusal(SEVERAL, method) for method, operation in OPERATIONS.items()
            if operation.tenant}
    assert told["list_nodes"] == told["list_events"] == "INVALID_PARAMS"
    assert set(told.values()) == {"INVALID_PARAMS", "PERMISSION_DENIED"}


def test_no_membership_gives_the_service_and_a_strange_role_gives_nothing() -> None:
    for role in ("operator", "", "Owner", "billing"):
        caller = user("odd", {RUN: role})
        assert refusal(caller, "get_caller") == "ok"
        for method in ("list_tenants", "list_nodes", "list_users", "create_tenant"):
            params = {"slug": "a", "name": "a"} if method == "create_tenant" else {}
            assert refusal(caller, method, **params) == "PERMISSION_DENIED", (role, method)
        assert caller.role != "operator" and caller.above == ROLES
    for caller in (SEVERAL, user("none", {})):
        assert refusal(caller, "get_caller") == "ok"
        assert refusal(caller, "list_tenants") == refusal(caller, "list_users") == (
            "PERMISSION_DENIED")
    assert not user("none", {}).sees_all


def test_each_call_of_a_transaction_is_checked_in_its_own_tenant() -> None:
    def calls(*named: str) -> str:
        body = orjson.dumps({"calls": [
            {"method": "delete_node", "params": {"tenant_id": one, "id": NODE}} for one in named]})
        try:
            OPERATIONS["transaction"].plan(
                Context(caller=SEVERAL), orjson.loads(body), lambda: body)
            return "ok"
        except PermissionDenied as error:
            return f"{error.reason} {error.data['index']}"

    assert calls(RUN, RUN) == "ok"
    assert calls(RUN, VIEWED) == "PERMISSION_DENIED 1"
    assert calls(SUSPENDED, RUN) == "PERMISSION_DENIED 0"


def test_only_rows_of_the_own_tenants_are_locked() -> None:
    delete = OPERATIONS["delete_node"]
    assert lock_of(delete, {"tenant_id": RUN, "id": NODE}, SEVERAL)
    assert lock_of(delete, {"tenant_id": OTHER, "id": NODE}, SEVERAL) is None
    assert lock_of(delete, {"id": NODE}, SEVERAL) is None
    assert lock_of(delete, {"id": NODE}, user("one", {RUN: "admin"}))


def test_the_tenants_in_which_a_user_may_do_something() -> None:
    assert SEVERAL.tenants_with(Access.READ) == [VIEWED, RUN]
    assert SEVERAL.tenants_with(Access.PEOPLE) == [RUN]
