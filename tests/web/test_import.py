"""Import: rows of a file become records, once each, and what is wrong is told by line and field."""

from __future__ import annotations

import gzip
import io
from typing import Any
from uuid import UUID

import orjson
import pytest

from flexdb.contract.ids import new_id
from flexdb.web.console.transfer.uploads import row_id
from tests.support.console import Console

MARKUP = "<img src=x onerror=alert(1)>"
SCHEMA = {"properties": {"title": {"type": "string", "maxLength": 40}, "n": {"type": "number"}},
          "required": ["title"]}
LONG = "123456789012345678901234567890.10"
CSV = f"title,n\n{MARKUP},{LONG}\nsecond,1\n"


class Target:
    """A type that rows are imported into from a page."""

    def __init__(self, console: Console, schema: Any = SCHEMA) -> None:
        self.console, self.service = console, console.service
        self.type = self.service.node_type(self.service.tenant(name=MARKUP), name=MARKUP,
                                           schema=schema)
        self.url = f"/t/{self.type['tenant_id']}/import"

    def send(self, text: str | bytes, name: str = "rows.csv", status: int = 200, url: str = "",
             **fields: Any) -> Any:
        data = {"type": self.type["id"], "do": "import"} | fields
        data["file"] = (io.BytesIO(text if isinstance(text, bytes) else text.encode()), name)
        return self.console.post(self.url + url, data, status)

    def piece(self, text: str, **fields: Any) -> Any:
        return orjson.loads(self.send(text, url="/rows", **fields).data)

    def data(self) -> list[Any]:
        listed = self.service.call("list_nodes", tenant_id=self.type["tenant_id"],
                                   node_type_id=self.type["id"], sort="id")
        return [node["data"] for node in listed["nodes"]]

    def total(self) -> int:
        listed = self.service.call("list_nodes", tenant_id=self.type["tenant_id"],
                                   node_type_id=self.type["id"])
        return int(listed["pagination"]["total_count"])


@pytest.fixture
def target(console: Console) -> Target:
    return Target(console)


@pytest.mark.parametrize("name, text", [
    ("rows.csv", CSV), ("rows.tsv", CSV.replace(",", "\t")),
    ("rows.csv", "\ufeff" + CSV.replace(",", ";").replace("\n", "\r\n")),
    ("rows.json", f'[{{"title":"{MARKUP}","n":{LONG}}},\n {{"title":"second","n":1}}]'),
    ("rows.ndjson", f'{{"title":"{MARKUP}","n":{LONG}}}\n\n{{"title":"second","n":1}}'),
    ("rows.csv.gz", gzip.compress(CSV.encode(), mtime=0))])
def test_an_upload_without_scripts_works_in_one_go(target: Target, name: str, text: Any) -> None:
    seen = target.send(text, name, do="preview").text
    assert "The first 2 would all be taken." in seen and LONG in seen and "<img" not in seen
    assert target.total() == 0
    page = target.send(text, name).text
    assert "2 created, 0 refused" in page and "<img" not in page
    assert target.data() == [{"title": MARKUP, "n": float(LONG)}, {"title": "second", "n": 1}]
    stored = target.service.client().get(
        f"/tenants/{target.type['tenant_id']}/nodes").data.decode()
    assert LONG in stored


def test_columns_are_members_of_the_schema_s_types(target: Target) -> None:
    text = "Name,Points,Notes\nfirst,10.00,x\n"
    first = target.send(text, do="preview").text
    assert "1 of the first 1" in first and "title" in first
    names: dict[str, Any] = {"column": ["Name", "Points", "Notes"], "member": ["title", "n", ""]}
    mapped = target.send(text, do="preview", **names).text
    assert "The first 1 would all be taken." in mapped
    assert '<span class="help">number</span>' in mapped and "left out</span>" in mapped
    target.send(text, **names)
    assert target.data() == [{"title": "first", "n": 10.0}]


def test_wrong_rows_are_told_by_line_and_field_and_come_back_as_a_file(target: Target) -> None:
    text = f"title,n\ngood,1\n{MARKUP},many\n,3\n{'x' * 41},4\nlast,5\n"
    page = target.send(text).text
    assert "2 created, 3 refused" in page and "<img" not in page
    piece = target.piece(text)
    assert [line for line, _ in piece["told"]] == [3, 4, 5]
    assert "n must be a number, not many" in piece["told"][0][1]
    assert "/title" in piece["told"][2][1]
    kept = piece["kept"].splitlines()
    assert kept[0] == "$line,$reason,title,n"
    assert kept[1].startswith('3,"n must be') and kept[1].endswith(f"{MARKUP},many")
    # Such a file can be mended and imported again.
    mended = piece["kept"].replace("many", "2").replace(",3\r", "third,3\r").replace("x" * 41, "x")
    assert "3 created, 0 refused" in target.send(mended.replace(",,", ",third,")).text


def test_a_piece_that_is_sent_again_makes_no_row_twice(target: Target) -> None:
    key, head = new_id(), "title,n\n"
    rows = [f"row {number},{number}\n" for number in range(2, 52)]
    sent = {"key": key, "head": head, "format": "csv"}
    assert target.piece("".join(rows[:20]), first=2, **sent)["created"] == 20
    # The answer was lost, and the piece that comes again has more in it.
    again = target.piece("".join(rows[:30]), first=2, **sent)
    assert (again["created"], again["before"], again["refused"]) == (10, 20, 0)
    rest = target.piece("".join(rows[30:]), first=32, **sent)
    assert (rest["created"], rest["before"]) == (20, 0)
    assert [one["n"] for one in target.data()] == list(range(2, 12))
    assert target.total() == 50
    # Another import of the same file is another.
    assert target.piece("".join(rows), first=2, **sent | {"key": new_id()})["created"] == 50


def test_a_row_with_an_id_of_its_own_is_there_or_is_another(target: Target) -> None:
    id = new_id()
    assert target.piece(f"id,title,n\n{id},a,10.0\n")["created"] == 1
    assert target.piece(f"id,title,n\n{id},a,10\n")["before"] == 1
    other = target.piece(f"id,title,n\n{id},b,10\nno,c,1\n")
    assert other["told"][0] == [2, "id is taken"] and "id must be a UUID" in other["told"][1][1]
    assert target.total() == 1


def test_ids_of_rows_are_in_the_order_of_the_file_and_differ() -> None:
    key, other = new_id(), new_id()
    ids = [row_id(key, number) for number in (1, 2, 999, 2**32 - 1, 2**32, 2**40)]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    assert {UUID(id).version for id in ids} == {7} and {UUID(id).variant for id in ids} == {
        UUID(key).variant}
    assert row_id(key, 1)[:13] == key[:13] and row_id(other, 1) != row_id(key, 1)


@pytest.mark.parametrize("name, text, told", [
    ("rows.json", '{"title": 1}', "it must begin with ["),
    ("rows.json", '[{"title": "a"}', "behind item 1 must stand"),
    ("rows.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-9], "The file is gzipped, and ends"),
    ("rows.csv", "title,title\na,b\n", "The column title is there twice"),
    ("rows.csv", 'title\n"a\n', "has a quote that is not closed"),
    ("rows.csv", "a..b\n1\n", "has an empty part")])
def test_what_is_no_such_file_is_told_in_words(target: Target, name: str, text: Any, told: str
                                               ) -> None:
    seen = target.console.client.post(f"/console{target.url}", data={
        "type": target.type["id"], "do": "preview", "file": (io.BytesIO(
            text if isinstance(text, bytes) else text.encode()), name)})
    assert told in seen.text
    response = target.console.client.post(f"/console{target.url}", data={
        "type": target.type["id"], "file": (io.BytesIO(
            text if isinstance(text, bytes) else text.encode()), name)})
    assert told in response.text
    assert target.total() == 0


def test_a_form_that_lacks_something_says_what(target: Target) -> None:
    assert "is missing: choose one" in target.console.post(
        target.url, {"type": target.type["id"]}, 400).text
    assert "choose a node type" in target.send(CSV, type=new_id(), status=400).text
    assert "must be one of csv" in target.send(CSV, format="xml", status=400).text
    assert "must be a comma" in target.send(CSV, delimiter="x", status=400).text
    target.send(CSV, url="/rows", type=new_id(), status=404)
    empty = target.console.get(f"/t/{target.service.tenant()['id']}/import")
    assert "No node type yet" in empty
    shown = target.console.get(f"{target.url}?type={target.type['id']}")
    assert "python -m flexdb import" in shown and "<img" not in shown


def test_who_may_not_write_is_told_so_and_nothing_is_made(target: Target) -> None:
    service, tenant_id = target.service, target.type["tenant_id"]
    key = service.call("create_key", tenant_id=tenant_id, name="v", role="viewer")["key"]

    def answer(url: str, **fields: Any) -> Any:
        return target.console.client.post(
            f"/console{target.url}{url}", data={"type": target.type["id"], "file": (
                io.BytesIO(CSV.encode()), "rows.csv")} | fields,
            headers={"Authorization": f"Bearer {key['secret']}"})

    for url, fields in (("/rows", {}), ("", {}), ("", {"do": "preview"})):
        refused = answer(url, **fields)
        assert refused.status_code == (200 if fields else 403)
        assert "create_nodes needs the role member" in refused.text


def test_what_unpacks_to_too_much_is_refused(target: Target, monkeypatch: Any) -> None:
    monkeypatch.setattr("flexdb.web.console.transfer.uploads._MOST", 1000)
    text = gzip.compress(b"title\n" + b"a\n" * 1000, mtime=0)
    assert "unpacks to more than 1,000 bytes" in target.send(text, "a.csv.gz", 400).text
