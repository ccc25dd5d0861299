"""New records in the console: a form with what its type says, which may be sent twice."""

from __future__ import annotations

import re

import pytest

from tests.support.console import Console
from tests.support.html_forms import form_with
from tests.web.test_record import World


@pytest.fixture
def world(console: Console) -> World:
    return World(console)


def _url(world: World) -> str:
    return f"{world.url}/types/{world.type['id']}/new"


def test_it_begins_with_defaults_and_marks_what_must_be_there(world: World) -> None:
    page = world.console.get(_url(world))
    form = form_with(page, "object:")
    assert form["/priority"] == "3" and "object:/owner" in form
    assert re.search(r'id="f-/title"[^>]*aria-required="true"', page)
    assert not re.search(r'id="f-/priority"[^>]*aria-required="true"', page)


def test_a_form_that_is_sent_twice_makes_one_record(world: World) -> None:
    form = world.form(_url(world), **{"/title": "Once", "/owner/email": "a@example.org",
                                      "/estimate": "10.00", "do": "create"})
    first, second = (world.console.post(_url(world), form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    url = first.headers["Location"].removeprefix("/console")
    assert "Created Once." in world.console.followed(first)
    assert "10.00" in world.text(url)
    assert world.stored(url)["data"]["priority"] == 3
    listed = world.service.call("list_nodes", tenant_id=world.tenant["id"])
    assert listed["pagination"]["total_count"] == 1


def test_create_and_new_leads_to_another_form(world: World) -> None:
    page = world.console.followed(world.console.post(_url(world), world.form(_url(world), **{
        "/title": "One of many", "/owner/email": "a@example.org", "do": "another"})))
    assert "Created One of many." in page
    assert form_with(page, "object:")["/title"] == ""


def test_what_is_missing_is_told_at_its_field(world: World) -> None:
    page = world.console.post(_url(world), world.form(_url(world), **{"/priority": "9"}),
                              status=400).text
    for field in ("/title", "/owner/email", "/priority"):
        assert f'<a href="#f-{field}">' in page
    assert form_with(page, "object:")["/priority"] == "9"


def test_what_only_one_may_have_is_told_at_its_field(console: Console) -> None:
    world = World(console, {"properties": {"code": {"type": "string", "x-unique": True}}})
    world.record('{"code": "A"}')
    page = console.post(_url(world), world.form(_url(world), **{"/code": "A"}), status=409).text
    assert re.search(r'<a href="#f-/code">code</a>: is taken', page)


def test_a_duplicate_begins_with_the_other_s_data(world: World) -> None:
    url = world.record()
    form = form_with(world.console.get(f"{_url(world)}?copy={url.rpartition('/')[2]}"), "object:")
    assert form["/title"] == "First" and form["/estimate"] == "10.00"
    response = world.console.post(_url(world), form)
    assert response.headers["Location"] != f"/console{url}"


def test_a_type_without_a_schema_takes_json(console: Console) -> None:
    world = World(console, None)
    form = form_with(console.get(_url(world)), "json:")
    made = console.post(_url(world), {**form, "json:": '{"a": 10.00}'})
    assert "10.00" in world.text(made.headers["Location"].removeprefix("/console"))
    page = console.post(_url(world), {**form, "id": "", "json:": '{"a": '}, status=400).text
    assert "is no JSON" in page
