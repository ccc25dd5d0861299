"""``import --check``: the lines that calls would refuse are listed, and nothing is loaded."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.transfer.checks import check_lines
from flexdb.transfer.files import MOST_TOLD
from tests.support.commands import finish, flexdb
from tests.support.odd_data import NO_OBJECTS, ODD
from tests.support.transfers import USER, Lines, small, taken, total_rows, written

Databases = Callable[..., Settings]


def refused(text: bytes, **limits: Any) -> list[str]:
    """Return what a check tells of a file's lines."""
    return [wrong for wrong in check_lines(Settings(**limits), io.BytesIO(text)) if wrong]


def with_members(place: int, **members: Any) -> bytes:
    """Return the small tenant with other members in one of its lines."""
    lines = small()
    ((kind, given),) = lines[place].items()
    lines[place] = {kind: given | members}
    return written(lines)


def with_data(text: str) -> bytes:
    return with_members(4, data="DATA").replace(b'"DATA"', text.encode())


def test_what_calls_take_is_not_told_of() -> None:
    deep = '{"a":' * 100 + "1" + "}" * 100
    for text in (written(small(50)), with_data(deep), with_data('{"a": 1e308}'), b"", b"\n \n",
                 with_members(3, schema={"type": "object"}), with_members(3, description="")):
        assert refused(text) == []


@pytest.mark.parametrize("place, members, told", [
    (0, {"slug": "x" * 256}, "line 1: tenant.slug may have at most 255 characters"),
    (0, {"name": " "}, "line 1: tenant.name may not be blank"),
    (0, {"name": "", "status": ""}, "line 1: tenant.name may not be blank; tenant.status may not"),
    (1, {"email": "no address"}, "line 2: user.email must be an e-mail address"),
    (2, {"role": "x" * 300}, "line 3: tenant_user.role may have at most 255 characters"),
    (3, {"schema": [1]}, "line 4: node_type.schema must be a JSON object or a boolean"),
    (3, {"schema": {"type": 12}}, "line 4: node_type.schema is not a JSON Schema"),
    (3, {"description": "d" * 5000}, "line 4: node_type.description may have at most 255"),
    (4, {"version": 0}, "line 5: node.version must be at least 1"),
    (4, {"created_at": "infinity"}, "line 5: node.created_at must be a time"),
    (4, {"updated_at": "0044-03-15T00:00:00Z BC"}, "line 5: node.updated_at must be a time"),
    (4, {"data": None}, "line 5: node.data may not be null"),
    (4, {"data": '{"a": 1}'}, "line 5: node.data is a string, where a file has JSON itself"),
    (8, {"relationship_type": ""}, "line 9: relationship.relationship_type may not be blank"),
    (8, {"data": [1]}, "line 9: relationship.data must be a JSON object"),
])
def test_what_calls_refuse_is_told_with_its_line(place: int, members: dict[str, Any], told: str
                                                 ) -> None:
    found = refused(with_members(place, **members))
    assert found[0].startswith(told)
    # Nodes of a type whose schema is refused are refused too.
    assert len(found) == (4 if "schema" in members else 1)


@pytest.mark.parametrize("name", [*ODD, *NO_OBJECTS])
def test_data_that_no_call_could_create_is_told(name: str) -> None:
    (found,) = refused(with_data((ODD | NO_OBJECTS)[name]))
    assert found.startswith("line 5: node.data ") and len(found) < 200


@pytest.mark.parametrize("data, told", [
    ('{"a": "\\\\ud800"}'.replace("\\\\", "\\"), "is not JSON"), ('{"a": NaN}', "is not JSON"),
    ('{"a": "\\u0000"}', ": node.data may not contain the character U+0000")])
def test_what_cannot_be_loaded_is_told_like_what_may_not(data: str, told: str) -> None:
    assert told in " ".join(refused(with_data(data)))


def test_data_is_held_against_the_schema_of_its_type_as_the_settings_say() -> None:
    lines = small()
    lines[3]["node_type"]["schema"] = {"properties": {"n": {"maximum": 0}}}
    told = [f"line {line}: node.data violates the node type's schema at /n: the value is "
            "greater than the maximum of 0" for line in (6, 7)]
    assert refused(written(lines)) == told
    assert refused(written(lines), enforce_schemas="valid") == told
    assert refused(written(lines), enforce_schemas="none") == []
    # Of the tenant before, a type is none of this one's.
    other = [{"tenant": {"id": USER, "slug": "other", "name": "Other"}}, lines[4]]
    assert refused(written([*small(), *other]))[-1] == (
        "line 11: node.node_type_id names no node type on a line before")
    lines[3]["node_type"]["schema"] = {"type": 12}
    assert [len(refused(written(lines), enforce_schemas=which))
            for which in ("all", "valid", "none")] == [4, 1, 1]


@pytest.mark.longest
@pytest.mark.long
def test_data_that_takes_too_long_to_check_is_told_and_the_check_goes_on() -> None:
    lines = small()
    lines[3]["node_type"]["schema"] = {"$ref": "#/$defs/d0", "$defs": {
        **{f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2, "unevaluatedProperties": False}
           for n in range(13)}, "d13": {"properties": {"x": {}}}}}
    lines[4]["node"]["data"] = {"x": 1}
    found = refused(written([*lines, {"user": {"id": 1}}]))
    assert found[0].startswith("line 5: node.data makes a check against the schema that takes more")
    assert found[-1].startswith(f"line {len(lines) + 1}: user.id must be")


def test_limits_are_those_of_the_settings() -> None:
    text = with_data(json.dumps({"a": [[1] * 20]}))
    assert refused(text, max_json_bytes=49, max_depth=4) == []
    (found,) = refused(text, max_json_bytes=48)
    assert "node.data may have at most 48 bytes as compact JSON text" in found
    (found,) = refused(with_data('{"a": {"a": {"a": {"a": {}}}}}'), max_depth=4)
    assert found == "line 5: node.data may be nested at most 4 deep"


def test_a_check_goes_on_behind_a_line_that_is_wrong() -> None:
    lines: Lines = small()
    text = written(lines[:4]) + b"{\n[1]\n" + written([{"node": {"id": 1}}, *lines[4:]]) + b"{"
    assert [told.split(" ", 3)[:2] for told in refused(text)] == [
        ["line", "5"], ["line", "6"], ["line", "7:"], ["line", "13"]]


@pytest.mark.long
def test_the_command_lists_the_lines_loads_nothing_and_needs_no_database(
        new_database: Databases, tmp_path: Path) -> None:
    database = new_database()
    file = tmp_path / "small.ndjson.gz"
    file.write_bytes(gzip.compress(with_members(1, email="nobody")))
    away = Settings(db_host=str(tmp_path))
    for settings in (database, away):
        status, output, errors = finish(flexdb(settings, "import", "--check", str(file)))
        assert (status, output) == (
            1, "line 2: user.email must be an e-mail address: name@domain (RFC 5321)\n")
        assert errors == "flexdb: 1 of 9 lines would be refused by calls of today\n"
    assert total_rows(database) == 0
    file.write_bytes(written(small()))
    status, output, errors = finish(flexdb(away, "import", "--check", str(file)))
    assert (status, output) == (0, "") and errors.endswith("calls would take all of 9 lines\n")


@pytest.mark.long
def test_of_many_lines_the_first_are_told_and_the_others_counted(
        new_database: Databases, tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    text = written(small(250)).replace(b'"data": {', b'"data": [').replace(b"}}}", b"]}}")
    file.write_bytes(text.replace(b'"n": ', b""))
    database = new_database()
    status, output, errors = finish(flexdb(database, "import", "--check", str(file)))
    told = output.splitlines()
    assert len(told) == MOST_TOLD + 1 and told[-1] == f"and {250 - MOST_TOLD} more lines"
    assert errors == "flexdb: 250 of 503 lines would be refused by calls of today\n"
    # As it is, it is loaded all the same.
    assert taken(database, file.read_bytes())["node"] == 250
