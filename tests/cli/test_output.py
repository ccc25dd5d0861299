"""What is written: a form for people, others for programs; nothing that moves a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from tests.support.commands import Flexdb, at_terminal
from tests.support.paths import ROOT

# Red, a title of the window, a backspace, a C1 introducer, text from right to left, a new line.
NASTY = "\x1b[31m\x1b]0;x\x07\b\x9b1A\u202egnp\u2028\r\nend\x7f"
BIG = 123456789012345678901234567890
# What colours are made of.
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def made(flexdb: Flexdb, acme: str) -> Any:
    data = {"title": NASTY, NASTY: 1, "tags": ["a", {"b": None}], "none": None, "yes": True}
    return flexdb("nodes", "create", acme, "Task", "@-", f"big:={BIG}", "price:=10.00",
                  stdin=json.dumps(data)).object()


def test_what_is_piped_is_an_object_a_line_that_means_what_was_stored(
        flexdb: Flexdb, acme: str, made: dict[str, Any]) -> None:
    done = flexdb("nodes", "list", acme)
    assert done.objects() == [made] and made["data"]["title"] == NASTY
    assert '"price":10.00' in done.output and f'"big":{BIG}' in done.output
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", done.output)


def test_json_is_an_array_of_a_list_and_an_object_of_one(
        flexdb: Flexdb, acme: str, made: dict[str, Any]) -> None:
    listed = flexdb("nodes", "list", acme, "-o", "json").output
    assert json.loads(listed, parse_float=Decimal) == [made] and '\n    "id": ' in listed
    one = flexdb("nodes", "get", acme, made["id"], "--output", "json").output
    assert json.loads(one, parse_float=Decimal) == made and '\n  "id": ' in one
    none = flexdb("nodes", "list", acme, "-o", "json", "--filter", '{"data.none": 1}')
    assert none.output == "[]\n"


def test_csv_has_a_column_for_each_member_and_texts_as_they_are(
        flexdb: Flexdb, acme: str, made: dict[str, Any]) -> None:
    flexdb("nodes", "create", acme, "Task", "more=x", "id=own").object()
    done = flexdb("nodes", "list", acme, "-o", "csv", "--sort", "created_at")
    first, second = csv.DictReader(io.StringIO(done.output, newline=""))
    assert (first["id"], first["title"], first["price"]) == (made["id"], NASTY, "10.00")
    assert (first["tags"], first["none"], first["yes"], first["more"]) == (
        '["a",{"b":null}]', "", "true", "")
    lone = flexdb("nodes", "create", acme, "Task", "@-", "-o", "csv",
                  stdin='{"a": "x\\ry", "b": ""}')
    assert lone.output.split("\n")[1].endswith(',"x\ry",')
    empty = flexdb("nodes", "list", acme, "-o", "csv", "--fields", "data.a", "--limit", "1",
                   "--filter", '{"data.b": ""}')
    assert empty.output == 'a\n"x\ry"\n'
    assert (second["data.id"], second["more"], second["big"]) == ("own", "x", "")


@pytest.mark.long
def test_what_is_piped_is_utf_8_and_a_terminal_shows_what_it_can(
        flexdb: Flexdb, acme: str) -> None:
    flexdb("nodes", "create", acme, "Task", "title=Zoë → ship").object()
    listed = ("nodes", "list", acme, "--fields", "data.title")
    written = subprocess.run([sys.executable, "-m", "flexdb", *listed], cwd=ROOT, check=True,
                             env=os.environ | {"PYTHONIOENCODING": "latin-1"}, capture_output=True)
    assert written.stdout.decode() == '{"data":{"title":"Zoë → ship"}}\n'
    shown = at_terminal(*listed, PYTHONIOENCODING="ascii")
    assert r"Zo\xeb \u2192 ship" in shown.output and shown.status == 0


@pytest.mark.long
def test_at_a_terminal_a_list_is_a_table_and_nothing_of_it_moves_the_terminal(
        flexdb: Flexdb, acme: str, made: dict[str, Any]) -> None:
    for form in ("json", "csv", "table"):
        shown = at_terminal("nodes", "list", acme, *(("-o", form) if form != "table" else ()),
                            columns=300)
        assert shown.status == 0 and str(BIG) in shown.output and "10.00" in shown.output
        plain = STYLE.sub("", shown.output)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", plain)
        assert r"\u001b[31m" in plain and r"\u202egnp\u2028\r\nend" in plain
    names, _, row = plain.splitlines()
    assert names.split()[0] == "id" and "title" in names.split() and row.startswith(made["id"])


def test_a_table_that_is_too_wide_is_objects_below_each_other(
        flexdb: Flexdb, acme: str, made: dict[str, Any]) -> None:
    shown = STYLE.sub("", at_terminal("nodes", "list", acme, columns=80).output)
    assert re.search(rf"^big +{BIG} *$", shown, re.MULTILINE)
    assert re.search(r"^price +10\.00 *$", shown, re.MULTILINE)


def test_a_table_says_when_there_is_more(flexdb: Flexdb, acme: str) -> None:
    for number in range(3):
        flexdb("nodes", "create", acme, "Task", f"n:={number}")
    cut = flexdb("nodes", "list", acme, "-o", "table", "--limit", "2", "--sort", "data.n")
    assert len(cut.output.splitlines()) == 4
    assert cut.errors == "These are the first 2: there are more, by --limit.\n"
    first = flexdb("nodes", "list", acme, "-o", "table", "--limit", "1")
    assert first.errors == "This is the first: there are more, by --limit.\n"
    whole = flexdb("nodes", "list", acme, "-o", "table", "--limit", "3")
    assert len(whole.output.splitlines()) == 5 and whole.errors == ""
    none = flexdb("nodes", "query", acme, "data.n:=4", "-o", "table")
    assert (none.status, none.output, none.errors) == (0, "", "There are none.\n")


def test_a_table_says_of_which_type_nodes_are_where_they_are_of_several(
        flexdb: Flexdb, acme: str) -> None:
    made = flexdb("types", "create", acme, "Note").object()
    flexdb("nodes", "create", acme, "Note").object()
    assert made["id"] not in flexdb("nodes", "list", acme, "-o", "table").output
    flexdb("nodes", "create", acme, "Task").object()
    assert made["id"] in flexdb("nodes", "list", acme, "-o", "table").output


@pytest.mark.long
def test_there_are_colours_at_a_terminal_alone_and_none_where_nobody_wants_them(
        flexdb: Flexdb, acme: str, made: dict[str, Any], environment: pytest.MonkeyPatch) -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert coloured.search(at_terminal("nodes", "get", acme, made["id"], "-o", "json").output)
    for form in ("table", "json", "ndjson"):
        assert "\x1b" not in flexdb("nodes", "get", acme, made["id"], "-o", form).output
    shown = at_terminal("nodes", "get", acme, made["id"], "-o", "json", NO_COLOR="1")
    assert not coloured.search(shown.output)
