"""Roles of a tenant's own in the console: grants as rows of a form."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flexdb.documents import text as json_text
from flexdb.web.console.access.grants import grants_of, rows_of
from tests.support.console import Console

OWN = '{"data.owner":{"$caller":"id"}}'


def form(*rows: tuple[str, str, str, str, str], **more: str) -> dict[str, Any]:
    """Return the form of a role with rows: the type, read and its filter, write and its filter."""
    names = ("node_type_id", "read", "read_filter", "write", "write_filter")
    return {f"grant-{name}": [row[place] for row in rows] for place, name in enumerate(names)} | {
        "name": "author", "based_on": "member", "does": "save"} | more


def roles(console: Console, tenant: dict[str, Any]) -> Any:
    return console.service.call("list_roles", tenant_id=tenant["id"])["roles"]


def test_a_role_is_made_shown_and_changed_by_rows(console: Console) -> None:
    tenant = console.service.tenant()
    task = console.service.node_type(tenant, name="<img src=x onerror=alert(1)>")
    url = f"/t/{tenant['id']}/roles"
    assert "No role of your own yet" in console.get(url)
    console.post(f"{url}/new", form((task["id"], "all", "", "filter", OWN),
                                    ("", "none", "ignored", "none", "")))
    (role,) = roles(console, tenant)
    assert role["grants"] == [
        {"node_type_id": task["id"], "read": True, "write": {"data.owner": {"$caller": "id"}}},
        {"node_type_id": None, "read": False, "write": False}]
    page = console.get(f"{url}/{role['id']}")
    assert page.count("<fieldset>") == 2 and "onerror=alert" in page
    assert "<img src=x" not in page and OWN.replace('"', "&#34;") in page
    assert "author" in console.get(url)
    console.post(f"{url}/{role['id']}", form(("", "all", "", "all", ""), version="1",
                                             based_on="viewer"))
    (role,) = roles(console, tenant)
    assert (role["based_on"], role["version"]) == ("viewer", 2)
    assert role["grants"] == [{"node_type_id": None, "read": True, "write": True}]


def test_rows_come_and_go_without_scripts_and_without_saving(console: Console) -> None:
    tenant = console.service.tenant()
    url = f"/t/{tenant['id']}/roles/new"
    one = ("", "filter", '{"data.a": 1.10}', "none", "")
    page = console.post(url, form(one, does="more"), status=200).text
    assert page.count("<fieldset>") == 2 and "1.10}" in page and 'value="author"' in page
    sent = form(one, ("", "none", "", "none", ""), remove="0")
    del sent["does"]
    page = console.post(url, sent, status=200).text
    assert page.count("<fieldset>") == 1 and "1.10}" not in page
    assert roles(console, tenant) == []


@pytest.mark.parametrize("row, field, told", [
    (("", "filter", "{", "none", ""), "grants.0.read", "Is not JSON"),
    (("", "filter", "NaN", "none", ""), "grants.0.read", "Is not JSON"),
    (("", "filter", "1", "none", ""), "grants.0.read", "Must be a filter"),
    (("", "all", "", "filter", '{"data.a": {"$regex": "x"}}'), "grants.0.write", "$regex"),
    (("no-id", "all", "", "none", ""), "grants.0.node_type_id", "UUID")])
def test_what_is_wrong_stands_at_its_grant_and_nothing_typed_is_lost(
        console: Console, row: tuple[str, str, str, str, str], field: str, told: str) -> None:
    tenant = console.service.tenant()
    page = console.post(f"/t/{tenant['id']}/roles/new", form(row), status=400).text
    assert f'href="#f-{field}"' in page and f'id="f-{field}"' in page
    assert re.search(rf'class="wrong">[^<]*{re.escape(told)}', page)
    typed = page.replace("&#34;", '"')
    assert all(value in typed for value in row)
    assert roles(console, tenant) == []


def test_a_role_that_was_changed_meanwhile_is_saved_once_that_was_seen(console: Console) -> None:
    tenant = console.service.tenant()
    url = f"/t/{tenant['id']}/roles"
    console.post(f"{url}/new", form(("", "all", "", "none", "")))
    (role,) = roles(console, tenant)
    console.service.call("update_role", tenant_id=tenant["id"], id=role["id"], based_on="admin")
    sent = form(("", "none", "", "none", ""), version="1")
    page = console.post(f"{url}/{role['id']}", sent, status=412).text
    assert "changed meanwhile" in page and 'name="version" value="2"' in page
    console.post(f"{url}/{role['id']}", sent | {"version": "2"})
    assert roles(console, tenant)[0]["version"] == 3


def test_a_role_that_somebody_has_says_so_and_else_it_is_deleted(console: Console) -> None:
    tenant = console.service.tenant()
    url = f"/t/{tenant['id']}/roles"
    console.post(f"{url}/new", form(("", "all", "", "none", "")))
    (role,) = roles(console, tenant)
    key = console.service.call("create_key", tenant_id=tenant["id"], name="k", role="author")["key"]
    delete = f"{url}/{role['id']}/delete"
    assert "Delete the role author" in console.post(delete, {"name": "author"}, status=200).text
    assert "1 keys" in console.post(delete, {"sure": "yes"}, status=400).text
    console.service.call("delete_key", tenant_id=tenant["id"], id=key["id"])
    assert "Deleted the role author" in console.followed(
        console.post(delete, {"sure": "yes", "name": "author"}))


def test_rows_are_the_grants_that_they_came_of(console: Console) -> None:
    tenant = console.service.tenant()
    grants = [{"read": {"data.n": 1}, "write": False}]
    console.service.call("create_role", tenant_id=tenant["id"], name="r", grants=grants)
    (role,) = roles(console, tenant)
    (grant,) = grants_of(rows_of(role["grants"]))
    assert json_text.dump_exactly(grant) == b'{"read":{"data.n":1},"write":false}'


def test_a_role_has_as_many_rows_as_it_may_have_grants(console: Console) -> None:
    tenant = console.service.tenant()
    url = f"/t/{tenant['id']}/roles/new"
    rows = [("", "all", "", "none", "")] * 101
    page = console.post(url, form(*rows[:99], does="more"), status=200).text
    assert page.count("<fieldset>") == 100 and "Another grant" not in page
    assert "may be at most 100" in console.post(url, form(*rows), status=400).text
