"""The check of a type's records against a schema, before that is saved."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flexdb.web.console.schemas import checks
from tests.support.console import Console
from tests.support.html_forms import form_of

MARKUP = '<img src=x onerror="alert(1)">'
WORD = '{"properties": {"title": {"type": "string"}}}'


@pytest.fixture
def task(console: Console) -> Any:
    """A node type without a schema, with five records of which two have no text as title."""
    made = console.service.node_type(console.service.tenant(), name="Task")
    for title in ("a", 2, "c", None, MARKUP):
        console.service.node(made, data={"title": title})
    return made


def of(node_type: dict[str, Any]) -> str:
    return f"/t/{node_type['tenant_id']}/types/{node_type['id']}"


def draft(text: str) -> dict[str, str]:
    return {"tab": "json", "name": "Task", "version": "1", "text": text}


def counts(page: str) -> tuple[str, str]:
    found = re.search(r'figure">([\d,]+)</span> of [\d,]+ checked,\s*<span[^>]*>([\d,]+)<', page)
    assert found, page
    return found[1], found[2]


def refused(page: str) -> list[str]:
    return re.findall(r'nodes/([^"#]+)#f-/title"[^>]*>/title</a>', page)


def test_the_records_that_a_schema_would_refuse_are_told_with_their_place(
        console: Console, task: dict[str, Any]) -> None:
    page = console.post(of(task) + "/check", draft(WORD), 200).text
    nodes = console.service.call("list_nodes", tenant_id=task["tenant_id"])["nodes"]
    wrong = {one["id"] for one in nodes if not isinstance(one["data"]["title"], str)}
    assert counts(page) == ("5", "2") and set(refused(page)) == wrong
    assert "is not of type" in page and "Save anyway" in page and MARKUP not in page
    link = re.search(r'href="[^"]*\?filter=([^"]+)"[^>]*>Fix in table', page)
    assert link and all(id in link[1] for id in wrong)


def test_a_check_goes_on_page_by_page_without_scripts(
        console: Console, task: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_PAGE", 2)
    page, seen, told = console.post(of(task) + "/check", draft(WORD), 200).text, [], []
    while True:
        seen += refused(page)
        told.append(counts(page))
        if "Check the next" not in page:
            break
        page = console.post(of(task) + "/check", form_of(page, "check") | {"do": "check"}, 200).text
    assert told == [("2", "1"), ("4", "2"), ("5", "2")] and len(set(seen)) == 2
    assert all(id in page for id in seen)


def test_a_schema_is_saved_after_a_check_or_edited_further(
        console: Console, task: dict[str, Any]) -> None:
    form = form_of(console.post(of(task) + "/check", draft(WORD), 200).text, "check")
    page = console.post(of(task) + "/schema", form | {"do": "form"}, 200).text
    assert form_of(page, "editor")["m.0.name"] == "title"
    console.post(of(task) + "/schema", form | {"do": "save"})
    saved = console.service.call("get_node_type", tenant_id=task["tenant_id"],
                                 id=task["id"])["node_type"]
    assert saved["schema"] == {"properties": {"title": {"type": "string"}}}
    page = console.get(of(task) + "/check")
    assert "Against the schema as it is." in page and "Save anyway" not in page


def test_what_is_mended_is_checked_again_against_the_draft_that_stays(
        console: Console, task: dict[str, Any]) -> None:
    page = console.post(of(task) + "/check", draft(WORD), 200).text
    assert counts(page) == ("5", "2")
    # The way to a record leaves the page where it is.
    assert len(re.findall(r'<a [^>]*nodes/[^>]* target="_blank"', page)) >= 2
    for id in set(refused(page)):
        console.service.call("update_node", tenant_id=task["tenant_id"], id=id,
                             data={"title": "mended"})
    form = form_of(page, "check")
    page = console.post(of(task) + "/check", form | {"do": "again"}, 200).text
    assert counts(page) == ("5", "0") and "Every record fits." in page
    console.post(of(task) + "/schema", form_of(page, "check") | {"do": "save"})


def test_what_is_not_unique_is_told_and_cannot_be_saved(
        console: Console, task: dict[str, Any]) -> None:
    console.service.node(task, data={"title": "a"})
    page = console.post(of(task) + "/check", draft(
        '{"properties": {"title": {"x-unique": true}}}'), 200).text
    assert "Not unique" in page and 'value="save"' not in page and "Every record fits" not in page


def test_where_there_is_no_schema_there_is_nothing_to_check(
        console: Console, task: dict[str, Any]) -> None:
    for page in (console.get(of(task) + "/check"),
                 console.post(of(task) + "/check", draft(""), 200).text):
        assert "nothing to check" in page and "data-check" not in page


@pytest.mark.parametrize("text", ['{"type": 3}', "{"])
def test_a_schema_that_is_none_is_told_in_the_editor(
        console: Console, task: dict[str, Any], text: str) -> None:
    page = console.post(of(task) + "/check", draft(text) | {"do": "check"}, 400).text
    assert re.search(r'data-line="\d">Line \d</a>: is no', page) and form_of(page, "editor")["text"]


def test_a_token_that_is_none_is_told(console: Console, task: dict[str, Any]) -> None:
    page = console.post(of(task) + "/check", draft(WORD) | {"page_token": "x"}, 400).text
    assert "page_token" in page
