"""Rows in and out of a node type: CSV, JSON and NDJSON, by the schema's types."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.errors import FlexdbError, InvalidParams, NotFound
from flexdb.transfer import batches
from flexdb.transfer.loading import Way, import_rows
from flexdb.transfer.unloading import Shape, export_rows
from tests.support.service import Service

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"}, "due": {"type": ["string", "null"]},
        "points": {"type": "integer"}, "hours": {"type": "number"}, "done": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"$ref": "#/$defs/address"}, "either": {"type": ["string", "number", "boolean"]},
        "level": {"enum": [1, 2, None]}},
    "$defs": {"address": {"type": "object", "properties": {"zip": {"type": "string"},
                                                           "floor": {"type": "integer"}}}}}


class Tasks:
    """A tenant with a node type, the files of a folder, and the service to look with."""

    def __init__(self, database: Settings, folder: Path, schema: Any = SCHEMA) -> None:
        self.settings, self.folder = database, folder
        self.service = Service.of(database)
        self.tenant = self.service.tenant(slug="acme")
        self.type = self.service.node_type(self.tenant, name="Task", schema=schema)

    def file(self, name: str, text: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def take(self, text: str | bytes, form: Any = "csv", **way: Any) -> None:
        import_rows(self.settings, "acme", "Task", self.file(f"rows.{form}", text),
                    Way(form, **way))

    def give(self, form: Any = "csv", **shape: Any) -> bytes:
        path = self.folder / f"out.{form}"
        export_rows(self.settings, "acme", "Task", str(path), Shape(form, **shape))
        return path.read_bytes()

    def nodes(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.service.call(
            "list_nodes", tenant_id=self.tenant["id"], node_type_id=self.type["id"],
            sort=["created_at", "id"], pagination={"page_size": 1000})["nodes"]
        return listed

    def data(self) -> list[Any]:
        return [node["data"] for node in self.nodes()]

    def empty(self) -> None:
        self.service.call("delete_nodes", tenant_id=self.tenant["id"], max_affected=1_000_000,
                          filter={"node_type_id": self.type["id"]})


@pytest.fixture
def tasks(new_database: Callable[..., Settings], tmp_path: Path) -> Any:
    made = Tasks(new_database(), tmp_path)
    yield made
    made.service.close()


def refused(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_cells_become_what_the_schema_says(tasks: Tasks, capsys: pytest.CaptureFixture[str]
                                           ) -> None:
    with pytest.raises(InvalidParams, match="1 of 3 rows was refused"):
        tasks.take(
            "\ufefftitle,due,points,hours,done,tags,address.zip,address.floor,either,level,other\n"
            'a,"x, ""y""\n2",007,,,,,,,,\n'
            '5,\\N,7,1.50,TRUE,"[""a""]",02134,3,1.0,2,5\r\n\n,,,,,,,,,,\n'
            '"",,,,false,,,,"1.0",\\N,')
    assert refused(capsys) == ["line 2: points must be an integer, not 007"]
    first, second = tasks.data()
    assert first == {"title": "5", "due": None, "points": 7, "hours": 1.5, "done": True,
                     "tags": ["a"], "address": {"zip": "02134", "floor": 3}, "either": 1.0,
                     "level": 2, "other": "5"}
    assert second == {"title": "", "done": False, "either": "1.0", "level": None}
    assert b"1.50" in tasks.give() and b",1.0," in tasks.give()


@pytest.mark.parametrize("form, text", [
    ("csv", "id,title,data.id\n{id},a,7\n"),
    ("csv", 'id,data\n{id},"{{""title"":""a"",""id"":""7""}}"'),
    ("csv", 'No.;"Due"\n{id};a\n'),
    ("ndjson", '\n{{"id":"{id}","data":{{"title":"a","id":"7"}}}}\n'),
    ("ndjson", '{{"key":"{id}","title":"a","n":"7"}}'),
    ("json", ' [ {{"id" : "{id}", "title":"a"\n , "no":"7"}} ]\n')])
def test_a_column_is_the_id_all_data_or_a_member(tasks: Tasks, form: str, text: str) -> None:
    id = "01a208bc-3d00-7d5c-861e-e1a8d0a9b837"
    columns = {"No.": "id", "Due": "title"} if ";" in text else {
        name: path for name, path in (("key", "id"), ("n", "data.id"), ("no", "data.id"))
        if f'"{name}"' in text}
    tasks.take(text.format(id=id), form, columns=columns, delimiter=";" if ";" in text else ",")
    (node,) = tasks.nodes()
    assert node["id"] == id
    assert node["data"] == {"title": "a"} | ({} if ";" in text else {"id": "7"})


@pytest.mark.parametrize("form, text, told", [
    ("csv", "title,title\na,b\n", "the column title is there twice"),
    ("csv", "address,address.zip\n", "the column address.zip lies within address"),
    ("csv", "No.\n1\n", "--map 'No.'=name"),
    ("csv", 'title\n"a', "1 of 1 row was"),
    ("csv", 'ti"t"le\n', 'line 1 has a quote within a cell'),
    ("csv", b"title\n\xff\n", "1 of 1 row was"),
    ("csv", "title\na,b\n", "1 of 1 row was"),
    ("json", '{"title":"a"}', "no JSON array: it must begin with ["),
    ("json", '[{"title":"a"}', "behind item 1 must stand , or ]"),
    ("json", '[{"title":"a"},]', "item 2 is not JSON"),
    ("json", '[{"title":"a"}] x', "goes on behind"),
    ("json", b'["\xff"]', "is not UTF-8"),
    ("json", "[" * 100_000, "item 1 is nested too deep"),
    ("ndjson", "[1]\n", "1 of 1 row was"), ("ndjson", '{"a":1,}\n', "1 of 1 row was"),
    ("ndjson", '{"a":NaN}\n', "1 of 1 row was"), ("ndjson", '{"id":7}\n', "1 of 1 row was"),
    ("ndjson", '{"a":' + "[" * 600 + "]" * 600 + "}\n", "1 of 1 row was")])
def test_what_is_malformed_is_told(tasks: Tasks, form: str, text: str | bytes, told: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        tasks.take(text, form)
    assert told in str(caught.value)
    assert tasks.data() == []


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_refused_rows_can_be_mended_and_come_again(tasks: Tasks, form: str) -> None:
    lines = ["title,points,done", "a,1,true", "b,x,true", "c,2,perhaps", 'd"x"', "e,3,false"] if (
        form == "csv") else ['{"title":"a","points":1}', '{"title":"b","points":"x","n":1.50}',
                             '{"title":7}', '{"title":', '{"title":"e","points":3}']
    kept = tasks.folder / "refused"
    for _ in range(2):
        with pytest.raises(InvalidParams, match="3 of "):
            tasks.take("\n".join(lines), form, refused=str(kept))
        lines = kept.read_text().splitlines()
    assert [data["title"] for data in tasks.data()] == ["a", "e"]
    text = kept.read_text()
    assert "x" in text and ("1.50" in text or form == "csv")
    if form == "csv":
        header, *rows = csv.reader(io.StringIO(text))
        assert header == ["$line", "$reason", "title", "points", "done"]
        assert [row[0] for row in rows] == ["2", "3", "4"]
        mended = text.replace(",x,", ",5,").replace("perhaps", "true").replace('"d""x"""', "d,,")
    else:
        assert [json.loads(row)["$line"] for row in text.splitlines()] == [1, 2, 3]
        mended = text.replace('"x"', "5").replace(":7}", ':"c"}').replace(
            '"$text":"{\\"title\\":"', '"title":"d"')
    tasks.take(mended, form, refused=str(kept))
    assert sorted(data["title"] for data in tasks.data()) == ["a", "b", "c", "d", "e"]
    assert kept.read_bytes() == b""


def test_a_row_that_no_call_would_take_holds_up_no_other(
        tasks: Tasks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(batches, "ROWS", 4)
    taken = tasks.service.node(tasks.type, data={})["id"]
    rows = [{"title": str(n)} for n in range(9)]
    rows[3] |= {"id": taken}
    rows[5] |= {"points": 1.5, "tags": [1]}  # type: ignore[dict-item]
    rows[8] |= {"title": "x" * 2_000_000}
    with pytest.raises(InvalidParams, match="3 of 9"):
        tasks.take(json.dumps(rows), "json")
    assert [data.get("title") for data in tasks.data()] == [None, "0", "1", "2", "4", "6", "7"]
    told = refused(capsys)
    assert [line.split(":")[0] for line in told] == ["line 4", "line 6", "line 9"]
    assert "id is taken" in told[0] and "schema at /" in told[1] and "1048576" in told[2]


def test_a_dry_run_tells_and_changes_nothing(tasks: Tasks, capsys: pytest.CaptureFixture[str]
                                             ) -> None:
    with pytest.raises(InvalidParams, match="1 of 2"):
        tasks.take("title,points\na,1\nb,1.5\n", dry_run=True)
    assert tasks.data() == [] and "schema at /points" in refused(capsys)[0]


def test_quotas_hold_and_what_was_done_before_stays(
        tasks: Tasks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(batches, "ROWS", 2)
    tasks.service.call("update_limits", tenant_id=tasks.tenant["id"], max_nodes=3)
    with pytest.raises(FlexdbError, match="the tenant may have 3 nodes"):
        tasks.take("title\na\nb\nc\nd\n")
    assert len(tasks.data()) == 2 and "what stands up to line 3 is done" in caplog.text


def test_who_is_asked_for_must_be_there(tasks: Tasks) -> None:
    file = tasks.file("rows.csv", "title\na\n")
    for tenant, node_type, told in (("nobody", "Task", "slug or id nobody"),
                                    ("acme", "Bug", "no node type with the name or id Bug")):
        with pytest.raises(NotFound, match=told):
            import_rows(tasks.settings, tenant, node_type, file, Way("csv"))
    with pytest.raises(InvalidParams, match="the file that is read"):
        import_rows(tasks.settings, "acme", "Task", file, Way("csv", refused=file))
    import_rows(tasks.settings, tasks.tenant["id"], tasks.type["id"].upper(), file, Way("csv"))
    with pytest.raises(InvalidParams, match="there is no column due: there are title"):
        import_rows(tasks.settings, "acme", "Task", file, Way("csv", {"due": "id"}))
    assert tasks.data() == [{"title": "a"}]


def test_a_file_may_come_twice_where_its_rows_are_known_by_a_key(
        tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    tasks.service.call("update_node_type", id=tasks.type["id"], tenant_id=tasks.tenant["id"],
                       schema={"properties": {"title": {"x-unique": True}}})
    tasks.take("title,n\na,1\nb,2\n", key="title")
    with pytest.raises(InvalidParams, match="2 of 5"):
        tasks.take("title,n\na,1\nb,3\n,4\na,5\nc,6\n", key="title")
    assert "1 unchanged, 1 changed, 1 created, 2 refused" in caplog.text
    assert sorted(data["n"] for data in tasks.data()) == ["1", "3", "6"]
    tasks.take(tasks.give("json"), "json", key="id")
    assert "Imported: 3 unchanged" in caplog.text
    with pytest.raises(InvalidParams, match="x-unique"):
        tasks.take("title,n\na,1\n", key="n")
    assert "title,n" not in caplog.text


def test_an_export_has_the_columns_and_the_rows_that_are_asked_for(tasks: Tasks) -> None:
    tasks.take(json.dumps([
        {"title": "=1+1", "points": -1, "a.b": "x", "id": 1, "address": {"floor": 2}}
        if n == 0 else {"title": "b", "$line": n} for n in range(2)]), "json",
        columns={"id": "data.id", "$line": "data.$line"})
    (first, second) = (node["id"] for node in tasks.nodes())
    assert tasks.give().decode().splitlines() == [
        'id,title,points,address,data.$line,"""a.b""",data.id',
        f'{first},=1+1,-1,"{{""floor"": 2}}",,x,1', f"{second},b,,,1,,"]
    assert b",'=1+1,-1," in tasks.give(safe=True)
    assert tasks.give(fields="title,address.floor") == (
        b"title,address.floor\r\n=1+1,2\r\nb,\r\n")
    assert tasks.give("ndjson", fields="data.title,address.floor") == (
        b'{"data":{"title":"=1+1","address":{"floor":2}}}\n{"data":{"title":"b"}}\n')
    assert tasks.give(fields="title", filter='{"data.points":{"$lt":0}}') == b"title\r\n=1+1\r\n"
    assert tasks.give("json", filter='{"data.points":7}') == b"[\n\n]\n"
    assert [row["id"] for row in json.loads(tasks.give("json"))] == [first, second]
    for shape, told in (({"filter": "{"}, "filter"), ({"filter": '{"x":1}'}, "filter.x"),
                        ({"fields": "a..b"}, "empty part"),
                        ({"fields": "address,address.zip"}, "lies within")):
        with pytest.raises(InvalidParams, match=told):
            tasks.give(**shape)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | (
    st.sampled_from(["", "\\N", '"', "null", "1", "true", "a,b", "\r\n", " a ", "=1", "[", "'"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2**70, 2**70) | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda one: abs(one) < 1e300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5)
DATA = st.fixed_dictionaries({}, optional={
    "title": TEXTS, "due": TEXTS | st.none(), "points": st.integers(-10**30, 10**30),
    "hours": st.floats(-1e10, 1e10).filter(lambda one: abs(one) > 1e-5) | st.integers(),
    "done": st.booleans(), "tags": st.lists(TEXTS, max_size=3),
    "address": st.fixed_dictionaries({}, optional={"zip": TEXTS, "floor": st.integers(0, 9)}),
    "either": TEXTS | st.integers() | st.booleans(), "level": st.sampled_from([1, 2, None]),
    "a.b": TEXTS, "id": TEXTS, "$line": TEXTS, "": TEXTS})


@pytest.mark.long
@pytest.mark.parametrize("form, whole", [("csv", DATA), ("json", st.dictionaries(TEXTS, JSON)),
                                         ("ndjson", st.dictionaries(TEXTS, JSON))])
def test_what_is_exported_is_imported_the_same(
        new_database: Callable[..., Settings], tmp_path: Path, form: str, whole: Any) -> None:
    tasks = Tasks(new_database(), tmp_path, SCHEMA if form == "csv" else None)

    @settings(max_examples=6, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(st.lists(whole, min_size=1, max_size=25))
    def holds(rows: list[Any]) -> None:
        tasks.empty()
        tasks.take(b"\n".join(
            b'{"data":%b}' % json.dumps(row).encode() for row in rows), "ndjson")
        before = tasks.nodes()
        text = tasks.give(form)
        tasks.empty()
        tasks.take(text, form)
        assert [(node["id"], node["data"]) for node in tasks.nodes()] == [
            (node["id"], node["data"]) for node in before]
        assert tasks.give(form) == text
        if form == "csv":
            assert len(list(csv.reader(io.StringIO(text.decode(), newline="")))) == 1 + len(rows)

    holds()
    tasks.service.close()


def test_files_are_gzipped_by_name_and_tell_their_format(tasks: Tasks) -> None:
    rows = b"".join(orjson.dumps({"title": str(n)}) + b"\n" for n in range(2500))
    tasks.take(gzip.compress(rows), "ndjson")
    path = tasks.folder / "out.csv.gz"
    export_rows(tasks.settings, "acme", "Task", str(path), Shape("csv", fields="title"))
    assert gzip.decompress(path.read_bytes()).split() == [
        b"title", *(b"%d" % n for n in range(2500))]
