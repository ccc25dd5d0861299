"""API keys in the console: made, shown once, replaced, deleted."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from flexdb.access.keys import is_secret
from flexdb.server.keys import create_key
from tests.support.callers import with_key
from tests.support.console import Console, Site
from tests.support.service import RpcError, Service

SECRET = re.compile(r"fdb_[ot]_[0-9A-Za-z]{49}")
FORM = {"name": "web <b>shop", "role": "member", "expires": "2030-01-02"}


def keys(console: Console, tenant: dict[str, Any]) -> Any:
    return console.service.call("list_keys", tenant_id=tenant["id"])["keys"]


def make(console: Console, tenant: dict[str, Any], **given: str) -> str:
    """Make a key by the form and return its secret."""
    page = console.post(f"/t/{tenant['id']}/keys", FORM | given, status=200).text
    (secret,) = set(SECRET.findall(page))
    return str(secret)


def test_a_key_is_shown_in_one_answer_and_in_no_other(console: Console) -> None:
    tenant = console.service.tenant()
    url = f"/t/{tenant['id']}/keys"
    assert "No key yet" in console.get(url)
    response = console.post(url, FORM | {"operations": "read, create_node"}, status=200)
    secret, *others = SECRET.findall(response.text)
    assert is_secret(secret) and set(others) == {secret}
    # Neither where it led to, nor in a cookie, nor among the calls of the page.
    assert secret not in str(response.headers)
    assert secret not in response.text.partition("This page as code")[2]
    assert response.headers["Cache-Control"] == "no-store"
    assert with_key(console.service, secret).call("get_caller")["caller"]["tenant"] == tenant["id"]
    page = console.get(url)
    assert not SECRET.search(page) and "web &lt;b&gt;shop" in page and "<b>shop" not in page
    (key,) = keys(console, tenant)
    assert key["operations"] == ["read", "create_node"] and key["hint"] in page
    assert key["expires_at"].startswith("2030-01-02T23:59:59")


def test_a_key_is_replaced_by_one_that_is_as_it_was(console: Console) -> None:
    tenant = console.service.tenant()
    old = make(console, tenant, operations="read", attributes='{"team": ["red"]}')
    (was,) = keys(console, tenant)
    page = console.get(f"/t/{tenant['id']}/keys?replaces={was['id']}")
    assert 'value="read"' in page and "&#34;red&#34;" in page
    new = make(console, tenant, replaces=was["id"], overlap="3600")
    ends = {key["id"]: key["expires_at"] for key in keys(console, tenant)}
    assert ends[was["id"]] < was["expires_at"] and len(ends) == 2
    for secret in (old, new):
        assert with_key(console.service, secret).call("get_caller")


def test_a_key_is_deleted_once_that_was_asked(console: Console) -> None:
    tenant = console.service.tenant()
    make(console, tenant)
    (key,) = keys(console, tenant)
    url = f"/t/{tenant['id']}/keys/{key['id']}/delete"
    assert "Delete the key k" in console.post(url, {"name": "k"}, status=200).text
    assert len(keys(console, tenant)) == 1
    console.post(url, {"name": "k", "sure": "yes"})
    assert keys(console, tenant) == []


@pytest.mark.parametrize("wrong, field", [
    ({"name": ""}, "name"), ({"operations": "read fly"}, "operations"),
    ({"expires": "2001-01-01"}, "expires"), ({"expires": "soon"}, "expires"),
    ({"attributes": "{"}, "attributes"), ({"attributes": "[1]"}, "attributes"),
    ({"replaces": "0195a6f0-0000-7000-8000-000000000000", "overlap": "x"}, "overlap")])
def test_what_is_wrong_with_a_key_stands_at_its_field_and_nothing_typed_is_lost(
        console: Console, wrong: dict[str, str], field: str) -> None:
    tenant = console.service.tenant()
    form = FORM | {"attributes": '{"n": 1.10}'} | wrong
    page = console.post(f"/t/{tenant['id']}/keys", form, status=400).text
    assert f'href="#f-{field}"' in page
    assert form["attributes"].replace('"', "&#34;") in page and 'value="web &lt;b&gt;shop"' in (
        page if form["name"] else 'value="web &lt;b&gt;shop"')
    assert keys(console, tenant) == []


@pytest.mark.long
def test_a_reload_and_the_way_back_show_no_secret_and_make_no_other_key(
        site: Site, browser: Any) -> None:
    tenant = site.service.tenant()
    url = f"{site.url}/t/{tenant['id']}/keys"
    browser.get(url)
    browser.find_element("id", "f-name").send_keys("web shop")
    browser.find_element("css selector", ".form button.main").click()
    secret = browser.find_element("css selector", "[data-secret]").text
    assert is_secret(secret) and browser.current_url == url
    browser.refresh()
    assert not SECRET.search(browser.page_source) and "web shop" in browser.page_source
    browser.get(f"{site.url}/users")
    browser.back()
    assert not SECRET.search(browser.page_source) and browser.current_url == url
    assert len(site.service.call("list_keys", tenant_id=tenant["id"])["keys"]) == 1


def test_operators_keys_are_shown_and_deleted_and_made_on_the_machine(console: Console) -> None:
    name = f"<b>operator {uuid4()}"
    secret = create_key(console.service.settings, None, "", name, 1, ("read",))
    page = console.get("/keys")
    assert name.replace("<", "&lt;") in page.replace("&gt;", ">") and name not in page
    assert secret[:10] in page and secret not in page
    assert 'data-copy="python -m flexdb create-key' in page
    (key,) = [one for one in console.service.call("list_operator_keys", pagination={
        "page_size": 1000})["operator_keys"] if one["name"] == name]
    url = f"/keys/{key['id']}/delete"
    assert "Delete the operator" in console.post(url, {"name": name}, status=200).text
    assert with_key(console.service, secret).call("get_caller")
    console.post(url, {"name": name, "sure": "yes"})
    console.post(url, {"name": name, "sure": "yes"}, status=404)


def test_an_operator_s_key_is_deleted_and_a_tenant_s_is_no_operator_s(service: Service) -> None:
    tenant = service.tenant()
    own = service.call("create_key", tenant_id=tenant["id"], name="k")["key"]
    listed = service.call("list_operator_keys", pagination={"page_size": 1000})["operator_keys"]
    assert own["id"] not in [one["id"] for one in listed]
    with pytest.raises(RpcError) as refused:
        service.call("delete_operator_key", id=own["id"])
    assert refused.value.reason == "NOT_FOUND"
    assert service.call("list_keys", tenant_id=tenant["id"])["keys"]
