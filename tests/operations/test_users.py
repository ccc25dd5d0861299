"""Users, who are global, and their membership in tenants."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors


def email() -> str:
    return f"{uuid4().hex}@example.org"


def members(service: Service, tenant: dict[str, Any]) -> Any:
    """Return a tenant's members, having checked that the total says the same."""
    listed = service.call("list_tenant_users", tenant_id=tenant["id"])
    assert listed["pagination"]["total_count"] == len(listed["tenant_users"])
    return listed["tenant_users"]


def named(membership: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """Return a membership as lists give it: with the user's name and address."""
    return membership | {name: user[name] for name in ("email", "display_name")}


def add(service: Service, tenant: dict[str, Any], user: dict[str, Any], **role: Any) -> Any:
    return service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=user["id"],
                        **role)["tenant_user"]


def test_a_user_is_created_read_changed_and_deleted(service: Service) -> None:
    given = {"email": email(), "display_name": "John Doe"}
    user = service.call("create_user", **given)["user"]
    assert user | given == user and user["created_at"] == user["updated_at"]
    assert service.call("get_user", id=user["id"]) == {"user": user}
    change = {"email": email(), "display_name": "Jane Doe"}
    changed = service.call("update_user", id=user["id"], **change)["user"]
    assert changed == user | change | {"updated_at": changed["updated_at"]}
    assert changed["updated_at"] > user["updated_at"]
    assert service.call("get_user", id=user["id"]) == {"user": changed}
    assert service.call("delete_user", id=user["id"]) == {}
    assert refusal(service, "get_user", id=user["id"]).code == -32001


@pytest.mark.parametrize("absent", [{}, {"email": "", "display_name": ""}])
@pytest.mark.parametrize("change", [{}, {"email": "new"}, {"display_name": "New"}])
def test_an_update_leaves_what_is_absent(service: Service, change: dict[str, str],
                                         absent: dict[str, str]) -> None:
    user = service.user()
    if "email" in change:
        change = {"email": email()}
    changed = service.call("update_user", {"id": user["id"]} | absent | change)["user"]
    assert changed == user | change | {"updated_at": changed["updated_at"]}


@pytest.mark.parametrize("name", ["email", "display_name"])
def test_a_user_has_nothing_that_null_could_clear(service: Service, name: str) -> None:
    user = service.user()
    refused = refusal(service, "update_user", {"id": user["id"], name: None})
    assert (refused.code, set(refused.fields)) == (-32602, {name})
    assert service.call("get_user", id=user["id"]) == {"user": user}


def test_a_given_id_is_kept_and_taken_only_once(service: Service) -> None:
    given = str(uuid4())
    user = service.user(id=given)
    assert user["id"] == given
    refused = refusal(service, "create_user", email=email(), display_name="Another", id=given)
    assert (refused.code, refused.reason, set(refused.fields)) == (-32002, "ALREADY_EXISTS", {"id"})
    assert service.call("get_user", id=given) == {"user": user}


def test_an_email_is_taken_only_once(service: Service) -> None:
    taken, other = service.user(), service.user()
    for method, params in [("create_user", {"display_name": "Another"}),
                           ("update_user", {"id": other["id"], "display_name": "Another"})]:
        refused = refusal(service, method, params | {"email": taken["email"]})
        assert (refused.code, refused.reason) == (-32002, "ALREADY_EXISTS")
        assert set(refused.fields) == {"email"}
    assert service.call("get_user", id=other["id"]) == {"user": other}


@pytest.mark.parametrize("method", ["get_user", "update_user", "delete_user"])
def test_a_user_who_is_not_there_is_not_found(service: Service, method: str) -> None:
    refused = refusal(service, method, id=str(uuid4()))
    assert (refused.code, refused.reason, set(refused.fields)) == (-32001, "NOT_FOUND", {"id"})


@pytest.mark.parametrize("given, role", [({"role": "admin"}, "admin"), ({}, "member"),
                                         ({"role": ""}, "member")])
def test_a_user_is_added_to_a_tenant(service: Service, given: dict[str, str], role: str) -> None:
    tenant, user = service.tenant(), service.user()
    added = add(service, tenant, user, **given)
    assert added == {"tenant_id": tenant["id"], "user_id": user["id"], "role": role,
                     "status": "active"}
    assert members(service, tenant) == [named(added, user)]


def test_adding_a_user_again_changes_the_role_and_leaves_the_status(service: Service) -> None:
    tenant, user = service.tenant(), service.user()
    add(service, tenant, user)
    with connect(service.settings) as connection:
        connection.execute("UPDATE tenant_users SET status = 'invited' WHERE tenant_id = %s",
                           [tenant["id"]])
    again = add(service, tenant, user, role="owner")
    assert (again["role"], again["status"]) == ("owner", "invited")
    assert members(service, tenant) == [named(again, user)]


def test_members_are_listed_by_user_id(service: Service) -> None:
    tenant, users = service.tenant(), [str(uuid4()) for _ in range(7)]
    for user in users:
        add(service, tenant, service.user(id=user))
    assert [member["user_id"] for member in members(service, tenant)] == sorted(users)


@pytest.mark.parametrize("missing", ["tenant_id", "user_id"])
def test_only_a_user_who_is_there_is_added_to_a_tenant_that_is_there(
        service: Service, missing: str) -> None:
    params = {"tenant_id": service.tenant()["id"], "user_id": service.user()["id"]}
    refused = refusal(service, "add_user_to_tenant", params | {missing: str(uuid4())})
    assert (refused.code, refused.reason, set(refused.fields)) == (-32001, "NOT_FOUND", {missing})


def test_a_user_is_removed_from_one_tenant_and_stays_elsewhere(service: Service) -> None:
    tenant, other, user = service.tenant(), service.tenant(), service.user()
    key = {"tenant_id": tenant["id"], "user_id": user["id"]}
    add(service, tenant, user)
    elsewhere = add(service, other, user)
    assert service.call("remove_user_from_tenant", key) == {}
    assert members(service, tenant) == [] and members(service, other) == [
        named(elsewhere, user)]
    assert service.call("get_user", id=user["id"]) == {"user": user}
    refused = refusal(service, "remove_user_from_tenant", key)
    assert (refused.code, set(refused.fields)) == (-32001, {"user_id"})


def test_removing_from_a_tenant_that_is_not_there_is_not_found(service: Service) -> None:
    key = {"tenant_id": str(uuid4()), "user_id": service.user()["id"]}
    assert refusal(service, "remove_user_from_tenant", key).code == -32001


def test_deleting_a_user_ends_all_memberships(service: Service) -> None:
    tenants, user, other = [service.tenant(), service.tenant()], service.user(), service.user()
    for tenant in tenants:
        add(service, tenant, user)
        add(service, tenant, other)
    service.call("delete_user", id=user["id"])
    for tenant in tenants:
        assert [member["user_id"] for member in members(service, tenant)] == [other["id"]]
