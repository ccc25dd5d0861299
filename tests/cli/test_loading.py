"""Many records from a file and into one, from a shell."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Flexdb, at_terminal

SCHEMA = {"type": "object", "required": ["title"], "x-unique": [["title"]], "properties": {
    "title": {"type": "string"}, "points": {"type": "number"}, "tags": {"type": "array"},
    "note": {"type": ["string", "null"]}}}


@pytest.fixture
def shop(flexdb: Flexdb, acme: str) -> str:
    """A tenant whose type Task has titles that are unique."""
    flexdb("types", "edit", acme, "Task", "--schema", json.dumps(SCHEMA)).object()
    return acme


def dumped(flexdb: Flexdb, shop: str, *more: str) -> Any:
    return flexdb("dump", shop, "Task", "--sort", "data.title", *more)


def test_rows_of_csv_become_records_by_the_schema_and_come_back(
        flexdb: Flexdb, shop: str, tmp_path: Path) -> None:
    # In the order of PostgreSQL.
    text = 'note,tags,title,points\n7,"[""x""]",A,1.50\n,,"B, C",\n'
    file = tmp_path / "tasks.csv.gz"
    file.write_bytes(gzip.compress(text.encode("utf-8-sig")))
    assert flexdb("load", shop, "Task", str(file)).object() == {"created": 2, "refused": 0}
    assert dumped(flexdb, shop, "-o", "csv").output == text
    rows = dumped(flexdb, shop)
    assert str(rows.objects()[0]["points"]) == "1.50" and rows.objects()[0]["note"] == "7"
    assert flexdb("nodes", "delete", shop, one(flexdb, shop, "A"), "--yes").status == 0
    # What was written is read again, also by its name alone.
    again = tmp_path / "tasks.json"
    again.write_text(json.dumps([{"title": "D"}, {"title": "E"}]))
    assert flexdb("load", shop, "Task", str(again)).object()["created"] == 2
    assert flexdb("load", shop, "Task", stdin='{"title":"F"}\n\n').object()["created"] == 1
    assert [row["title"] for row in dumped(flexdb, shop).objects()] == ["B, C", "D", "E", "F"]


def test_a_mark_of_the_order_of_bytes_is_no_part_of_what_is_read(
        flexdb: Flexdb, shop: str, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text('\ufeff{"title": "C"}', encoding="utf-8")
    for form, text in (("csv", "title\nA\n"), ("ndjson", '{"title": "B"}\n')):
        done = flexdb("load", shop, "Task", "--format", form, stdin=f"\ufeff{text}")
        assert done.object() == {"created": 1, "refused": 0}
    assert flexdb("nodes", "create", shop, "Task", f"@{file}").status == 0
    assert [row["title"] for row in dumped(flexdb, shop).objects()] == ["A", "B", "C"]


def test_refused_rows_of_before_stay_where_there_is_nothing_to_read(
        flexdb: Flexdb, shop: str, tmp_path: Path) -> None:
    kept = tmp_path / "refused.ndjson"
    kept.write_text("{}\n")
    done = flexdb("load", shop, "Task", str(tmp_path / "nowhere.csv"), "--refused", str(kept))
    assert done.status != 0 and "nowhere.csv" in done.errors
    assert kept.read_text() == "{}\n"


def one(flexdb: Flexdb, shop: str, title: str) -> str:
    return str(flexdb("nodes", "query", shop, f"data.title={title}").object()["id"])


def test_rows_that_are_refused_are_told_and_the_others_are_there(
        flexdb: Flexdb, shop: str, tmp_path: Path) -> None:
    rows = "title,points\nA,1\nB,many\n,3\nD,4\n"
    done = flexdb("load", shop, "Task", "--format", "csv", "--chunk", "3", stdin=rows)
    assert done.status == 3 and json.loads(done.output) == {"created": 2, "refused": 2}
    assert "row 2: data" in done.errors and "row 3: data" in done.errors
    assert "2 rows were refused" in done.errors
    refused = tmp_path / "refused.ndjson"
    again = flexdb("load", shop, "Task", "--format", "csv", "--skip", "1", "--refused",
                   str(refused), stdin=rows)
    told = [json.loads(line) for line in refused.read_text().splitlines()]
    assert [(row["number"], row["row"].get("points")) for row in told] == [
        (2, "many"), (3, 3), (4, 4)]
    assert again.status == 3 and "row 2" not in again.errors
    # What an earlier command wrote stays where one goes on, and what is loaded always does.
    assert flexdb("load", shop, "Task", "--skip", "1", "--refused", str(refused),
                  stdin='{}\n{"title":"E","points":"x"}\n').status == 3
    kept = refused.read_text()
    assert len(kept.splitlines()) == 4
    same = flexdb("load", shop, "Task", str(refused), "--refused", str(refused))
    assert same.status == 2 and "another file" in same.errors and refused.read_text() == kept


def test_with_a_key_nothing_is_done_twice(flexdb: Flexdb, shop: str) -> None:
    rows = '{"title":"A","points":1}\n{"title":"B"}\n'
    first, second = (flexdb("load", shop, "Task", "--key", "title", stdin=rows) for _ in range(2))
    assert first.object() == {"created": 2, "refused": 0}
    assert second.object() == {"unchanged": 2, "refused": 0}
    known = dumped(flexdb, shop, "--ids").output.replace('"points":1', '"points":2')
    assert flexdb("load", shop, "Task", "--key", "id", stdin=known).object() == {
        "changed": 1, "unchanged": 1, "refused": 0}
    wrong = flexdb("load", shop, "Task", "--key", "title", stdin='{"title":"C"}\n{"points":"x"}\n')
    assert wrong.status == 3 and json.loads(wrong.output) == {"created": 1, "refused": 1}
    assert "row 2:" in wrong.errors
    none = flexdb("load", shop, "Task", "--key", "id", stdin=rows)
    assert none.status == 3 and "row 1 has no id" in none.errors


@pytest.mark.parametrize(("form", "rows", "told"), [
    ("ndjson", '{"title":"A"}\n{"title":"B"}\n{"title"\n', "line 3 is no JSON"),
    ("ndjson", '{"title":"A"}\n{"title":"B"}\n[]\n', "line 3 holds no object"),
    ("csv", "title\nA\nB\nC,D\n", "line 4: there are more cells than columns"),
    ("csv", 'title\nA\nB\n"C\n', "line 4: unexpected end of data")])
def test_a_file_that_is_wrong_in_the_middle_is_gone_on_with_behind_what_is_done(
        flexdb: Flexdb, shop: str, form: str, rows: str, told: str) -> None:
    done = flexdb("load", shop, "Task", "--format", form, "--chunk", "1", stdin=rows)
    assert done.status == 3 and told in done.errors
    assert "the first 2 rows are dealt with, and --skip 2 goes on" in done.errors
    assert [row["title"] for row in dumped(flexdb, shop).objects()] == ["A", "B"]


@pytest.mark.parametrize(("chunk", "told"), [
    ("1", "the first row is dealt with, and --skip 1 goes on behind\n"),
    ("2", "delimiter, at character 9\n")])
def test_only_where_rows_are_dealt_with_it_tells_how_to_go_on(
        flexdb: Flexdb, shop: str, chunk: str, told: str) -> None:
    done = flexdb("load", shop, "Task", "--chunk", chunk, stdin='{"title":"A"}\n{"title"\n')
    assert done.status == 3 and done.errors.endswith(told) and "line 2 is no JSON" in done.errors


def test_what_is_refused_before_any_row_is_no_reason_to_look_for_rows(flexdb: Flexdb, shop: str
                                                                       ) -> None:
    done = flexdb("load", shop, "Task", "--key", "points", stdin='{"points":1}\n')
    assert done.status == 3 and "is not unique" in done.errors and "rows" not in done.errors


def test_of_a_row_that_does_not_fit_each_place_is_told(flexdb: Flexdb, shop: str) -> None:
    rows = '{"title":"A"}\n{"title":1,"points":"x"}\n'
    for more in ((), ("--key", "title")):
        done = flexdb("load", shop, "Task", *more, stdin=rows)
        assert done.status == 3 and "row 2: data violates the node type's schema at /" in (
            done.errors), done.errors
        assert done.errors.endswith("flexdb: 1 row was refused\n")
    plain = flexdb("load", shop, "Task", stdin=rows).errors
    assert "at /title: " in plain and "at /points: " in plain


@pytest.mark.parametrize(("form", "rows", "told"), [
    ("json", "{}", "no array"), ("json", "[1]", "row 1 holds no object"), ("json", "[", "no JSON"),
    ("csv", "a,a\n1,2\n", "two columns are called 'a'")])
def test_a_file_that_is_none_is_refused(
        flexdb: Flexdb, shop: str, form: str, rows: str, told: str) -> None:
    done = flexdb("load", shop, "Task", "--format", form, stdin=rows)
    assert done.status == 3 and told in done.errors and dumped(flexdb, shop).output == ""


def test_a_file_that_cannot_be_read_is_told(flexdb: Flexdb, shop: str, tmp_path: Path) -> None:
    cut, strange = tmp_path / "cut.csv.gz", tmp_path / "strange.csv"
    cut.write_bytes(gzip.compress(b"title\nA\n" * 1000)[:-20])
    strange.write_bytes(b"title\n\xff\n")
    for file, told in ((cut, "cut off or damaged"), (strange, "no text in UTF-8"),
                       (tmp_path / "none.csv", "No such file")):
        done = flexdb("load", shop, "Task", str(file))
        assert done.status in (1, 3) and told in done.errors, done


def test_no_cell_is_a_formula_where_that_is_asked_for(flexdb: Flexdb, shop: str) -> None:
    flexdb("load", shop, "Task", stdin='{"title":"=1+1","points":-1,"@x":"a"}\n')
    plain, safe = (dumped(flexdb, shop, "-o", "csv", *more).output for more in (
        [], ["--safe-cells"]))
    assert plain.splitlines()[1] == "a,=1+1,-1"
    assert sorted(safe.splitlines()[0].split(",")) == ["'@x", "points", "title"]
    assert "'=1+1" in safe and ",-1" in safe
    assert dumped(flexdb, shop, "--safe-cells").status == 2


@pytest.mark.long
def test_at_a_terminal_it_tells_how_far_it_is(url: str, shop: str, tmp_path: Path) -> None:
    file = tmp_path / "tasks.ndjson"
    file.write_text("".join(f'{{"title":"T{place}"}}\n' for place in range(60)))
    done = at_terminal("load", shop, "Task", str(file), "--chunk", "20", FLEXDB_URL=url)
    assert done.status == 0 and " rows" in done.output and "60" in done.output


def test_where_it_is_interrupted_it_tells_how_far_it_was(
        flexdb: Flexdb, shop: str, environment: pytest.MonkeyPatch) -> None:
    def rows(*_: Any) -> Any:
        yield from ({"title": name} for name in "ABC")
        raise KeyboardInterrupt

    environment.setattr("flexdb.cli.remote.loading.rows_of", rows)
    done = flexdb("load", shop, "Task", "--chunk", "1")
    assert done.status == 130 and done.errors == (
        "flexdb: interrupted: the first 3 rows are dealt with, and --skip 3 goes on behind; "
        "look first whether rows up to 4 are there\n")
