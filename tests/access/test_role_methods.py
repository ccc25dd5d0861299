"""Roles that a tenant makes: what may be said in them, who makes them, and when they go."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from flexdb.config import Settings
from flexdb.operations.roles import MOST_BYTES, MOST_ROLES
from flexdb.server import keys
from tests.support.callers import closed, secrets_of, with_key
from tests.support.service import RpcError, Service
from tests.support.waiting import wait_until

ALL: Any = [{"read": True, "write": True}]


@pytest.fixture(scope="module")
def service(operator: Service) -> Service:
    return operator


def make(caller: Service, tenant: dict[str, Any], **given: Any) -> Any:
    params = {"tenant_id": tenant["id"], "name": uuid4().hex, "grants": ALL}
    return caller.call("create_role", params | given)["role"]


def key_of(caller: Service, tenant: dict[str, Any], role: str, **given: Any) -> Any:
    return caller.call("create_key", {"tenant_id": tenant["id"], "name": "A key", "role": role}
                       | given)["key"]


def wrong(caller: Service, method: str, params: Any) -> dict[str, list[str]]:
    """Return what is told of the fields that are wrong."""
    with pytest.raises(RpcError) as refused:
        caller.call(method, params)
    return refused.value.fields


def test_a_role_is_kept_as_it_was_said(service: Service) -> None:
    tenant = service.tenant()
    type_id = service.node_type(tenant)["id"]
    filter = {"data.b": {"$caller": "id"}, "data.a": {"$gt": 1.50}}
    made = make(service, tenant, name="editor", based_on="admin", grants=[
        {"node_type_id": type_id, "read": filter}, {}])
    assert made["grants"] == [
        {"node_type_id": type_id, "read": filter, "write": False},
        {"node_type_id": None, "read": True, "write": False}]
    assert list(made["grants"][0]["read"]) == ["data.b", "data.a"]
    one = {"tenant_id": tenant["id"], "id": made["id"]}
    assert service.call("get_role", one)["role"] == made
    assert service.call("list_roles", tenant_id=tenant["id"])["roles"] == [made]
    changed = service.call("update_role", one | {"grants": ALL, "version": 1})["role"]
    assert (changed["grants"], changed["based_on"], changed["version"]) == (
        [{"node_type_id": None} | ALL[0]], "admin", 2)
    with pytest.raises(RpcError, match="changed meanwhile"):
        service.call("update_role", one | {"based_on": "viewer", "version": 1})
    service.call("delete_role", one | {"version": 2})
    assert service.call("list_roles", tenant_id=tenant["id"])["roles"] == []


@pytest.mark.parametrize("grants, place", [
    ([], "grants"), ({}, "grants"), ([{"read": 1}], "grants.0.read"),
    ([{"read": None}], "grants.0.read"), ([{"read": []}], "grants.0.read"),
    ([{"writ": True}], "grants.0.writ"), ([{"node_type_id": "*"}], "grants.0.node_type_id"),
    ([{}, {}], "grants.1.node_type_id"),
    ([{"write": {"data.a": {"$caller": "name"}}}], "grants.0.write.data.a.$caller"),
    ([{"write": {"data.a": {"$caller": "attributes."}}}], "grants.0.write.data.a.$caller"),
    ([{"write": {"data.a": {"$caller": ["id"]}}}], "grants.0.write.data.a.$caller"),
    ([{"read": {"data.a": {"$caller": "id", "$ne": 1}}}], "grants.0.read.data.a.$caller"),
    ([{"read": {"data.a": {"$regex": "a"}}}], "grants.0.read.data.a.$regex"),
    ([{"read": {"kind": 1}}], "grants.0.read.kind"),
    ([{"read": {"version": {"$caller": "id"}}}], "grants.0.read.version"),
    ([{"read": {"data.a": {"$eq": "x" * MOST_BYTES}}}], "grants"),
    ([{"read": {"$or": [{"data.a": n} for n in range(101)]}}], "grants.0.read.$or.100.data.a"),
    ([{}] * 101, "grants")])
def test_what_is_wrong_in_grants_is_named(service: Service, grants: Any, place: str) -> None:
    tenant = service.tenant()
    params = {"tenant_id": tenant["id"], "name": "r", "grants": grants}
    assert list(wrong(service, "create_role", params)) == [place]
    role = make(service, tenant)
    assert list(wrong(service, "update_role", {
        "tenant_id": tenant["id"], "id": role["id"], "grants": grants})) == [place]


def test_a_name_is_given_once_and_is_none_of_those_there_are(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    for name in ("viewer", "operator"):
        params = {"tenant_id": tenant["id"], "name": name, "grants": ALL}
        assert wrong(service, "create_role", params) == {
            "name": ["is a role that there is already"]}
    made = make(service, tenant, name="r")
    assert make(service, other, name="r")["id"] != made["id"]
    params = {"tenant_id": tenant["id"], "name": "r", "grants": ALL}
    assert wrong(service, "create_role", params) == {"name": ["is taken"]}
    params |= {"name": "s", "id": made["id"]}
    assert wrong(service, "create_role", params) == {"id": ["is taken"]}
    assert list(wrong(service, "create_role", params | {"based_on": "owner"})) == ["based_on"]


def test_a_tenant_has_only_so_many(service: Service) -> None:
    tenant = service.tenant()
    for _ in range(MOST_ROLES):
        make(service, tenant)
    params = {"tenant_id": tenant["id"], "name": "r", "grants": ALL}
    assert wrong(service, "create_role", params) == {
        "name": [f"is one too many: a tenant may have {MOST_ROLES} roles"]}


def test_a_key_has_a_role_of_its_tenant_alone(service: Service, settings: Settings) -> None:
    tenant, other = service.tenant(), service.tenant()
    make(service, tenant, name="mine"), make(service, other, name="theirs")
    for name in ("theirs", "none", "Mine"):
        assert wrong(service, "create_key", {
            "tenant_id": tenant["id"], "name": "k", "role": name}) == {"role": ["names no role"]}
    secret = keys.create_key(settings, tenant["slug"], "mine", "k", 1, ())
    me = with_key(service, secret).call("get_caller")["caller"]
    assert (me["role"], me["tenant"]) == ("mine", tenant["id"])
    assert [key["role"] for key in service.call("list_keys", tenant_id=tenant["id"])["keys"]] == [
        "mine"]


def test_an_admin_makes_deletes_and_replaces_keys_with_roles_of_the_tenant(
        service: Service, settings: Settings) -> None:
    tenant = service.tenant()
    admin = with_key(service, secrets_of(settings, tenant)["admin"])
    make(admin, tenant, name="r", based_on="admin")
    first = key_of(admin, tenant, "r")
    second = key_of(admin, tenant, "r", replaces=first["id"], overlap=0)
    admin.call("delete_key", id=second["id"])
    member = with_key(service, secrets_of(settings, tenant)["member"])
    with pytest.raises(RpcError, match="needs the role admin"):
        make(member, tenant)


@pytest.mark.parametrize("attributes, told", [
    ({"a": {}}, "a is none of these"), ({"a": None}, "a is none of these"),
    ({"a": [[]]}, "a is none of these"), ({"a": "x" * 1024}, "may have at most 1,024 bytes"),
    # As PostgreSQL writes them.
    ({"a": [1e308] * 4}, "may have at most 1,024 bytes, not 1,247")])
def test_attributes_are_plain_and_few(service: Service, attributes: Any, told: str) -> None:
    tenant = service.tenant()
    (fault,) = wrong(service, "create_key", {
        "tenant_id": tenant["id"], "name": "k", "attributes": attributes})["attributes"]
    assert told in fault
    kept = {"team": ["red", 1, 1.5, True], "n": 2}
    assert key_of(service, tenant, "viewer", attributes=kept)["attributes"] == kept


def test_a_role_that_is_in_use_is_not_deleted(service: Service) -> None:
    tenant = service.tenant()
    role = make(service, tenant, name="r")
    one = {"tenant_id": tenant["id"], "id": role["id"]}
    key = key_of(service, tenant, "r")
    user = service.user()
    member = {"tenant_id": tenant["id"], "user_id": user["id"]}
    service.call("add_user_to_tenant", member | {"role": "r"})
    (told,) = wrong(service, "delete_role", one)["id"]
    assert "1 keys, 1 members and 0 who are invited" in told
    service.call("delete_key", tenant_id=tenant["id"], id=key["id"])
    assert "0 keys, 1 members and" in wrong(service, "delete_role", one)["id"][0]
    service.call("remove_user_from_tenant", member)
    invited = service.call("create_invitation", tenant_id=tenant["id"], role="r",
                           email="ann@example.org")["invitation"]
    assert "0 members and 1 who are invited" in wrong(service, "delete_role", one)["id"][0]
    service.call("delete_invitation", tenant_id=tenant["id"], id=invited["id"])
    service.call("delete_role", one)
    assert wrong(service, "delete_role", one) == {"id": ["names no role"]}


@pytest.mark.long
def test_a_role_that_is_changed_holds_soon_for_who_has_it(service: Service, settings: Settings
                                                          ) -> None:
    tenant, elsewhere = service.tenant(), closed(settings)
    node = service.node(service.node_type(tenant))
    role = make(service, tenant, name="r")
    key = key_of(service, tenant, "r")
    callers = [with_key(one, key["secret"]) for one in (service, elsewhere)]

    def found(caller: Service) -> bool:
        try:
            return bool(caller.call("get_node", id=node["id"]))
        except RpcError as error:
            assert error.reason == "NOT_FOUND"
            return False

    assert all(map(found, callers))
    for reads in (False, True, {"version": 2}, {"version": 1}):
        service.call("update_role", tenant_id=tenant["id"], id=role["id"],
                     grants=[{"read": reads}])
        wanted = reads in (True, {"version": 1})
        wait_until(lambda: [found(caller) for caller in callers] == [wanted] * 2, 10)
    elsewhere.close()
