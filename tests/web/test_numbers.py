"""No digit of a number changes, whichever way of the console a record is saved by."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import urlencode

import orjson
import pytest

from tests.support.console import Console
from tests.support.html_forms import form_with
from tests.support.records import BIG, DATA, EXACT, Records

DIGITS = (f'"serial": {BIG}', '"estimate": 10.00', f'"exact": {EXACT}')
Save = Callable[[Records, Console, str], str]


@pytest.fixture
def world(console: Console) -> Records:
    return Records(console.service)


def _by_form(world: Records, console: Console, url: str) -> str:
    console.post(url, world.form(console, url, **{"/title": "Other"}))
    return url


def _by_json(world: Records, console: Console, url: str) -> str:
    form = form_with(console.get(f"{url}/json"), "data")
    console.post(f"{url}/json", form | {"data": form["data"].replace("First", "Other")})
    return url


def _by_cell(world: Records, console: Console, url: str) -> str:
    form = form_with(console.get(f"{url}/cell?path=data.title"), "value")
    console.post(f"{url}/cell", form | {"value": "Other"})
    return url


def _as_duplicate(world: Records, console: Console, url: str) -> str:
    new = f"{world.url}/types/{world.type['id']}/new"
    form = form_with(console.get(f"{new}?copy={url.rpartition('/')[2]}"), "object:")
    made = console.post(new, form | {"/title": "Other"})
    return made.headers["Location"].removeprefix("/console").partition("?")[0]


def _beside_another_s_change(world: Records, console: Console, url: str) -> str:
    form = world.form(console, url, **{"/title": "Other"})
    console.post(url, world.form(console, url, **{"/tags/0": "theirs"}))
    page = console.post(url, form, status=412).text
    console.post(url, form_with(page, "object:") | {"do": "both"})
    assert world.stored(url)["data"]["tags"] == ["theirs"]
    return url


def _back_to_a_version(world: Records, console: Console, url: str) -> str:
    console.post(f"{url}/json", form_with(console.get(f"{url}/json"), "data") | {
        "data": '{"title": "None of it", "owner": {"email": "a@example.org"}}'})
    assert BIG not in world.text(url)
    console.post(f"{url}/revert", {"version": "1"})
    return _by_cell(world, console, url)


def _out_of_the_deleted(world: Records, console: Console, url: str) -> str:
    console.post(f"{url}/delete", {"version": "1"})
    console.post(f"{world.url}/restore", {"ids": url.rpartition("/")[2]})
    return _by_cell(world, console, url)


def _by_import(world: Records, console: Console, url: str) -> str:
    told = console.client.post(f"/console{world.url}/import", data={
        "type": world.type["id"], "format": "", "key": world.tenant["id"], "do": "import",
        "file": (io.BytesIO(DATA.replace("First", "Other").encode()), "rows.ndjson")})
    assert "1 created, 0 refused" in told.text
    (made,) = world.service.call("list_nodes", tenant_id=world.tenant["id"],
                                 filter={"data.title": "Other"})["nodes"]
    return f"{world.url}/nodes/{made['id']}"


def _by_every_call(world: Records, console: Console, url: str) -> str:
    page = console.get(f"/calls/patch_node?tenant_id={world.tenant['id']}")
    form = form_with(page, "object:")
    console.post("/calls/patch_node", form | {
        "/tenant_id": world.tenant["id"], "/id": url.rpartition("/")[2], "do": "run",
        "json:/patch": '[{"op":"replace","path":"/title","value":"Other"}]'}, status=200)
    return url


@pytest.mark.parametrize("save", [
    _by_form, _by_json, _by_cell, _as_duplicate, _beside_another_s_change, _back_to_a_version,
    _out_of_the_deleted, _by_import, _by_every_call], ids=lambda save: save.__name__.strip("_"))
def test_a_record_keeps_its_digits(world: Records, console: Console, save: Save) -> None:
    url = save(world, console, world.record())
    text = world.text(url)
    assert world.stored(url)["data"]["title"] == "Other"
    assert all(digits in text or digits.replace(": ", ":") in text for digits in DIGITS), text


def test_a_filter_tells_numbers_apart_by_every_digit(world: Records, console: Console) -> None:
    other = str(int(BIG) + 1)
    urls = [world.record(f'{{"title": "Of {serial[-1]}", "owner": {{"email": "a@example.org"}}, '
                         f'"serial": {serial}}}') for serial in (BIG, other)]
    table = f"{world.url}/types/{world.type['id']}"
    # By a row, whose form leads to the URL of the filter.
    led = console.client.get(f"/console{table}?" + urlencode(
        {"path": "data.serial", "op": "$eq", "value": other})).headers["Location"]
    for page in (console.get(led.removeprefix("/console")), console.get(f"{table}?" + urlencode(
            {"filter": f'{{"data.serial":{other}}}'}))):
        assert urls[1] in page and urls[0] not in page


def test_what_a_relationship_says_keeps_its_digits(world: Records, console: Console) -> None:
    ends = [world.record().rpartition("/")[2] for _ in range(2)]
    data = f'{{"serial": {BIG}, "estimate": 10.00, "exact": {EXACT}, "note": "First"}}'
    console.post(f"{world.url}/relationships/new", {
        "source_node_id": ends[0], "target_node_id": ends[1], "relationship_type": "rests_on",
        "data": data})
    (made,) = world.service.call("list_relationships", tenant_id=world.tenant["id"]
                                 )["relationships"]
    url = f"{world.url}/relationships/{made['id']}"
    form = form_with(console.get(url), "data")
    console.post(url, form | {"data": form["data"].replace("First", "Other")})
    text = world.service.client().get(
        f"/tenants/{world.tenant['id']}/relationships/{made['id']}").text
    assert orjson.loads(text)["relationship"]["data"]["note"] == "Other"
    assert all(digits in text or digits.replace(": ", ":") in text for digits in DIGITS), text
