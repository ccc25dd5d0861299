"""What a table of records is asked: filters, words, groups, and what that costs."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.support.console import Console
from tests.support.tasks import Tasks, table


@pytest.fixture
def tasks(console: Console) -> Tasks:
    return Tasks.of(console)


def test_rows_of_a_filter_become_the_filter_in_the_url(tasks: Tasks) -> None:
    for status, priority in (("todo", 1), ("todo", 2), ("todo", 3), ("done", 1)):
        tasks.add(title=f"{status} {priority}", status=status, priority=priority)
    rows = [("path", "data.status"), ("op", "$eq"), ("value", "todo"),
            ("path", "data.priority"), ("op", "$lte"), ("value", "2"),
            ("path", ""), ("op", "$eq"), ("value", ""), ("sort", "data.priority")]

    response = tasks.console.client.get(f"/console{tasks.url}?{urlencode(rows)}")

    filter = {"data.status": "todo", "data.priority": {"$lte": 2}}
    wanted = urlencode({"filter": orjson.dumps(filter).decode(), "sort": "data.priority"})
    assert response.status_code == 303
    assert response.headers["Location"] == f"/console{tasks.url}?{wanted}"
    html = tasks.console.followed(response)
    told = tasks.console.service.call("list_nodes", tenant_id=tasks.type["tenant_id"],
                                      node_type_id=tasks.type["id"], filter=filter)
    assert told["pagination"]["total_count"] == 2
    assert re.search(r'id="total">\s*2 of 4\b', html)
    assert [row[0] for row in table(html)[1:]] == ["todo 1", "todo 2"]
    # The rows that made it stand there again, and one more.
    assert re.findall(r'name="value" value="([^"]*)"', html) == ["todo", "2", ""]


@pytest.mark.parametrize("filter, values", [
    ({"data.title": "5"}, ["5"]), ({"data.priority": 5}, ["5"]), ({"data.other": "5"}, ['"5"']),
    ({"data.other": 5}, ["5"]), ({"data.title": {"$in": ["a,b", "c"]}}, ['["a,b","c"]']),
    ({"data.urgent": {"$exists": False}}, [""]), ({"data.tags": {"$contains": "a"}}, ["a"]),
    ({"$and": [{"data.priority": {"$gte": 1}}, {"data.priority": {"$gte": 2}}]}, ["1", "2"]),
    ({"data.priority": "5"}, None), ({"$or": [{"version": 1}]}, None),
    ({"data.title": {"$not": {"$eq": "x"}}}, None),
])
def test_a_filter_is_shown_as_rows_where_these_say_the_same(
        tasks: Tasks, filter: dict[str, Any], values: list[str] | None) -> None:
    text = orjson.dumps(filter).decode()
    html = tasks.console.get(f"{tasks.url}?{urlencode({'filter': text})}")

    found = [unescape(one) for one in re.findall(r'name="value" value="([^"]*)"', html)]

    assert found == ([] if values is None else [*values, ""])
    assert ("It says more than rows can" in html) == (values is None)
    assert unescape(html).count(f">{text}</textarea>") == 1


@pytest.mark.parametrize("rows, told", [
    (("data.priority", "$lte", "soon"), "priority wants a number, as in 12 or 0.5, not soon"),
    (("data.urgent", "$eq", "maybe"), "urgent wants true or false, not maybe"),
    (("data.title", "$like", "x"), "$like is no operator"),
    (("data..x", "$eq", "x"), "data..x is no path"),
    (("data.other", "$eq", "{oops"), "other: "),
])
def test_a_wrong_row_is_told_below_it_and_what_was_typed_is_kept(
        tasks: Tasks, rows: tuple[str, str, str], told: str) -> None:
    query = urlencode(dict(zip(("path", "op", "value"), rows)))

    html = unescape(tasks.console.get(f"{tasks.url}?{query}", 400))

    assert f'value="{rows[2]}"' in html and 'aria-describedby="wrong-1"' in html
    assert re.search(rf'id="wrong-1">[^<]*{re.escape(told)}', html)


@pytest.mark.parametrize("query, told", [
    ({"filter": '{"data.priority": {"$lke": 1}}'}, "filter.data.priority.$lke is no operator"),
    ({"filter": '{"data.priority": '}, "Filter"), ({"sort": "nothing"}, "names no member"),
    ({"fields": "data..x"}, "fields.0"), ({"search": '"'}, "Search"),
    ({"expand": "[]"}, "Expand"), ({"expand": '["a"]'}, "Expand"),
    ({"filter": '{"$and":[' * 900 + "{}" + "]}" * 900}, "Filter"),
    ({"page_token": "x"}, "page_token"),
])
def test_what_a_call_refuses_is_told_on_the_page(
        tasks: Tasks, query: dict[str, str], told: str) -> None:
    tasks.add(title="x")

    html = unescape(tasks.console.get(f"{tasks.url}?{urlencode(query)}", 400))

    assert re.search(rf'id="wrong-filter">.*{re.escape(told)}', html)
    assert query.get("filter", "") in html and query.get("search", "") in html


def test_words_are_searched_and_marked_without_trusting_them(tasks: Tasks) -> None:
    tasks.add(title=f"{'long ' * 20}<b>budget</b> and {'more ' * 20}")
    tasks.add(title="nothing of it")

    html = tasks.console.get(f"{tasks.url}?search=budget")

    assert "&lt;b&gt;<mark>budget</mark>&lt;/b&gt;" in html
    assert re.search(r'id="total">\s*1 of 2\b', html)


def test_records_are_counted_by_a_member_each_with_a_link_to_them(tasks: Tasks) -> None:
    for status in ("todo", "todo", "done", None):
        tasks.add(title="x", priority=1, **({"status": status} if status else {}))
    tasks.add(title="y", priority=2, status="todo")
    query = {"filter": '{"data.priority":1}', "group_by": "data.status"}

    html = tasks.console.get(f"{tasks.url}?{urlencode(query)}")

    groups = re.findall(r'<tr><td><a href="/console([^"]*)">(.*?)</a></td>'
                        r'<td class="number">(\d+)', html)
    counted = {re.sub("<[^>]*>", "", name): (int(count), unescape(url))
               for url, name, count in groups}
    assert {name: count for name, (count, _) in counted.items()} == {
        "todo": 2, "done": 1, "null or missing": 1}
    for count, url in counted.values():
        assert len(tasks.table(url)) == 1 + count


def test_what_no_index_serves_is_said_in_words(tasks: Tasks) -> None:
    for priority in range(3):
        tasks.add(title="x", priority=priority, estimate=priority)

    def costs(**query: str) -> str:
        found = re.search(r'class="costs">(.*?)</p>',
                          tasks.console.get(f"{tasks.url}?{urlencode(query)}"))
        return unescape(found[1]) if found else ""

    told = costs(filter='{"data.priority": {"$gt": 1}}')
    assert "all 3 records are read row by row" in told
    assert "“x-index” on data.priority" in told
    assert "“x-index” on data.priority" in costs(sort="-data.priority")
    assert costs() == "" and "x-index" not in costs(sort="data.estimate")
