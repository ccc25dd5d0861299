"""The commands of relationships, and those that go along them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest

from tests.support.commands import Done, Flexdb, at_terminal


@pytest.fixture
def ids(flexdb: Flexdb, acme: str) -> list[str]:
    """Ship, which depends on Build, which depends on Test, which blocks Ship."""
    ids = [flexdb("nodes", "create", acme, "Task", f"title={title}").object()["id"]
           for title in ("Ship", "Build", "Test\x1b[31m")]
    for source, kind, target in ((0, "depends_on", 1), (1, "depends_on", 2), (2, "blocks", 0)):
        flexdb("relationships", "create", acme, ids[source], kind, ids[target]).object()
    return ids


def test_a_relationship_is_created_shown_listed_and_deleted(
        flexdb: Flexdb, acme: str, ids: list[str]) -> None:
    made: Any = flexdb("relationships", "create", acme, ids[0], "blocks", ids[1], "why=x",
                       "weight:=1.50").object()
    assert made["data"]["why"] == "x" and str(made["data"]["weight"]) == "1.50"
    assert flexdb("relationships", "get", acme, made["id"]).object() == made
    listed = ("relationships", "list", acme)
    assert len(flexdb(*listed).objects()) == 4
    assert flexdb(*listed, "--type", "blocks", "--source", ids[0]).objects() == [made]
    assert flexdb(*listed, "--target", ids[1], "--filter", '{"data.why": "x"}').objects() == [made]
    assert flexdb("relationships", "delete", acme, made["id"]).status == 2
    assert flexdb("relationships", "delete", acme, made["id"], "--yes") == Done(0, "", "")
    assert flexdb("relationships", "get", acme, made["id"]).status == 4
    nowhere = flexdb("relationships", "create", acme, ids[0], "blocks", made["id"])
    assert nowhere.status == 4 and "target_node_id" in nowhere.errors


def test_a_walk_gives_each_node_with_what_led_there(
        flexdb: Flexdb, acme: str, ids: list[str]) -> None:
    steps = flexdb("graph", "walk", acme, ids[0], "--along", "depends_on").objects()
    assert [(step["depth"], step["node"]["id"]) for step in steps] == [*enumerate(ids)]
    assert [step["relationship"] and step["relationship"]["source_node_id"] for step in steps] == [
        None, *ids[:2]]
    near = flexdb("graph", "walk", acme, ids[0], "--depth", "1", "--direction", "in", "-o", "csv")
    rows = [*csv.DictReader(io.StringIO(near.output))]
    assert [(row["depth"], row["relationship_type"], row["id"]) for row in rows] == [
        ("0", "", ids[0]), ("1", "blocks", ids[2])]
    cut = flexdb("graph", "walk", acme, ids[0], "--limit", "2", "-o", "json")
    assert len(json.loads(cut.output)) == 2
    assert cut.errors == "There may be more: the walk ended at a limit.\n"


def test_at_a_terminal_a_walk_is_a_tree(flexdb: Flexdb, acme: str, ids: list[str]) -> None:
    shown = at_terminal("graph", "walk", acme, ids[0], "--along", "depends_on").output
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == (
        f"{ids[0]}  title: Ship\n"
        f"└── depends_on → {ids[1]}  title: Build\n"
        f"    └── depends_on → {ids[2]}  title: Test\\u001b[31m\n")
    both = flexdb("graph", "walk", acme, ids[0], "--direction", "both", "-o", "table").output
    assert f"── ← blocks {ids[2]}  title: Test" in both


def test_a_path_is_shown_and_one_that_is_not_there_is_told(
        flexdb: Flexdb, acme: str, ids: list[str]) -> None:
    way = flexdb("graph", "path", acme, ids[0], ids[2]).object()
    assert way["length"] == 2 and [node["id"] for node in way["nodes"]] == ids
    drawn = flexdb("graph", "path", acme, ids[0], ids[2], "-o", "table").output
    assert [line.split("  title")[0][-36:] for line in drawn.splitlines()] == ids
    rows = csv.DictReader(io.StringIO(
        flexdb("graph", "path", acme, ids[0], ids[2], "-o", "csv").output))
    assert [row["id"] for row in rows] == ids
    none = flexdb("graph", "path", acme, ids[0], ids[2], "--along", "blocks")
    assert (none.status, none.output) == (4, "")
    assert none.errors == f"flexdb: no path leads from {ids[0]} to {ids[2]}\n"
