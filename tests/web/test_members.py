"""Members, invitations and users in the console."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from tests.support.console import Console

MARKUP = '<img src=x onerror=alert(1)>'


def members(console: Console, tenant: dict[str, Any]) -> dict[str, str]:
    listed = console.service.call("list_tenant_users", tenant_id=tenant["id"])["tenant_users"]
    return {one["user_id"]: one["role"] for one in listed}


def with_member(console: Console, role: str) -> tuple[Any, Any, dict[str, str]]:
    """Return a tenant, a user with a role in it, and what the forms of its row send."""
    tenant, user = console.service.tenant(), console.service.user(display_name=MARKUP)
    console.service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=user["id"],
                         role=role)
    return tenant, user, {"user_id": user["id"], "email": user["email"], "was": role,
                          "status": "active"}


def test_who_is_known_and_who_is_not_are_added_with_equal_words(console: Console) -> None:
    tenant, user = console.service.tenant(), console.service.user()
    url, unknown = f"/t/{tenant['id']}/members", f"{uuid4().hex}@example.org"
    assert "No member yet" in console.get(url)
    told = [console.followed(console.post(f"{url}/invite", {"email": email, "role": "viewer"}))
            for email in (user["email"], unknown)]
    said = [re.search(r'class="message".*?<span>(.*?)</span>', page, re.DOTALL) for page in told]
    assert said[0] and said[1]
    assert said[0][1].replace(user["email"], unknown) == said[1][1]
    assert members(console, tenant) == {user["id"]: "viewer"}
    (invitation,) = console.service.call("list_invitations", tenant_id=tenant["id"])["invitations"]
    assert invitation["email"] == unknown in told[1]
    console.post(f"{url}/take-back", {"id": invitation["id"], "email": unknown})
    assert "Nobody who is no user yet" in console.get(url)


def test_what_is_no_address_is_told_at_the_field(console: Console) -> None:
    tenant = console.service.tenant()
    page = console.post(f"/t/{tenant['id']}/members/invite", {"email": MARKUP, "role": "viewer"},
                        status=400).text
    assert re.search(r'id="f-email"[^>]*aria-invalid="true"', page)
    assert MARKUP not in page and 'value="&lt;img' in page


def test_a_role_is_changed_by_one_call_and_changed_back(console: Console) -> None:
    tenant, user, row = with_member(console, "member")
    url = f"/t/{tenant['id']}/members"
    page = console.followed(console.post(f"{url}/role", row | {"role": "admin"}))
    assert members(console, tenant) == {user["id"]: "admin"}
    assert MARKUP not in page and "&lt;img" in page
    event = console.service.call("list_events", tenant_id=tenant["id"])["events"][0]
    assert (event["operation"], event["changed"]) == ("add_user_to_tenant", ["role"])
    undo = dict(re.findall(r'name="(user_id|role|email)" value="([^"]*)">\s', page.partition(
        'class="message"')[2].partition("Undo")[0]))
    console.post(f"{url}/role", undo)
    assert members(console, tenant) == {user["id"]: "member"}


@pytest.mark.parametrize("form, does", [("role", {"role": "viewer"}), ("remove", {})])
def test_the_last_owner_is_asked_for_and_another_is_not(
        console: Console, form: str, does: dict[str, str]) -> None:
    tenant, user, row = with_member(console, "owner")
    url = f"/t/{tenant['id']}/members/{form}"
    asked = console.post(url, row | does, status=200).text
    assert "last owner" in asked and members(console, tenant) == {user["id"]: "owner"}
    sent = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', asked))
    assert sent == row | does | {"sure": "yes"}
    other = console.service.user()
    console.service.call("add_user_to_tenant", tenant_id=tenant["id"], user_id=other["id"],
                         role="owner")
    console.post(url, row | does)
    assert members(console, tenant).get(user["id"]) == does.get("role")
    console.post(f"/t/{tenant['id']}/members/remove", {"user_id": other["id"], "was": "owner",
                                                       "sure": "yes"})
    assert other["id"] not in members(console, tenant)


def test_who_is_removed_is_a_member_again_by_undo(console: Console) -> None:
    tenant, user, row = with_member(console, "viewer")
    page = console.followed(console.post(f"/t/{tenant['id']}/members/remove", row))
    assert "Undo" in page and members(console, tenant) == {}
    console.post(f"/t/{tenant['id']}/members/role", {"user_id": user["id"], "role": "viewer"})
    assert members(console, tenant) == {user["id"]: "viewer"}


def test_members_are_found_by_a_part_of_the_address(console: Console) -> None:
    tenant, user, _ = with_member(console, "viewer")
    url = f"/t/{tenant['id']}/members"
    assert user["email"] in console.get(f"{url}?email={user['email'][:20].upper()}")
    assert user["email"] not in console.get(f"{url}?email=nobody-has-this")


def test_a_user_is_made_found_changed_and_deleted(console: Console) -> None:
    email = f"{uuid4().hex}@example.org"
    made = console.post("/users/new", {"email": email, "display_name": MARKUP})
    url = made.headers["Location"].removeprefix("/console")
    page = console.followed(made)
    assert f"Created {email}" in page and MARKUP not in page
    assert email in console.get(f"/users?search={email[:30]}")
    console.post(url, {"email": email, "display_name": "Another name"})
    assert "Another name" in console.get(url)
    taken = console.service.user()["email"]
    page = console.post(url, {"email": taken, "display_name": "Kept"}, status=409).text
    assert re.search(r'id="f-email"[^>]*aria-invalid="true"', page) and 'value="Kept"' in page
    assert "Delete" in console.post(f"{url}/delete", status=200).text
    console.post(f"{url}/delete", {"sure": "yes"})
    console.get(url, status=404)


def test_a_user_s_tenants_are_shown_and_lead_to_its_membership(console: Console) -> None:
    tenant, user, _ = with_member(console, "admin")
    page = console.get(f"/users/{user['id']}")
    assert tenant["slug"] in page and "admin" in page
    assert f'href="/console/t/{tenant["id"]}/members?email=' in page
    assert "member of 1 tenant" in console.post(f"/users/{user['id']}/delete", status=200).text


def test_a_user_that_is_wrong_is_not_made_and_nothing_typed_is_lost(console: Console) -> None:
    page = console.post("/users/new", {"email": "no address", "display_name": MARKUP},
                        status=400).text
    assert re.search(r'id="f-email"[^>]*value="no address"[^>]*aria-invalid="true"', page)
    assert 'value="&lt;img' in page


def test_what_is_said_fits_into_a_cookie_however_long_a_name_is(console: Console) -> None:
    tenant, user, row = with_member(console, "viewer")
    response = console.post(f"/t/{tenant['id']}/members/role", row | {
        "role": "member", "email": "long" * 5000})
    assert len(response.headers["Set-Cookie"]) < 4096
    page = console.followed(response)
    assert "longlong" in page and "…" in page
