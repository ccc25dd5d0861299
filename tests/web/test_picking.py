"""Which records the ends of a relationship may be, as its type says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.console import Console


@pytest.fixture
def world(console: Console) -> dict[str, Any]:
    """Two types, each with a record of the same name, and a contract that joins them one way."""
    service, tenant = console.service, console.service.tenant()
    of = {name: service.node_type(tenant, name=name) for name in ("Task", "Person")}
    made = {name: service.node(one, data={"title": "Mason"}) for name, one in of.items()}
    service.relationship_type(tenant, name="done_by", source_node_type_ids=[of["Task"]["id"]],
                              target_node_type_ids=[of["Person"]["id"]])
    return {"url": f"/t/{tenant['id']}", "tenant": tenant, "types": of,
            **{name: one["id"] for name, one in made.items()}}


def _found(page: str) -> list[str]:
    return re.findall(r'<li data-id="([^"]*)"', page)


@pytest.mark.parametrize("words", ["mason", ""])
def test_records_are_offered_that_may_stand_at_that_end(
        console: Console, world: dict[str, Any], words: str) -> None:
    url = f"{world['url']}/find?q={words}"
    both = {world["Task"], world["Person"]}
    assert set(_found(console.get(url))) == both
    for end, name in (("source_node_id", "Task"), ("target_node_id", "Person")):
        page = console.get(f"{url}&relationship_type=done_by&end={end}")
        assert _found(page) == [world[name]] and "Those alone that <b>done_by</b> may" in page
    # What no contract narrows is not narrowed.
    for asked in ("relationship_type=other&end=source_node_id", "relationship_type=done_by&end=x"):
        assert set(_found(console.get(f"{url}&{asked}"))) == both


def test_a_label_that_several_have_is_clear_where_one_may_stand(
        console: Console, world: dict[str, Any]) -> None:
    form = {"source_node_id": "Mason", "target_node_id": "mason"}
    url = f"{world['url']}/relationships/new"
    page = console.post(url, form | {"relationship_type": "other"}, status=400).text
    assert page.count("may be one of several") >= 2
    console.post(url, form | {"relationship_type": "done_by"})
    (made,) = console.service.call(
        "list_relationships", tenant_id=world["tenant"]["id"])["relationships"]
    assert (made["source_node_id"], made["target_node_id"]) == (world["Task"], world["Person"])


def test_what_may_not_stand_there_is_told_at_its_field(
        console: Console, world: dict[str, Any]) -> None:
    console.service.node(world["types"]["Person"], data={"title": "Only a person"})
    page = console.post(f"{world['url']}/relationships/new", {
        "source_node_id": "only a person", "target_node_id": world["Person"],
        "relationship_type": "done_by"}, status=400).text
    assert re.search(r'id="d-source_node_id">[^<]*none is called so that may stand here', page)
    assert 'value="only a person"' in page
