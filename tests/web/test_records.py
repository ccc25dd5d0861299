"""The records of a type as a table, as a browser without scripts sees it."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import orjson
import pytest

from tests.support.console import Console
from tests.support.tasks import Tasks, table

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def tasks(console: Console) -> Tasks:
    return Tasks.of(console)


def test_columns_come_from_the_schema_and_cells_show_what_is_there(tasks: Tasks) -> None:
    tasks.add(title="Write", status="todo", priority=2, urgent=True, tags=["a", "b"], notes=None)

    head, row = tasks.table()

    assert head == ["title", "estimate", "notes", "priority", "status", "tags", "urgent",
                    "Version", "Updated"]
    assert row[:8] == ["Write", "", "null", "2", "todo", "a, b", "true", "1"]


def test_numbers_keep_every_digit(tasks: Tasks) -> None:
    call = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "create_node", "params": {
        "tenant_id": tasks.type["tenant_id"], "node_type_id": tasks.type["id"],
        "data": {"title": "x", "priority": 0}}})
    tasks.console.service.post(call.replace(b'"priority":0', (
        b'"priority":123456789012345678901234567890,"estimate":10.00')))

    html = tasks.console.get(tasks.url)

    assert '<td class="number">123456789012345678901234567890' in html
    assert '<td class="number">10.00' in html


def test_without_a_schema_columns_are_what_the_records_have(console: Console) -> None:
    tenant = console.service.tenant()
    type = console.service.node_type(tenant, name="Free")
    console.service.node(type, data={"name": "one", "size": 1})
    console.service.node(type, data={"name": "two", "a,b": {"c": [1]}})

    head, *rows = table(console.get(f"/t/{tenant['id']}/types/{type['id']}"))

    assert sorted(head[:3]) == ["a,b", "name", "size"]
    assert {row[head.index("a,b")] for row in rows} == {"", '{"c":[1]}'}


def test_an_empty_table_says_what_to_do_next(tasks: Tasks) -> None:
    html = tasks.console.get(tasks.url)

    assert "No record yet" in html and f'href="/console{tasks.url}/new"' in html
    assert "Nothing fits" not in html

    tasks.add(title="x", priority=1)
    html = tasks.console.get(f'{tasks.url}?{urlencode({"filter": """{"data.priority":7}"""})}')
    assert "Nothing fits" in html


def test_markup_is_text_wherever_it_stands(console: Console) -> None:
    tenant = console.service.tenant(name=MARKUP)
    type = console.service.node_type(tenant, name=MARKUP, schema={
        "type": "object", "properties": {
            MARKUP: {"type": "string", "title": MARKUP, "x-search": True},
            "kind": {"enum": [MARKUP]}}})
    node = console.service.node(type, data={
        MARKUP: f"a word {MARKUP}", "kind": MARKUP, "title": MARKUP, "list": [MARKUP],
        "deep": {MARKUP: 1}})
    console.service.relationship(node, node, relationship_type=MARKUP)
    url = f"/t/{tenant['id']}/types/{type['id']}"
    path = f'data.{orjson.dumps(MARKUP).decode()}'

    for query in ({}, {"search": "word"}, {"fields": f"{path},data.list,data.deep"},
                  {"filter": orjson.dumps({"data.kind": MARKUP}).decode(), "sort": "data.kind"},
                  {"group_by": "data.kind"}, {"filter": MARKUP}, {"sort": MARKUP},
                  {"expand": orjson.dumps({"r": {"type": MARKUP}}).decode()},
                  {"path": "data.kind", "op": MARKUP, "value": MARKUP}):
        html = console.client.get(f"/console{url}?{urlencode(query)}").text
        assert "&lt;img" in html and "<img" not in html, query
    chosen = {"id": node["id"], "fields": f"{path},data.kind"}
    for form in ("json", "csv"):
        html = console.post(f"{url}/copy-records", chosen | {"form": form}, 200).text
        assert "&lt;img" in html and "<img" not in html
    cell = f"/t/{tenant['id']}/nodes/{node['id']}/cell"
    assert "<img" not in console.get(f"{cell}?{urlencode({'path': 'data.kind'})}")


def test_a_head_sorts_up_then_down_then_not(tasks: Tasks) -> None:
    for priority in (2, 3, 1):
        tasks.add(title=f"p{priority}", priority=priority)
    html, seen = tasks.console.get(tasks.url), []

    for _ in range(3):
        head = re.search(r'<th[^>]*><a href="/console([^"]*)">priority<', html)
        assert head
        html = tasks.console.get(unescape(head[1]))
        sorted_by = re.search(r'aria-sort="(\w+)"', html)
        seen.append((sorted_by and sorted_by[1], [row[0] for row in table(html)[1:]]))

    assert seen == [("ascending", ["p1", "p2", "p3"]), ("descending", ["p3", "p2", "p1"]),
                    (None, ["p1", "p3", "p2"])]


def test_columns_are_chosen_and_moved_by_plain_forms(tasks: Tasks) -> None:
    tasks.add(title="x", place={"city": "Oslo", "zip": "0150"})
    asked = [("show", "data.title"), ("show", "version"), ("show", "data.place.zip"),
             ("show", "")]

    response = tasks.console.client.get(
        f"/console{tasks.url}?{urlencode([*asked, ('up', 'version')])}")

    assert response.headers["Location"].endswith(
        "?fields=version%2Cdata.title%2Cdata.place.zip#columns")
    assert table(tasks.console.followed(response)) == [
        ["Version", "title", "place.zip"], ["1", "x", "0150"]]


def test_one_relation_is_brought_along_as_a_column(tasks: Tasks) -> None:
    first, *others = [tasks.add(title=f"t{number}") for number in range(6)]
    for other in others:
        tasks.console.service.relationship(first, other, relationship_type="needs")

    response = tasks.console.client.get(
        f"/console{tasks.url}?direction=out&related=needs&fields=data.title")
    head, *rows = table(tasks.console.followed(response))

    assert head == ["title", "needs"]
    assert [row[1] for row in rows] == [""] * 5 + ["t5, t4, t3 and 2 more"]


def test_pages_follow_each_other(tasks: Tasks) -> None:
    tasks.console.service.call("create_nodes", tenant_id=tasks.type["tenant_id"], nodes=[
        {"node_type_id": tasks.type["id"], "data": {"title": f"t{number:02}"}}
        for number in range(60)])
    html = tasks.console.get(f"{tasks.url}?sort=data.title")

    following = re.search(r'rel="next" href="/console([^"]*)"', html)
    assert following
    titles = [row[0] for one in (html, tasks.console.get(unescape(following[1])))
              for row in table(one)[1:]]

    assert titles == [f"t{number:02}" for number in range(60)]


def test_another_tenants_type_is_not_found(tasks: Tasks) -> None:
    other = tasks.console.service.tenant()
    tasks.console.get(f"/t/{other['id']}/types/{tasks.type['id']}", 404)
    tasks.console.get(f"/t/{tasks.type['tenant_id']}/types/x", 400)
