"""The console's pages of what happened: changes, the history of a record, deleted records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.browser import NARROW, WIDE, axe, faults, overflow, resize
from tests.support.console import Console, Site
from tests.support.service import Service

MARKUP = '<img src=x onerror="alert(1)">'


def changed(service: Service) -> tuple[str, dict[str, Any]]:
    """A tenant's URL, and a node of it that was created with a title and changed once."""
    node = service.node(service.node_type(service.tenant()), data={"title": MARKUP, "n": 1})
    of_node = {"tenant_id": node["tenant_id"], "id": node["id"]}
    data = f'{{"title": {json.dumps(MARKUP)}, "n": 2, "big": {10**29 + 1}}}'
    changed = service.call("update_node", **of_node, data=data)["node"]
    return f"/t/{node['tenant_id']}", changed


def test_the_last_change_comes_first_with_what_it_did(console: Console) -> None:
    url, node = changed(console.service)
    page = console.get(f"{url}/changes")
    assert re.findall(r">(created|updated|deleted)</span>", page) == ["updated", "created",
                                                                      "created"]
    assert '<del class="mono">1</del>' in page and '<ins class="mono">2</ins>' in page
    assert str(10**29 + 1) in page and MARKUP not in page


@pytest.mark.parametrize("query, shown", [
    ("kind=node", 2), ("kind=node_type", 1), ("kind=relationship", 0), ("op=create", 2),
    ("op=update&kind=node", 1), ("op=delete", 0)])
def test_some_changes_alone_can_be_looked_at(console: Console, query: str, shown: int) -> None:
    url, _ = changed(console.service)
    page = console.get(f"{url}/changes?{query}")
    assert page.count("<tr data-position") == shown
    assert ("None of the changes" in page) == (shown == 0)


def test_a_long_list_of_changes_is_shown_page_by_page_to_its_beginning(console: Console) -> None:
    service = console.service
    kind = service.node_type(service.tenant())
    service.call("create_nodes", tenant_id=kind["tenant_id"], nodes=[
        {"node_type_id": kind["id"], "data": {"n": n}} for n in range(120)])
    url, seen = f"/t/{kind['tenant_id']}/changes", 0
    while url:
        page = console.get(url)
        seen += page.count("<tr data-position")
        further = re.search(r'rel="next" href="/console([^"]+)"', page)
        url = further[1].replace("&amp;", "&") if further else ""
    assert seen == 121


@pytest.mark.long
def test_changes_that_are_too_large_for_one_page_are_on_the_next_ones(
        new_service: Callable[..., Service]) -> None:
    service = new_service(max_page_bytes=4000)
    console = Console(service, service.app.test_client())
    kind = service.node_type(service.tenant())
    service.call("create_nodes", tenant_id=kind["tenant_id"], nodes=[
        {"node_type_id": kind["id"], "data": {"n": n, "text": "x" * 1000}} for n in range(60)])
    url, seen = f"/t/{kind['tenant_id']}/changes", list[int]()
    while url:
        page = console.get(url)
        seen += map(int, re.findall(r'<tr data-position="[^"]+\.(\d+)"', page))
        further = re.search(r'rel="next" href="/console([^"]+)"', page)
        url = further[1].replace("&amp;", "&") if further else ""
    assert seen == [*range(61, 0, -1)]


def test_an_empty_tenant_says_that_nothing_happened(console: Console) -> None:
    tenant = console.service.tenant()
    assert "Nothing happened yet" in console.get(f"/t/{tenant['id']}/changes")
    assert "Nothing that is deleted" in console.get(f"/t/{tenant['id']}/deleted")


def test_a_history_leads_back_to_a_version_and_undo_forward_again(console: Console) -> None:
    url, node = changed(console.service)
    record = f"{url}/nodes/{node['id']}"
    page = console.get(f"{record}/history")
    assert "Back to this" in page and MARKUP not in page
    back = console.post(f"{record}/revert", {"version": "1"})
    of_node = {"tenant_id": node["tenant_id"], "id": node["id"]}
    now = console.service.call("get_node", **of_node)["node"]
    assert now["data"] == {"title": MARKUP, "n": 1} and now["version"] == 3
    page = console.get(f"{record}/history")
    assert f'action="/console{record}/revert"' in page and 'value="2"' in page
    assert back.headers["Location"] == f"/console{record}"
    console.post(f"{record}/revert", {"version": "2"})
    assert console.service.call("get_node", **of_node)["node"]["data"] == node["data"]


def test_deleted_records_come_back_with_their_relationships(console: Console) -> None:
    service, (url, node) = console.service, changed(console.service)
    other = service.call("create_node", tenant_id=node["tenant_id"],
                         node_type_id=node["node_type_id"], data={"title": "B"})["node"]
    edge = service.relationship(node, other)
    service.call("delete_node", tenant_id=node["tenant_id"], id=node["id"])
    page = console.get(f"{url}/deleted")
    assert f'value="{node["id"]}"' in page and MARKUP not in page
    assert "This record is deleted" in console.get(f"{url}/nodes/{node['id']}/history")
    console.post(f"{url}/restore", {"ids": node["id"]})
    assert service.call("get_relationship", tenant_id=node["tenant_id"], id=edge["id"])
    assert node["id"] not in console.get(f"{url}/deleted")


def test_what_cannot_come_back_is_told_and_the_rest_comes(console: Console) -> None:
    service, (url, node) = console.service, changed(console.service)
    service.call("delete_node", tenant_id=node["tenant_id"], id=node["id"])
    nowhere = "0195a6f0-0000-7000-8000-000000000000"
    answer = console.post(f"{url}/restore", {"ids": f"{node['id']},{nowhere}"})
    page = console.followed(answer)
    assert "is back" in page and f"Not brought back: {nowhere}" in page


@pytest.mark.long
def test_what_happens_appears_while_somebody_looks(site: Site, browser: Any) -> None:
    url, node = changed(site.service)
    browser.get(f"{site.url}{url}/changes")
    site.service.call("delete_node", tenant_id=node["tenant_id"], id=node["id"])
    WebDriverWait(browser, 30).until(
        lambda _: "deleted" in browser.find_element(By.CSS_SELECTOR, "#rows tr.fresh").text
        if browser.find_elements(By.CSS_SELECTOR, "#rows tr.fresh") else False)
    rows = browser.find_elements(By.CSS_SELECTOR, "#rows tr")
    assert len(rows) == 4 and not faults(browser)


@pytest.mark.long
@pytest.mark.parametrize("size, theme", [(WIDE, "light"), (NARROW, "dark")])
def test_pages_of_changes_fit_and_axe_finds_nothing(
        site: Site, browser: Any, size: tuple[int, int], theme: str) -> None:
    url, node = changed(site.service)
    gone = site.service.call("create_node", tenant_id=node["tenant_id"],
                             node_type_id=node["node_type_id"], data={"title": "Gone"})["node"]
    site.service.call("delete_node", tenant_id=node["tenant_id"], id=gone["id"])
    resize(browser, size, theme)
    for path in (f"{url}/changes", f"{url}/nodes/{node['id']}/history", f"{url}/deleted",
                 f"{url}/nodes/{gone['id']}/history"):
        browser.get(site.url + path)
        assert axe(browser) == [], path
        assert overflow(browser) <= 0, path
    assert not faults(browser)
