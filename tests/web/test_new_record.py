"""New records in the console: a form with what its type says, which may be sent twice."""

from __future__ import annotations

import re

import pytest

from tests.support.console import Console
from tests.support.html_forms import form_with
from tests.support.records import Records


@pytest.fixture
def world(console: Console) -> Records:
    return Records(console.service)


def _url(world: Records) -> str:
    return f"{world.url}/types/{world.type['id']}/new"


def test_it_begins_with_defaults_and_marks_what_must_be_there(
        world: Records, console: Console) -> None:
    page = console.get(_url(world))
    form = form_with(page, "object:")
    assert form["/priority"] == "3" and "object:/owner" in form
    assert re.search(r'id="f-/title"[^>]*aria-required="true"', page)
    assert not re.search(r'id="f-/priority"[^>]*aria-required="true"', page)


def test_a_form_that_is_sent_twice_makes_one_record(world: Records, console: Console) -> None:
    form = world.form(console, _url(world), **{"/title": "Once", "/owner/email": "a@example.org",
                                      "/estimate": "10.00", "do": "create"})
    first, second = (console.post(_url(world), form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    url = first.headers["Location"].removeprefix("/console")
    assert "Created Once." in console.followed(first)
    assert "10.00" in world.text(url)
    assert world.stored(url)["data"]["priority"] == 3
    listed = world.service.call("list_nodes", tenant_id=world.tenant["id"])
    assert listed["pagination"]["total_count"] == 1


def test_another_variant_is_looked_at_before_it_is_saved(console: Console) -> None:
    world = Records(console.service, {"properties": {"by": {"oneOf": [
        {"properties": {"phone": {"type": "string"}}, "required": ["phone"]},
        {"properties": {"post": {"type": "string"}}, "required": ["post"]}]}}})
    page = console.post(_url(world), world.form(console, _url(world), do="add:/by"), 200).text
    form = {**form_with(page, "object:"), "variant:/by": "1", "do": "create"}
    page = console.post(_url(world), form, 200).text
    assert "look at its fields first" in page
    form = {**form_with(page, "object:"), "/by/post": "A street", "do": "create"}
    made = console.post(_url(world), form)
    assert world.stored(made.headers["Location"].removeprefix("/console"))["data"] == {
        "by": {"post": "A street"}}


def test_a_form_that_is_gone_back_to_and_changed_makes_another_record(
        world: Records, console: Console) -> None:
    form = world.form(console, _url(world), **{"/title": "Once", "/owner/email": "a@example.org"})
    console.post(_url(world), form)
    page = console.post(_url(world), {**form, "/title": "Twice"}, status=409).text
    assert "was created by this form already" in page
    assert "Created Twice." in console.followed(console.post(
        _url(world), form_with(page, "object:")))


def test_create_and_new_leads_to_another_form(world: Records, console: Console) -> None:
    page = console.followed(console.post(_url(world), world.form(console, _url(world), **{
        "/title": "One of many", "/owner/email": "a@example.org", "do": "another"})))
    assert "Created One of many." in page
    assert form_with(page, "object:")["/title"] == ""


def test_what_is_missing_is_told_at_its_field(world: Records, console: Console) -> None:
    page = console.post(_url(world), world.form(console, _url(world), **{"/priority": "9"}),
                              status=400).text
    for field in ("/title", "/owner/email", "/priority"):
        assert f'<a href="#f-{field}">' in page
    assert form_with(page, "object:")["/priority"] == "9"


def test_what_only_one_may_have_is_told_at_its_field(console: Console) -> None:
    world = Records(console.service, {"properties": {"code": {"type": "string", "x-unique": True}}})
    world.record('{"code": "A"}')
    form = world.form(console, _url(world), **{"/code": "A"})
    page = console.post(_url(world), form, status=409).text
    assert re.search(r'<a href="#f-/code">code</a>: is taken', page)


def test_a_duplicate_begins_with_the_other_s_data(world: Records, console: Console) -> None:
    url = world.record()
    form = form_with(console.get(f"{_url(world)}?copy={url.rpartition('/')[2]}"), "object:")
    assert form["/title"] == "First" and form["/estimate"] == "10.00"
    response = console.post(_url(world), form)
    assert response.headers["Location"] != f"/console{url}"


def test_a_type_without_a_schema_takes_json(console: Console) -> None:
    world = Records(console.service, None)
    form = form_with(console.get(_url(world)), "json:")
    made = console.post(_url(world), {**form, "json:": '{"a": 10.00}'})
    assert "10.00" in world.text(made.headers["Location"].removeprefix("/console"))
    page = console.post(_url(world), {**form, "id": "", "json:": '{"a": '}, status=400).text
    assert "is no JSON" in page
