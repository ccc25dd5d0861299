"""Node types in the console: their schema in a form or as text, saved, stale, and deleted."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.support import postgres
from tests.support.console import Console
from tests.support.html_forms import form_of

MARKUP = '<img src=x onerror="alert(1)">'
SCHEMA = {"type": "object", "required": ["title"], "properties": {
    "title": {"type": "string", "maxLength": 100}, "number": {"type": "integer"}},
    "if": {"required": ["number"]}}


@pytest.fixture
def task(console: Console) -> Any:
    """A node type with a schema, of a tenant of its own."""
    return console.service.node_type(console.service.tenant(), name="Task", schema=SCHEMA)


def of(node_type: dict[str, Any]) -> str:
    return f"/t/{node_type['tenant_id']}/types/{node_type['id']}"


def now(console: Console, node_type: dict[str, Any]) -> Any:
    return console.service.call("get_node_type", tenant_id=node_type["tenant_id"],
                                id=node_type["id"])["node_type"]


def press(console: Console, url: str, form: dict[str, str], does: str, status: int = 200
          ) -> tuple[str, dict[str, str]]:
    """Press a button of the editor that stays on the page; return the page and its form."""
    page = console.post(url, form | {"do": does}, status).text
    return page, form_of(page, "editor")


def test_a_type_is_made_without_scripts_and_without_a_word_of_json(console: Console) -> None:
    tenant = console.service.tenant()
    url = f"/t/{tenant['id']}/new-type"
    form = form_of(console.get(url), "editor") | {"name": "Task"}
    for number, (name, type) in enumerate([("title", "string"), ("tags", "array"),
                                           ("place", "object")]):
        _, form = press(console, url, form, "add:m")
        form |= {f"m.{number}.name": name, f"m.{number}.type": type}
    _, form = press(console, url, form, "preview")
    form |= {"m.0.required": "on", "m.0.k.minLength": "1", "m.1.i.type": "string"}
    _, form = press(console, url, form, "add:m.2")
    form |= {"m.2.0.name": "city", "m.2.0.type": "string", "m.2.0.null": "on"}
    _, form = press(console, url, form, "up:m.2")
    response = console.post(url, form | {"do": "save"})
    made = console.service.call("list_node_types", tenant_id=tenant["id"])["node_types"]
    assert [(one["name"], one["schema"]) for one in made] == [("Task", {
        "type": "object", "required": ["title"], "x-order": ["title", "place", "tags"],
        "properties": {
            "title": {"type": "string", "minLength": 1},
            "place": {"type": "object", "properties": {"city": {"type": ["string", "null"]}}},
            "tags": {"type": "array", "items": {"type": "string"}}}})]
    assert response.headers["Location"] == f"/console{of(made[0])}"


def test_a_type_may_do_without_a_schema(console: Console) -> None:
    tenant = console.service.tenant()
    console.post(f"/t/{tenant['id']}/new-type", {"do": "save", "name": "Note"})
    (made,) = console.service.call("list_node_types", tenant_id=tenant["id"])["node_types"]
    assert made["schema"] is None and made["description"] is None


def test_both_tabs_save_the_same_and_a_keyword_that_the_form_does_not_know_survives(
        console: Console, task: dict[str, Any]) -> None:
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor")
    console.post(url, form | {"do": "save"})
    by_form = now(console, task)
    text = form_of(console.get(f"{url}?tab=json"), "editor")
    console.post(url, text | {"do": "save"})
    by_text = now(console, task)
    assert by_form["schema"] == by_text["schema"] == {
        **SCHEMA, "x-order": ["title", "number"]}
    assert (by_form["version"], by_text["version"]) == (2, 3)


def test_going_to_and_fro_between_the_tabs_keeps_what_was_typed(
        console: Console, task: dict[str, Any]) -> None:
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor") | {"m.0.k.title": "Heading", "name": "Chore"}
    _, form = press(console, url, form, "json")
    assert '"title": "Heading"' in form["text"] and form["name"] == "Chore"
    form["text"] = form["text"].replace('"integer"', '"number"')
    _, form = press(console, url, form, "form")
    assert (form["m.0.k.title"], form["m.1.type"], form["name"]) == ("Heading", "number", "Chore")
    assert now(console, task)["version"] == 1


@pytest.mark.parametrize("text, line", [
    ('{\n"a": \n}', 3), ('{\n"type":\n"strin"}', 2),
    ('{"properties": {\n"a": {"x-unique":\n 3}}}', 2),
    ('{"x-defaults": true, "properties":\n{"a": {"type": "string",\n"default": 1}}}', 3)])
def test_a_fault_is_told_with_its_line_of_the_text(
        console: Console, task: dict[str, Any], text: str, line: int) -> None:
    page, form = press(console, of(task) + "/schema", {
        "tab": "json", "name": "Task", "version": "1", "text": text}, "save", 400)
    assert f'data-line="{line}">Line {line}</a>: ' in page and f'data-marks="{line} ' in page
    assert form["text"] == text.replace("\n", "\r\n")


@pytest.mark.parametrize("field, said, at", [
    ("m.0.k.pattern", "(", "m.0.k.pattern"), ("m.0.k.minLength", "-1", "m.0.k.minLength"),
    ("m.0.k.maxLength", "x", "m.0.k.maxLength"), ("m.1.name", "title", "m.1.name"),
    ("m.k.x-unique", "a, a", "m.k.x-unique"), ("m.0.further", '{"readOnly": 3}', "m.0.further"),
    ("name", "", "name")])
def test_a_fault_is_told_at_its_field_of_the_form(
        console: Console, task: dict[str, Any], field: str, said: str, at: str) -> None:
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor") | {field: said}
    page, again = press(console, url, form, "save", 400)
    assert re.search(rf'id="f-{re.escape(at)}"[^>]*aria-invalid="true"', page), page
    assert f'href="#f-{at}"' in page and again[field] == said
    assert now(console, task)["version"] == 1


def test_who_saves_what_is_stale_sees_both_and_loses_nothing(
        console: Console, task: dict[str, Any]) -> None:
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor") | {"m.0.k.maxLength": "7"}
    console.service.call("update_node_type", tenant_id=task["tenant_id"], id=task["id"],
                         schema={"properties": {"theirs": {}}})
    page, form = press(console, url, form, "save", 412)
    differs = dict(re.findall(r'scope="row"[^>]*>([^<]+)</th>\s*(.*?)</tr>', page, re.S))
    assert '"maxLength":7' in html.unescape(differs["/schema/properties/title"])
    assert "left out" in differs["/schema/properties/theirs"]
    assert form["m.0.k.maxLength"] == "7" and form["version"] == "2"
    console.post(url, form | {"do": "save"})
    assert now(console, task)["schema"]["properties"]["title"]["maxLength"] == 7


def test_who_saves_what_is_stale_sees_items_of_lists_as_they_are(
        console: Console, task: dict[str, Any]) -> None:
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor") | {"m.0.k.enum": "c\nb"}
    console.service.call("update_node_type", tenant_id=task["tenant_id"], id=task["id"], schema={
        "properties": {"title": {"type": "string", "enum": ["a", "b"]}}})
    page, _ = press(console, url, form, "save", 412)
    differs = dict(re.findall(r'scope="row"[^>]*>([^<]+)</th>\s*(.*?)</tr>', page, re.S))
    assert re.findall(r"<td[^>]*>([^<]+)</td>", html.unescape(
        differs["/schema/properties/title/enum/0"])) == ['"a"', '"c"']


def test_what_is_not_unique_is_told_with_links_to_the_records(
        console: Console, task: dict[str, Any]) -> None:
    nodes = [console.service.node(task, data={"title": "Same"}) for _ in range(2)]
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor") | {"m.0.k.x-unique": "on"}
    page, _ = press(console, url, form, "save", 409)
    for node in nodes:
        assert f'href="/console/t/{task["tenant_id"]}/nodes/{node["id"]}"' in page
    assert "data.title" in page


@pytest.mark.parametrize("is_filled", [True, False])
def test_it_is_told_whether_an_index_is_ready(console: Console, is_filled: bool) -> None:
    made = console.service.node_type(console.service.tenant(), schema={"properties": {
        "due.on": {"type": "string", "x-index": True}}})
    if not is_filled:
        with postgres.connect(console.service.settings) as connection:
            connection.execute(
                "INSERT INTO flexdb_index_builds SELECT tenant_id, node_type_id, rule, "
                "flexdb_nil(), 0 FROM flexdb_declarations WHERE node_type_id = %s", [made["id"]])
    page = console.get(of(made) + "/schema")
    assert "data.&#34;due.on&#34;" in page
    assert ("ready</span>" in page) == is_filled
    assert ("python -m flexdb index" in page) != is_filled


def test_a_type_is_deleted_once_its_name_is_typed(console: Console, task: dict[str, Any]) -> None:
    console.service.node(task, data={"title": "a"})
    assert "Its 1 records go along" in console.get(of(task) + "/schema")
    page = console.post(of(task) + "/delete", {"typed": "task"}, 400).text
    assert re.search(r'id="f-typed"[^>]*aria-invalid="true"', page)
    assert now(console, task)
    page = console.followed(console.post(of(task) + "/delete", {"typed": "Task"}))
    assert "Deleted Task and its records." in page and "No node type yet" in page


def test_what_a_schema_holds_is_text_on_the_page(console: Console) -> None:
    made = console.service.node_type(
        console.service.tenant(), name=MARKUP, description=MARKUP, schema={
            "title": MARKUP, "properties": {MARKUP: {
                "type": "string", "title": MARKUP, "description": "</textarea>" + MARKUP,
                "enum": [MARKUP], "default": MARKUP, "pattern": "</textarea>", "x": MARKUP}}})
    for url in ("/schema", "/schema?tab=json"):
        page = console.get(of(made) + url)
        assert MARKUP not in page and "</textarea><" not in page.replace("</textarea>\n", "")
    form = form_of(console.get(of(made) + "/schema"), "editor")
    assert form["m.0.name"] == form["m.0.k.title"] == form["m.0.k.enum"] == MARKUP


def test_the_form_of_a_record_is_shown_beside(console: Console, task: dict[str, Any]) -> None:
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor") | {"m.0.k.title": "Heading"}
    page, _ = press(console, url, form, "preview")
    beside = page.partition('id="preview"')[2]
    assert "Heading" in beside and 'id="f-/number"' in beside


@pytest.mark.parametrize("text", ['{"type": [[]]}', '{"$ref": "#"}', '{"required": [{}]}', "1",
                                  '{"x-order": [{}], "properties": {"a": 1}}', "[" * 200])
@pytest.mark.parametrize("does", ["preview", "form", "save"])
def test_whatever_is_typed_is_answered_by_the_editor(
        console: Console, task: dict[str, Any], text: str, does: str) -> None:
    response = console.client.post(f"/console{of(task)}/schema", data={
        "do": does, "tab": "json", "name": "Task", "version": "9" * 30, "text": text})
    assert response.status_code in (200, 400) and 'id="editor"' in response.text


def test_a_type_that_is_not_there_is_told(console: Console, task: dict[str, Any]) -> None:
    console.get(f"/t/{task['tenant_id']}/types/{task['tenant_id']}/schema", 404)


def test_who_may_not_save_is_told_in_the_editor_and_keeps_what_was_typed(
        console: Console, task: dict[str, Any]) -> None:
    secret = console.service.call("create_key", tenant_id=task["tenant_id"], name="k",
                                  role="viewer")["key"]["secret"]
    console.client.set_cookie("flexdb_key", secret, path="/console")
    url = of(task) + "/schema"
    form = form_of(console.get(url), "editor") | {"description": "Two\r\nlines"}
    page, again = press(console, url, form, "save", 403)
    assert "Not saved." in page and again == form and "data-unsaved" in page
