"""The commands of nodes: get, list, query, search, create, edit, delete."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Done, Flexdb, at_terminal


@pytest.fixture
def node(flexdb: Flexdb, acme: str) -> Any:
    return flexdb("nodes", "create", acme, "Task", "title=Build", "priority=high",
                  "points:=10.00").object()


def test_a_node_is_created_shown_and_listed_with_each_digit(
        flexdb: Flexdb, acme: str, node: Any) -> None:
    assert node["data"] == {"title": "Build", "priority": "high", "points": 10}
    assert str(node["data"]["points"]) == "10.00"
    assert flexdb("nodes", "get", acme, node["id"]).object() == node
    assert flexdb("nodes", "list", acme, "--type", "Task").objects() == [node]


def test_a_tenant_and_a_type_may_be_named_by_their_ids(
        flexdb: Flexdb, acme: str, node: Any) -> None:
    ids = node["tenant_id"], "--type", node["node_type_id"]
    assert flexdb("nodes", "list", *ids).objects() == [node]
    assert flexdb("nodes", "create", node["tenant_id"], node["node_type_id"]).object()[
        "data"] == {}


def test_a_node_may_have_an_id_of_one_s_own(flexdb: Flexdb, acme: str) -> None:
    made = "01a208bc-3d02-7183-b0b3-456bc10361d8"
    assert flexdb("nodes", "create", acme, "Task", "--id", made).object()["id"] == made
    assert flexdb("nodes", "create", acme, "Task", "--id", made).status == 5


def test_data_comes_from_files_and_standard_input_too(
        flexdb: Flexdb, acme: str, tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text('{"title": "Whole", "price": 1.50}')
    (tmp_path / "note.txt").write_text("two\nlines")
    (tmp_path / "tags.json").write_text('["a", {"n": 12345678901234567890123}]')
    data = flexdb("nodes", "create", acme, "Task", f"note=@{tmp_path}/note.txt",
                  f"@{tmp_path}/whole.json", f"tags:=@{tmp_path}/tags.json", "title=A:=b=c",
                  "a:b=").object()["data"]
    assert data == {"title": "A:=b=c", "price": Decimal("1.50"), "note": "two\nlines", "a:b": "",
                    "tags": ["a", {"n": 12345678901234567890123}]}
    read = flexdb("nodes", "create", acme, "Task", "@-", stdin='{"title": "Read"}')
    assert read.object()["data"] == {"title": "Read"}


@pytest.mark.parametrize(("said", "told"), [
    ("title", "'title' must be NAME=TEXT, NAME:=JSON or @FILE"),
    ("=x", "'=x' must be NAME=TEXT"), ("a:={", "'a:={' must be JSON: "),
    ("a:=NaN", "must be JSON"), ("a:=" + "[" * 5000, "must be JSON"),
    ("@-", "must be JSON"), ("a=\udcff", "no text in UTF-8"),
    ("@/no/such/file", "/no/such/file: No such file or directory")])
def test_what_is_no_data_is_told_and_nothing_is_sent(
        said: str, told: str, flexdb: Flexdb, acme: str) -> None:
    done = flexdb("nodes", "create", acme, "Task", said)
    assert done.status in (1, 2) and told in done.errors and done.output == ""
    assert "Traceback" not in done.errors
    assert flexdb("nodes", "list", acme).objects() == []


def test_a_query_takes_conditions_texts_and_operators_alike(
        flexdb: Flexdb, acme: str, node: Any) -> None:
    flexdb("nodes", "create", acme, "Task", "title=Test", "priority=low", "points:=3")

    def titles(*said: str) -> list[str]:
        return [one["data"]["title"] for one in flexdb("nodes", "query", acme, *said).objects()]

    assert titles("data.priority=high") == ["Build"]
    assert titles('data.points:={"$lt": 11}', "--sort", "data.title") == ["Build", "Test"]
    assert titles("data.points:=3", "data.priority=high") == []
    assert titles("data.points:=3", "--filter", '{"data.priority": "low"}', "--type",
                  "Task") == ["Test"]


def test_a_list_is_sorted_shortened_and_ends_where_it_is_told(
        flexdb: Flexdb, acme: str) -> None:
    for title in "bca":
        flexdb("nodes", "create", acme, "Task", f"title={title}").object()
    sort = ("--sort", "-data.title")
    found = flexdb("nodes", "list", acme, *sort, "--fields", "id, data.title").objects()
    assert [one["data"] for one in found] == [{"title": title} for title in "cba"]
    assert found[0].keys() == {"id", "data"}
    few = flexdb("nodes", "list", acme, *sort, "--limit", "2")
    assert [one["data"]["title"] for one in few.objects()] == ["c", "b"]
    assert few.errors == ""


def test_a_list_longer_than_a_page_is_given_whole(flexdb: Flexdb, acme: str) -> None:
    task = flexdb("types", "get", acme, "Task").object()
    items = [{"node_type_id": task["id"], "data": {"n": n}} for n in range(1201)]
    flexdb("call", "create_nodes", f"tenant_id={acme}", "nodes:=@-", stdin=json.dumps(items))
    found = flexdb("nodes", "list", acme).objects()
    assert sorted(one["data"]["n"] for one in found) == list(range(1201))
    assert len(flexdb("nodes", "list", acme, "--limit", "600").objects()) == 600


def test_words_are_searched(flexdb: Flexdb, acme: str) -> None:
    flexdb("types", "create", acme, "Note", "--schema",
           '{"type": "object", "properties": {"text": {"type": "string", "x-search": true}}}'
           ).object()
    flexdb("nodes", "create", acme, "Note", "text=The ships are sailing").object()
    flexdb("nodes", "create", acme, "Note", "text=Nothing").object()
    (found,) = flexdb("nodes", "search", acme, "ships", "--type", "Note").objects()
    assert found["data"]["text"] == "The ships are sailing"


def test_members_are_changed_and_the_others_stay(flexdb: Flexdb, acme: str, node: Any) -> None:
    changed = flexdb("nodes", "edit", acme, node["id"], "priority=low", "gone:=null").object()
    assert changed["data"] == {"title": "Build", "priority": "low", "points": 10, "gone": None}
    assert changed["version"] == 2 and str(changed["data"]["points"]) == "10.00"
    refused = flexdb("nodes", "edit", acme, node["id"], "title:=3")
    assert refused.status == 3 and "/title" in refused.errors


def test_a_node_is_deleted_when_somebody_is_sure(flexdb: Flexdb, acme: str, node: Any) -> None:
    unsure = flexdb("nodes", "delete", acme, node["id"])
    assert unsure.status == 2 and "'--yes'" in unsure.errors
    assert flexdb("nodes", "delete", acme, node["id"], "--yes", "--version", "7").status == 6
    assert flexdb("nodes", "delete", acme, node["id"], "--yes") == Done(0, "", "")
    assert flexdb("nodes", "get", acme, node["id"]).status == 4


def test_an_argument_that_is_no_text_is_told(flexdb: Flexdb, acme: str) -> None:
    for arguments in (("nodes", "list", "\udcff"), ("nodes", "query", acme, "\udcff"),
                      ("nodes", "query", acme, "data.a=\udcff")):
        done = flexdb(*arguments)
        assert done.status == 2 and done.output == "" and done.errors.isascii()


@pytest.mark.long
def test_at_a_terminal_it_is_asked_whether_to_delete(flexdb: Flexdb, acme: str, node: Any) -> None:
    kept = at_terminal("nodes", "delete", acme, node["id"], asked="[y/N]", answer="n\n")
    assert f"Delete the node {node['id']} of {acme} with its relationships?" in kept.output
    assert kept.status == 1 and "flexdb: nothing is deleted\n" in kept.output
    assert flexdb("nodes", "get", acme, node["id"]).object() == node
    assert at_terminal("nodes", "delete", acme, node["id"], asked="[y/N]", answer="y\n").status == 0
    assert flexdb("nodes", "get", acme, node["id"]).status == 4
