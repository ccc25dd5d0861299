"""What is done with chosen records, and with one cell of one: without scripts."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.console import Console
from tests.support.tasks import Tasks


@pytest.fixture
def tasks(console: Console) -> Tasks:
    return Tasks.of(console)


def _titles(tasks: Tasks) -> list[str]:
    listed = tasks.console.service.call("list_nodes", tenant_id=tasks.type["tenant_id"],
                                        node_type_id=tasks.type["id"])
    return [node["data"]["title"] for node in listed["nodes"]]


def test_chosen_records_are_deleted_and_the_message_undoes_it(tasks: Tasks) -> None:
    first, second, _ = [tasks.add(title=f"t{number}") for number in range(3)]

    page = tasks.console.followed(tasks.console.post(
        f"{tasks.url}/delete-records", {"id": [first["id"], second["id"]], "sort": "data.title"}))

    assert _titles(tasks) == ["t2"]
    assert "Deleted 2 records." in page and 'aria-sort="ascending"' in page
    assert f'value="{first["id"]},{second["id"]}"' in page
    assert f'action="/console/t/{tasks.type["tenant_id"]}/restore"' in page


def test_nothing_chosen_deletes_and_copies_nothing(tasks: Tasks) -> None:
    tasks.add(title="x")
    for action in ("delete-records", "copy-records", "export-records"):
        page = tasks.console.followed(tasks.console.post(f"{tasks.url}/{action}"))
        assert "No record was chosen" in page
    assert _titles(tasks) == ["x"]


def test_all_that_fit_a_filter_are_deleted_after_a_question_that_says_how_many(
        tasks: Tasks) -> None:
    for priority in (1, 1, 2):
        tasks.add(title=f"p{priority}", priority=priority)
    asked = {"all": "yes", "filter": '{"data.priority":1}'}

    html = tasks.console.post(f"{tasks.url}/delete-records", asked, 200).text

    assert "Delete 2 records of Task?" in html and len(_titles(tasks)) == 3
    form = {unescape(name): unescape(value) for name, value in re.findall(
        r'type="hidden" name="([^"]*)" value="([^"]*)"', html)}
    assert form == asked | {"sure": "yes", "most": "2"}
    # What has come meanwhile was not agreed to.
    tasks.add(title="p1", priority=1)
    assert "none was deleted" in tasks.console.post(f"{tasks.url}/delete-records", form, 400).text
    page = tasks.console.followed(tasks.console.post(
        f"{tasks.url}/delete-records", form | {"most": "3"}))
    assert "Deleted 3 records. They are under Deleted records." in page
    assert _titles(tasks) == ["p2"]


def test_deletion_stays_within_the_type(tasks: Tasks) -> None:
    other = tasks.console.service.node_type({"id": tasks.type["tenant_id"]})
    node = tasks.console.service.node(other)
    tasks.add(title="x")

    tasks.console.post(f"{tasks.url}/delete-records", {"id": node["id"]})
    tasks.console.post(f"{tasks.url}/delete-records", {"all": "yes", "sure": "yes", "most": "10"})

    found = tasks.console.service.call("list_nodes", tenant_id=tasks.type["tenant_id"])
    assert [one["id"] for one in found["nodes"]] == [node["id"]]


def test_all_of_a_search_or_of_a_filter_that_is_none_is_refused(tasks: Tasks) -> None:
    tasks.add(title="word")
    for said in ({"search": "word"}, {"filter": "{"}, {"filter": "[]"}):
        sure = {"all": "yes", "sure": "yes", "most": "9"}
        tasks.console.post(f"{tasks.url}/delete-records", sure | said, 400)
    assert _titles(tasks) == ["word"]


def test_records_are_copied_as_json_to_the_digit_and_in_their_order(tasks: Tasks) -> None:
    nodes = [tasks.add(title=f"t{number}", estimate=1.5) for number in range(3)]
    ids = [nodes[number]["id"] for number in (1, 2, 0)]

    html = tasks.console.post(f"{tasks.url}/copy-records", {"id": ids, "form": "json"}, 200).text

    found = re.search(r"data-text[^>]*>\n(.*?)</textarea>", html, re.DOTALL)
    assert found and [line[7:43] for line in unescape(found[1]).splitlines()[1:-1]] == ids
    assert '"estimate": 1.5' in unescape(found[1]) or '"estimate":1.5' in unescape(found[1])


def test_chosen_records_are_exported_and_no_others(tasks: Tasks) -> None:
    nodes = [tasks.add(title=f"t{number}") for number in range(3)]
    form = {"id": [node["id"] for node in nodes[:2]]}
    led = tasks.console.post(f"{tasks.url}/export-records", form).headers["Location"]
    assert "/export?" in led and nodes[1]["id"] in tasks.console.get(
        led.removeprefix("/console"))
    file = tasks.console.get(led.removeprefix("/console").replace(
        "/export?", "/export/file?format=ndjson&"))
    assert sorted(re.findall(r'"title": ?"(\w+)"', file)) == ["t0", "t1"]
    many = {"id": [f"0195a6f0-0000-7000-8000-{number:012}" for number in range(101)]}
    assert "At most 100" in tasks.console.post(f"{tasks.url}/export-records", many, 400).text


def test_all_that_fit_are_taken_however_many_boxes_are_checked_besides(tasks: Tasks) -> None:
    tasks.add(title="x", priority=1)
    form = {"id": [f"0195a6f0-0000-7000-8000-{number:012}" for number in range(1001)],
            "all": "yes", "filter": '{"data.priority":1}'}

    led = tasks.console.post(f"{tasks.url}/export-records", form).headers["Location"]

    assert urlencode({"filter": form["filter"]}) in led
    assert "Delete 1 record of Task?" in tasks.console.post(
        f"{tasks.url}/delete-records", form, 200).text


def test_records_are_copied_as_csv_that_a_spreadsheet_runs_nothing_of(tasks: Tasks) -> None:
    node = tasks.add(title="=1+1", notes="a,b", priority=-2, tags=["x"])

    html = tasks.console.post(f"{tasks.url}/copy-records", {
        "id": node["id"], "form": "csv", "fields": "data.title,data.notes,data.priority,data.tags,"
        "data.urgent,version"}, 200).text

    found = re.search(r"data-text[^>]*>\n(.*?)</textarea>", html, re.DOTALL)
    assert found and unescape(found[1]).split() == [
        "title,notes,priority,tags,urgent,Version", """'=1+1,"a,b",-2,"[""x""]",,1"""]


def _cell(tasks: Tasks, node: dict[str, Any], path: str, **form: str) -> tuple[str, dict[str, str]]:
    url = f"/t/{node['tenant_id']}/nodes/{node['id']}/cell"
    html = tasks.console.get(f"{url}?{urlencode({'path': path})}")
    sent = {name: unescape(value) for name, value in re.findall(
        r'type="hidden" name="([^"]*)" value="([^"]*)"', html)}
    return url, sent | form


def _data(tasks: Tasks, node: dict[str, Any]) -> Any:
    return tasks.console.service.call("get_node", tenant_id=node["tenant_id"], id=node["id"])[
        "node"]["data"]


@pytest.mark.parametrize("path, form, data", [
    ("data.title", {"value": "5"}, {"title": "5"}),
    ("data.priority", {"value": "7"}, {"priority": 7}),
    ("data.urgent", {"value": "true"}, {"urgent": True}),
    ("data.status", {"value": "done"}, {"status": "done"}),
    ("data.tags", {"value": '["a"]'}, {"tags": ["a"]}),
    ("data.tags.1", {"value": "x"}, {"tags": ["a", "x", "c"]}),
    ("data.notes", {"value": "", "state": "null"}, {"notes": None}),
    ("data.notes", {"value": "", "state": "value"}, {"notes": ""}),
    ("data.place.city", {"value": "Oslo"}, {"place": {"city": "Oslo", "zip": "1"}}),
    ("data.other", {"value": "5"}, {"other": 5}), ("data.other", {"value": '"5"'}, {"other": "5"}),
])
def test_one_cell_is_saved_as_its_schema_types_it_and_nothing_else_changes(
        tasks: Tasks, path: str, form: dict[str, str], data: dict[str, Any]) -> None:
    before = {"title": "t", "estimate": 1.5, "place": {"city": "Bern", "zip": "1"},
              "tags": ["a", "b", "c"]}
    node = tasks.add(**before)

    url, sent = _cell(tasks, node, path, **form)
    page = tasks.console.followed(tasks.console.post(url, sent))

    assert _data(tasks, node) == before | data
    assert "Saved " in page and 'name="version" value="1"' in page and "/revert" in page


def test_a_member_is_left_out_by_its_cell(tasks: Tasks) -> None:
    node = tasks.add(title="t", priority=1)
    for _ in range(2):
        tasks.console.post(*_cell(tasks, node, "data.priority", value="", state="missing"))
    assert _data(tasks, node) == {"title": "t"}


@pytest.mark.parametrize("path, value, told", [
    ("data.priority", "soon", "priority wants a number, as in 12 or 0.5, not soon"),
    ("data.priority", "1.5", 'not of type "integer"'),
    ("data.status", "late", 'not one of "todo" or "done"'),
    ("data.tags", "[", "tags: "), ("data.tags", "[1]", 'not of type "string"'),
])
def test_what_is_wrong_with_a_cell_is_told_in_it_and_what_was_typed_is_kept(
        tasks: Tasks, path: str, value: str, told: str) -> None:
    node = tasks.add(title="t", priority=1)

    url, sent = _cell(tasks, node, path, value=value)
    html = unescape(tasks.console.post(url, sent, 400).text)

    assert re.search(rf'id="wrong-value"[^>]*>[^<]*{re.escape(told)}', html)
    assert value in html.split("data-change")[1]
    assert _data(tasks, node) == {"title": "t", "priority": 1}


def test_a_cell_that_was_changed_meanwhile_is_written_over_only_when_it_is_meant(
        tasks: Tasks) -> None:
    node = tasks.add(title="t", priority=1)
    url, sent = _cell(tasks, node, "data.priority", value="3")
    tasks.console.service.call("patch_node", tenant_id=node["tenant_id"], id=node["id"],
                               patch={"priority": 2})

    html = tasks.console.post(url, sent, 412).text

    assert "changed meanwhile" in html and 'value="3"' in html
    assert _data(tasks, node)["priority"] == 2
    tasks.console.post(url, sent | {"version": "2"})
    assert _data(tasks, node)["priority"] == 3


def test_a_cell_leads_back_to_the_table_and_nowhere_else(tasks: Tasks) -> None:
    node = tasks.add(title="t")
    url, sent = _cell(tasks, node, "data.title", value="u")
    table = f"/console{tasks.url}"
    for wanted, leads in ((f"{table}?sort=data.title", f"{table}?sort=data.title"),
                          ("https://example.org/", table), ("//example.org", table),
                          (f"{table}@example.org", table),
                          (f"{table}?\r\nX-Forged: 1", table)):
        version = str(tasks.console.service.call(
            "get_node", tenant_id=node["tenant_id"], id=node["id"])["node"]["version"])
        response = tasks.console.post(url, sent | {"next": wanted, "version": version})
        assert response.headers["Location"] == leads


@pytest.mark.parametrize("path", ["version", "data", "data..x", "nothing", ""])
def test_what_is_no_place_in_the_data_has_no_cell_to_change(tasks: Tasks, path: str) -> None:
    node = tasks.add(title="t")
    query = urlencode({"path": path})
    tasks.console.get(f"/t/{node['tenant_id']}/nodes/{node['id']}/cell?{query}", 404)
