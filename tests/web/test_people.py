"""The pages of people, roles, keys, webhooks, usage and events, as a browser shows them."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Site
from tests.support.waiting import wait_until

MARKUP = "<img src=x onerror=alert(1)>"


def filled(site: Site) -> list[str]:
    """Make a tenant with one of each, and return the URLs of the pages that show them."""
    service = site.service
    tenant = service.tenant(name=MARKUP)
    of = {"tenant_id": tenant["id"]}
    node_type = service.node_type(tenant, name=MARKUP)
    user = service.user(display_name=MARKUP)
    service.call("add_user_to_tenant", of | {"user_id": user["id"], "role": "owner"})
    service.call("create_invitation", of | {"email": "soon@example.org"})
    role = service.call("create_role", of | {"name": MARKUP[:64], "grants": [
        {"node_type_id": node_type["id"], "read": {"data.x": MARKUP}, "write": False},
        {"read": True}]})["role"]
    service.call("create_key", of | {"name": MARKUP, "operations": ["read", "create_node"]})
    webhook = service.call("create_webhook", of | {
        "url": f"https://example.com/{'long' * 40}", "filter": {"data.x": MARKUP},
        "node_type_ids": [node_type["id"]]})["webhook"]
    service.call("test_webhook", of | {"webhook_id": webhook["id"]})
    service.call("update_limits", of | {"max_nodes": 100})
    within = ("members", "roles", f"roles/{role['id']}", "keys", "webhooks", "usage", "events",
              f"webhooks/{webhook['id']}", f"webhooks/{webhook['id']}/edit")
    return [*(f"/t/{tenant['id']}/{page}" for page in within), "/users", f"/users/{user['id']}",
            "/keys", "/events", "/usage", "/me", "/login"]


@pytest.mark.long
@pytest.mark.longest
def test_the_pages_fit_and_axe_finds_nothing(site: Site, browser: Any) -> None:
    for place, url in enumerate(filled(site)):
        browser.get(site.url + url)
        for size, theme in ((WIDE, "light"), (NARROW, "dark"))[::1 if place % 2 else -1]:
            resize(browser, size, theme)
            assert overflow(browser) <= 0, url
        # In the one or the other, since it takes its time.
        assert axe(browser) == [], url
    assert not [told for told in faults(browser) if "status of 40" not in told]


@pytest.mark.long
def test_a_member_is_added_and_the_last_owner_asked_for_by_visible_words(
        site: Site, browser: Any) -> None:
    tenant, user = site.service.tenant(), site.service.user()
    browser.get(f"{site.url}/t/{tenant['id']}/members")

    # What a click leads to may be there after it.
    def shown(path: str) -> Any:
        return WebDriverWait(browser, 10).until(lambda on: on.find_element("xpath", path))

    def press(word: str) -> None:
        shown(f"//main//button[normalize-space()='{word}']").click()

    browser.find_element("xpath", "//main//label[contains(., 'E-mail address')]").click()
    browser.switch_to.active_element.send_keys(user["email"])
    browser.find_element("xpath", "//select[@id='f-role']/option[.='owner']").click()
    press("Add")
    shown("//table//select/option[.='viewer']").click()
    press("Change")
    assert shown("//h1[contains(., 'last owner')]")
    press("Make viewer")
    press("Undo")
    wait_until(lambda: [(one["user_id"], one["role"]) for one in site.service.call(
        "list_tenant_users", tenant_id=tenant["id"])["tenant_users"]] == [(user["id"], "owner")])
