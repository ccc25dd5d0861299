"""A tenant's own page: what is in it, what happened last, and what to do first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.support.console import Console
from tests.support.service import Service

MARKUP = '<img src=x onerror="alert(1)">'


def of(tenant: dict[str, Any]) -> str:
    return f"/t/{tenant['id']}"


def test_an_empty_tenant_is_shown_the_first_steps(console: Console) -> None:
    tenant = console.service.tenant()
    page = console.get(of(tenant))
    assert f'href="/console{of(tenant)}/new-type"' in page
    assert f'action="/console{of(tenant)}/example"' in page
    assert f'href="/console{of(tenant)}/import"' in page
    assert "Nothing happened yet." in page


def test_the_totals_are_those_of_the_lists(console: Console) -> None:
    tenant = console.service.tenant()
    types = [console.service.node_type(tenant, name=f"Type {number}") for number in range(3)]
    for number, one in enumerate(types):
        for _ in range(number):
            console.service.node(one)
    page = console.get(of(tenant))
    shown = re.findall(r'types/([^"]+)">Type.*?class="figure">(\d+)</span> <span[^>]*>(\w+)', page,
                       re.S)
    assert shown == [(one["id"], str(number), "record" if number == 1 else "records")
                     for number, one in enumerate(types)]


def test_a_card_says_what_the_schema_declares(console: Console) -> None:
    tenant = console.service.tenant()
    console.service.node_type(tenant, name="A", schema={
        "x-unique": [["a", "b"]], "properties": {
            "a": {"x-search": True}, "b": {"x-index": True, "type": "string"},
            "c": {"properties": {"d": {"x-unique": True}}}}})
    console.service.node_type(tenant, name="B")
    page = console.get(of(tenant))
    assert "3 members · 1 searched · 2 unique · 1 indexed" in page
    assert "no schema: any data fits" in page


def test_the_newest_records_and_the_last_changes_come_first(console: Console) -> None:
    tenant = console.service.tenant()
    node_type = console.service.node_type(tenant)
    nodes = [console.service.node(node_type, data={"title": f"Record {number}"})
             for number in range(10)]
    console.service.call("delete_node", tenant_id=tenant["id"], id=nodes[0]["id"])
    page = console.get(of(tenant))
    newest, changed = page.split("Last changes")
    assert re.findall(r">(Record \d)<", newest) == [f"Record {one}" for one in range(9, 1, -1)]
    assert re.findall(r"(Record \d).*?class=\"tag \w+\">(\w+)", changed, re.S) == [
        ("Record 0", "deleted"), *((f"Record {one}", "created") for one in range(9, 2, -1))]


def test_what_names_hold_is_text_on_the_page(console: Console) -> None:
    tenant = console.service.tenant(name=MARKUP)
    node_type = console.service.node_type(tenant, name=MARKUP, description=MARKUP)
    node = console.service.node(node_type, data={"title": MARKUP})
    console.service.relationship(node, node, relationship_type=MARKUP)
    console.service.relationship_type(tenant, name=MARKUP)
    page = console.get(of(tenant))
    assert MARKUP not in page and page.count("&lt;img src=x") >= 7


def test_a_limit_is_shown_beside_what_is_used(console: Console) -> None:
    tenant = console.service.tenant()
    console.service.call("update_limits", tenant_id=tenant["id"], max_nodes=1234)
    console.service.node(console.service.node_type(tenant))
    page = console.get(of(tenant))
    assert re.search(r"Records</th><td class=.number.>1</td>\s*<td[^>]*>of 1,234", page)
    assert '<meter min="0" max="1234"' in page


def test_more_types_than_have_a_card_are_on_further_pages(console: Console) -> None:
    tenant = console.service.tenant()
    for number in range(26):
        console.service.node_type(tenant, name=f"T{number:02}")
    page = console.get(of(tenant))
    assert "T23</a></h3>" in page and "T24</a></h3>" not in page
    token = re.search(r"page_token=([^\"]+)", page)
    assert token
    page = console.get(f"{of(tenant)}?page_token={token[1]}")
    assert "T24</a></h3>" in page and "T23</a></h3>" not in page


def test_what_a_caller_may_not_see_is_said_in_its_place(console: Console) -> None:
    service = console.service
    tenant = service.tenant()
    service.node(service.node_type(tenant, name="Task"), data={"title": "Seen"})
    service.call("create_role", tenant_id=tenant["id"], name="reader", grants=[{}])
    secret = service.call("create_key", tenant_id=tenant["id"], name="k", role="reader"
                          )["key"]["secret"]
    console.client.set_cookie("flexdb_key", secret, path="/console")
    page = console.get(of(tenant))
    # Changes, usage and limits are of all records.
    assert "Seen" in page
    assert re.findall('<p class="none">(.*) is not for callers with rules', page) == [
        "list_changes", "get_limits"]


def test_pages_read_json_where_answers_have_it_as_text(
        new_service: Callable[..., Service]) -> None:
    service = new_service(json_fields="string")
    tenant = service.tenant()
    node_type = service.node_type(tenant, name="Task", schema='{"properties": {"a": {}}}')
    service.node(node_type, data='{"title": "Hello"}')
    page = Console(service, service.app.test_client()).get(of(tenant))
    assert "1 member" in page and ">Hello</a>" in page
