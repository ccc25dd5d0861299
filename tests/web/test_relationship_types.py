"""Relationship types in the console: their contract made, changed, refused and deleted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.console import Console

MARKUP = '<img src=x onerror="alert(1)">'


@pytest.fixture
def tenant(console: Console) -> Any:
    """A tenant of its own."""
    return console.service.tenant()


def of(tenant: dict[str, Any]) -> str:
    return f"/t/{tenant['id']}"


def listed(console: Console, tenant: dict[str, Any]) -> Any:
    return console.service.call("list_relationship_types", tenant_id=tenant["id"]
                                )["relationship_types"]


def test_an_empty_list_says_what_a_type_is_for(console: Console, tenant: dict[str, Any]) -> None:
    page = console.get(of(tenant) + "/relationship-types")
    assert "No relationship type yet" in page
    assert f'href="/console{of(tenant)}/new-relationship-type"' in page


def test_a_contract_is_made_changed_and_deleted(console: Console, tenant: dict[str, Any]) -> None:
    task, project = (console.service.node_type(tenant, name=name) for name in ("Task", "Project"))
    console.get(of(tenant) + "/new-relationship-type")
    console.post(of(tenant) + "/new-relationship-type", {
        "name": "belongs_to", "source_node_type_ids": [task["id"]], "cardinality": "n:1",
        "target_node_type_ids": [project["id"]], "on_delete": "restrict", "acyclic": "on",
        "schema": '{"properties": {"z": {}, "a": {}}}'})
    (made,) = listed(console, tenant)
    assert (made["source_node_type_ids"], made["target_node_type_ids"], made["cardinality"],
            made["on_delete"], made["acyclic"], made["unique_pair"], made["schema"]) == (
        [task["id"]], [project["id"]], "n:1", "restrict", True, False,
        {"properties": {"z": {}, "a": {}}, "x-order": ["z", "a"]})
    page = console.get(of(tenant) + "/relationship-types")
    assert "Task</span>" in page and "Project</span>" in page and "keeps its target" in page
    url = f"{of(tenant)}/relationship-types/{made['id']}"
    page = console.get(url)
    assert f'value="{task["id"]}" checked' in page
    console.post(url, {"name": "part_of", "cardinality": "n:m", "on_delete": "cascade",
                       "version": "1"})
    (changed,) = listed(console, tenant)
    assert (changed["name"], changed["source_node_type_ids"], changed["schema"],
            changed["acyclic"]) == ("part_of", None, None, False)
    page = console.followed(console.post(f"{url}/delete"))
    assert "Deleted the type part_of" in page and not listed(console, tenant)


@pytest.mark.parametrize("given, field", [
    ({"name": ""}, "name"), ({"schema": "{"}, "schema"), ({"schema": '{"type":\n3}'}, "schema"),
    ({"cardinality": "2:3"}, "cardinality"), ({"schema": '{"x-defaults": true}'}, "schema")])
def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
        console: Console, tenant: dict[str, Any], given: dict[str, str], field: str) -> None:
    form = {"name": "likes", "description": "Kept", "cardinality": "n:m", "on_delete": "cascade",
            "schema": ""}
    page = console.post(of(tenant) + "/new-relationship-type", form | given, 400).text
    assert re.search(rf'id="f-{field}"[^>]*aria-invalid="true"', page), page
    assert f'href="#f-{field}"' in page and ">\nKept</textarea>" in page


def test_relationships_that_break_a_contract_are_told_with_links(
        console: Console, tenant: dict[str, Any]) -> None:
    node = console.service.node(console.service.node_type(tenant))
    broken = console.service.relationship(node, node, relationship_type="likes")
    page = console.post(of(tenant) + "/new-relationship-type", {
        "name": "likes", "cardinality": "n:m", "on_delete": "cascade", "acyclic": "on"}, 400).text
    assert f'{of(tenant)}/relationships/{broken["id"]}"' in page
    assert re.search(r'id="f-acyclic" name="acyclic" checked aria-invalid="true"', page)


def test_who_saves_what_is_stale_may_save_once_more(
        console: Console, tenant: dict[str, Any]) -> None:
    made = console.service.relationship_type(tenant, name="likes")
    url = f"{of(tenant)}/relationship-types/{made['id']}"
    form = {"name": "loves", "cardinality": "n:m", "on_delete": "cascade", "version": "1"}
    console.service.call("update_relationship_type", tenant_id=tenant["id"], id=made["id"],
                         description="Theirs")
    for wrong in ("9" * 30, "²", "x"):
        assert "version" in console.post(url, form | {"version": wrong}, 400).text
    page = console.post(url, form, 412).text
    assert "meanwhile" in page and 'value="loves"' in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version and version[1] == "2"
    console.post(url, form | {"version": "2"})
    assert [one["name"] for one in listed(console, tenant)] == ["loves"]


def test_what_names_hold_is_text_on_the_page(console: Console, tenant: dict[str, Any]) -> None:
    node_type = console.service.node_type(tenant, name=MARKUP)
    made = console.service.relationship_type(
        tenant, name=MARKUP, description=MARKUP, source_node_type_ids=[node_type["id"]],
        schema={"title": "</textarea>" + MARKUP})
    for url in ("", f"/{made['id']}"):
        assert MARKUP not in console.get(f"{of(tenant)}/relationship-types{url}")


def test_a_type_that_a_frame_does_not_list_stays_chosen(
        console: Console, tenant: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexdb.web.console.page.MOST_TYPES", 1)
    types = [console.service.node_type(tenant, name=f"T{number}") for number in range(2)]
    made = console.service.relationship_type(
        tenant, name="likes", source_node_type_ids=[one["id"] for one in types])
    page = console.get(f"{of(tenant)}/relationship-types/{made['id']}")
    assert all(f'value="{one["id"]}" checked' in page for one in types)
