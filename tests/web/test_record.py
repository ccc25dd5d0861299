"""A record in the console: its form and its JSON, what is saved of it, and what becomes of it."""

from __future__ import annotations

import re

import orjson
import pytest

from tests.support.console import Console
from tests.support.html_forms import buttons, form_with
from tests.support.records import BIG, EXACT, Records

MARKUP = '<img src=x onerror="alert(1)">'
@pytest.fixture
def world(console: Console) -> Records:
    return Records(console.service)


def test_a_save_changes_what_was_changed_and_nothing_else(world: Records, console: Console) -> None:
    url = world.record()
    page = console.followed(console.post(url, world.form(console,
        url, **{"/title": "Another", "do": "save"})))
    assert "Saved Another." in page and f'action="/console{url}/revert"' in page
    text = world.text(url)
    for digits in ("10.00", BIG, EXACT):
        assert digits in text
    stored = world.stored(url)
    assert stored["version"] == 2 and stored["data"]["title"] == "Another"
    assert stored["data"]["due"] is None and "priority" not in stored["data"]


def test_nothing_changed_is_nothing_saved(world: Records, console: Console) -> None:
    url = world.record()
    assert "was changed" in console.followed(console.post(url, world.form(console, url)))
    assert world.stored(url)["version"] == 1


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
        world: Records, console: Console) -> None:
    url = world.record()
    page = console.post(url, world.form(console,
        url, **{"/title": "x", "/code": "abc", "/owner/email": "", "/priority": "9"}),
        status=400).text
    for field in ("/title", "/code", "/owner/email", "/priority"):
        assert f'<a href="#f-{field}">' in page
        assert re.search(rf'id="f-{field}"[^>]*aria-invalid="true"', page), field
    assert "must be filled in" in page and "abc" in page and 'value="9"' in page
    assert world.stored(url)["version"] == 1


def test_a_number_that_is_none_is_told_before_anything_is_asked(
        world: Records, console: Console) -> None:
    url = world.record()
    page = console.post(url, world.form(console, url, **{"/priority": "three"}), status=400).text
    assert "must be a number" in page and 'value="three"' in page


def test_what_others_saved_meanwhile_stands_beside_what_was_typed(
        world: Records, console: Console) -> None:
    url = world.record()
    mine = world.form(console, url, **{"/title": "Mine"})
    console.post(url, world.form(console, url, **{"/title": "Theirs", "/estimate": "11.0"}))
    page = console.post(url, mine, status=412).text
    assert "has been changed since" in page
    assert "&#34;Theirs&#34;" in page and "&#34;Mine&#34;" in page
    again = form_with(page, "object:")
    assert again["/title"] == "Mine" and again["version"] == "2"
    console.post(url, again)
    stored = world.stored(url)
    assert stored["version"] == 3 and stored["data"]["title"] == "Mine"
    assert "10.00" in world.text(url)


def test_changes_of_different_members_can_both_be_kept(world: Records, console: Console) -> None:
    url = world.record()
    mine = world.form(console, url, **{"/title": "Mine"})
    console.post(url, world.form(console, url, **{"/estimate": "11.0", "/due": "2026-01-31"}))
    page = console.post(url, mine, status=412).text
    assert "both" in buttons(page)
    console.post(url, {**form_with(page, "object:"), "do": "both"})
    stored = world.stored(url)
    assert (stored["data"]["title"], stored["data"]["due"]) == ("Mine", "2026-01-31")
    assert '11.0' in world.text(url) and BIG in world.text(url)


def test_changes_of_one_member_are_not_put_together(world: Records, console: Console) -> None:
    url = world.record()
    mine = world.form(console, url, **{"/title": "Mine"})
    console.post(url, world.form(console, url, **{"/title": "Theirs"}))
    page = console.post(url, mine, status=412).text
    assert "both" not in buttons(page)
    console.post(url, {**form_with(page, "object:"), "do": "both"}, status=412)
    assert world.stored(url)["data"]["title"] == "Theirs"


@pytest.mark.parametrize("below, field", [("", "object:"), ("/json", "data")])
def test_what_was_typed_for_a_record_that_is_gone_can_be_a_new_one(
        world: Records, console: Console, below: str, field: str) -> None:
    url = world.record()
    form = form_with(console.get(url + below), field)
    console.post(f"{url}/delete", {"version": "1"})
    page = console.post(url + below, form, status=404).text
    assert "deleted meanwhile" in page
    again = form_with(page, "object:")
    assert again["/title"] == "First" and again["/serial"] == BIG
    made = console.post(f"{world.url}/types/{world.type['id']}/new", again)
    assert EXACT in world.text(made.headers["Location"].removeprefix("/console"))


def test_a_save_and_a_deletion_are_undone_by_their_messages(
        world: Records, console: Console) -> None:
    url = world.record()
    page = console.followed(console.post(url, world.form(console, url, **{"/title": "Another"})))
    console.post(f"{url}/revert", form_with(page.partition("</main>")[0], "version"))
    assert world.stored(url)["data"]["title"] == "First" and EXACT in world.text(url)
    console.post(f"{url}/delete", {"version": "3"})
    console.post(f"{world.url}/restore", {"ids": url.rpartition("/")[2]})
    assert EXACT in world.text(url)


def test_a_button_in_the_form_changes_what_is_typed_and_saves_nothing(
        world: Records, console: Console) -> None:
    url = world.record()
    assert "add:/tags" in buttons(console.get(url))
    page = console.post(url, world.form(console, url, do="add:/tags"), status=200).text
    form = form_with(page, "object:")
    assert form["size:/tags"] == "2" and form["version"] == "1"
    console.post(url, {**form, "/tags/1": "b"})
    assert world.stored(url)["data"]["tags"] == ["a", "b"]


def test_records_lead_to_their_neighbours(world: Records, console: Console) -> None:
    urls = [world.record() for _ in range(3)]
    page = console.get(urls[1])
    assert f'rel="prev" href="/console{urls[2]}"' in page
    assert f'rel="next" href="/console{urls[0]}"' in page
    assert 'rel="next"' not in console.get(urls[0])
    form = world.form(console, urls[1], **{"/title": "New", "do": "next"})
    response = console.post(urls[1], form)
    assert response.headers["Location"] == f"/console{urls[0]}"


def test_records_of_one_moment_lead_to_each_other(world: Records, console: Console) -> None:
    made = world.service.call("create_nodes", tenant_id=world.tenant["id"], nodes=[
        {"node_type_id": world.type["id"], "data": {"title": "One", "owner": {"email": "a@b.org"}}}
        for _ in range(4)])["nodes"]
    seen, url = [], f"{world.url}/nodes/{max(one['id'] for one in made)}"
    while url:
        seen.append(url.rpartition("/")[2])
        found = re.search(r'rel="next" href="/console([^"]*)"', console.get(url))
        url = found[1] if found else ""
    assert seen == sorted((one["id"] for one in made), reverse=True)


def test_json_is_saved_to_the_digit_too(world: Records, console: Console) -> None:
    url = world.record()
    page = console.get(f"{url}/json")
    form = form_with(page, "data")
    assert BIG in form["data"] and EXACT in form["data"] and "10.00" in form["data"]
    assert form["data"].index("title") < form["data"].index("owner")
    form["data"] = form["data"].replace('"First"', '"Second"')
    console.post(f"{url}/json", form)
    assert world.stored(url)["data"]["title"] == "Second" and "10.00" in world.text(url)


def test_what_is_wrong_with_json_is_told_with_its_line(world: Records, console: Console) -> None:
    url = world.record()
    form = form_with(console.get(f"{url}/json"), "data")
    text = '{\n  "title": "x",\n  "owner": {\n    "email": "no"\n  }\n}'
    page = console.post(f"{url}/json", {**form, "data": text}, status=400).text
    assert 'data-line="2"' in page and 'data-line="4"' in page
    assert form_with(page, "data")["data"].replace("\r\n", "\n") == text
    page = console.post(f"{url}/json", {**form, "data": '{"a": '}, status=400).text
    assert "is no JSON" in page
    assert "object" in console.post(f"{url}/json", {**form, "data": "[]"}, status=400).text


def test_json_that_others_changed_meanwhile_is_not_lost(world: Records, console: Console) -> None:
    url = world.record()
    form = form_with(console.get(f"{url}/json"), "data")
    console.post(url, world.form(console, url, **{"/title": "Theirs"}))
    page = console.post(f"{url}/json", {**form, "data": form["data"].replace(
        "First", "Mine")}, status=412).text
    assert "Theirs" in page and "Mine" in page
    console.post(f"{url}/json", form_with(page, "data"))
    assert world.stored(url)["data"]["title"] == "Mine"


def test_a_large_record_is_shown_as_json_alone(console: Console) -> None:
    world = Records(console.service, None)
    url = world.record(orjson.dumps({"a": "x" * 300_000}).decode())
    page = console.get(url)
    assert "too large for a form" in page
    form = form_with(page, "data")
    console.post(f"{url}/json", {**form, "data": '{"a": 1}'})
    assert world.stored(url)["data"] == {"a": 1}


def test_a_type_without_a_schema_takes_json(console: Console) -> None:
    world = Records(console.service, None)
    url = world.record('{"a": 1.0}')
    form = form_with(console.get(url), "json:")
    console.post(url, {**form, "json:": '{"a": 1.0, "b": [1]}'})
    assert '"a": 1.0' in world.text(url) or '"a":1.0' in world.text(url)
    assert world.stored(url)["data"]["b"] == [1]
    for text in ("", "[]", "{"):
        page = console.post(url, {**form, "version": "2", "json:": text}, status=400).text
        assert "object" in page or "is no JSON" in page


def test_a_deleted_record_can_be_had_back(world: Records, console: Console) -> None:
    url = world.record()
    response = console.post(f"{url}/delete", {"version": "1"})
    assert response.headers["Location"].endswith(f"/types/{world.type['id']}")
    assert world.service.call("list_deleted_nodes", tenant_id=world.tenant["id"])


def test_a_record_that_was_changed_meanwhile_is_not_deleted(
        world: Records, console: Console) -> None:
    url = world.record()
    console.post(url, world.form(console, url, **{"/title": "Theirs"}))
    page = console.followed(console.post(f"{url}/delete", {"version": "1"}))
    assert "Not deleted" in page and world.stored(url)["version"] == 2


def test_every_text_is_escaped(console: Console) -> None:
    world = Records(console.service, {"title": MARKUP, "properties": {
        MARKUP: {"title": MARKUP, "description": MARKUP, "enum": [MARKUP]},
        "b": {"description": MARKUP, "default": MARKUP}, "c": {"type": "array", "title": MARKUP,
                                                               "items": {"type": "string"}},
        "d": {"anyOf": [{"title": MARKUP, "properties": {MARKUP: {"type": "string"}}},
                        {"title": "x", "type": "object"}]}}})
    url = world.record(orjson.dumps({MARKUP: MARKUP, "b": MARKUP, "c": [MARKUP], "title": MARKUP,
                                     "d": {MARKUP: MARKUP}}).decode())
    for page in (url, f"{url}/json", f"{world.url}/types/{world.type['id']}/new"):
        assert "<img" not in console.get(page)
    wrong = world.form(console, url, **{f"json:/{MARKUP.replace('/', '~1')}": MARKUP})
    assert "<img" not in console.post(url, wrong, status=400).text


@pytest.mark.parametrize("below", ["", "/json"])
def test_a_record_that_is_not_there_is_told(world: Records, console: Console, below: str) -> None:
    page = console.get(f"{world.url}/nodes/0195a6f0-0000-7000-8000-000000000000{below}", 404)
    assert "Not found" in page
