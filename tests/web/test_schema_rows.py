"""A schema as rows of a form: everything in it comes back, to the digit, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.documents.text import dump_exactly, parse_exactly
from flexdb.web.console.lines import line_of
from flexdb.web.console.schemas import Draft
from flexdb.web.console.schemas.posting import act, posted
from flexdb.web.console.schemas.rows import SchemaRow, rows_of, schema_of

FULL = r"""{
  "type": "object", "required": ["title"], "x-order": ["title", "number"], "x-defaults": true,
  "x-unique": [["number", "o.q"]], "x-history": false, "x-keep-deleted": 90,
  "properties": {
    "title": {"type": "string", "minLength": 1, "x-search": true, "default": "x",
              "x-other": {"z": 1.50}, "title": "a\"b", "description": "two\nlines"},
    "number": {"type": "integer", "minimum": 1.0, "maximum": 123456789012345678901234567890,
               "enum": [1, 2.0], "x-unique": true},
    "b": false, "any": {}, "mixed": {"enum": ["1", 2, "t", null]}, "plain": {"enum": ["s", 2]},
    "o": {"type": ["object", "null"], "required": ["zz"], "additionalProperties": false,
          "properties": {"q": {"type": "array", "items": {"type": "string", "enum": ["a", " b"]}}}},
    "l": {"type": "array", "prefixItems": [{"type": "null"}], "items": false, "uniqueItems": true},
    "n": {"type": "string", "default": null, "format": "date", "pattern": "^[0-9]{5}$"},
    "f": {"type": "boolean", "default": false, "readOnly": true, "x-unique": false},
    "": {"type": "null"}, "u": {"type": ["string", "integer"]}},
  "if": {"required": ["b"]}, "$defs": {"a": {"const": 10.00}}}"""


def meaning(schema: Any) -> Any:
    """Return a schema without what has no meaning: the order of sets, and that of members."""
    if isinstance(schema, dict):
        return {name: sorted(one, key=str) if name in ("required", "type")
                and isinstance(one, list) else meaning(one)
                for name, one in schema.items() if name != "x-order"}
    return [meaning(one) for one in schema] if isinstance(schema, list) else schema


def form_of(top: SchemaRow) -> dict[str, str]:
    """Return what a browser sends of rows."""
    form: dict[str, str] = {}
    for row in top.below():
        at = row.place
        form |= {f"{at}.name": row.name, f"{at}.type": row.type, f"{at}.further": row.further,
                 f"{at}.count": str(len(row.rows))}
        form |= {f"{at}.k.{keyword}": said for keyword, said in row.said.items()}
        form |= {f"{at}.null": "on"} if row.is_nullable else {}
        form |= {f"{at}.required": "on"} if row.is_required else {}
    return form


def again(schema: Any) -> Any:
    """Return a schema as it comes back from a browser."""
    top = posted(form_of(rows_of(schema)))
    made = schema_of(top)
    assert not any(row.wrong for row in top.below())
    return {} if made is None else made


def test_everything_in_a_schema_comes_back_from_its_form() -> None:
    schema = parse_exactly(FULL.encode())
    made = again(schema)
    assert meaning(made) == meaning(schema)
    text = dump_exactly(made)
    assert b"1.50" in text and b"10.00" in text and b"123456789012345678901234567890" in text


@pytest.mark.parametrize("array", [
    {}, {"items": {}}, {"items": True}, {"items": {"type": "array"}}, {"items": [{}]},
    {"prefixItems": [{}], "items": {"enum": ["a"]}}])
def test_what_items_are_comes_back(array: dict[str, Any]) -> None:
    schema = {"properties": {"a": {"type": "array", **array}}}
    assert again(schema) == schema


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6) | st.sampled_from(["string", "object", "array", "true", "1", "a\nb"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "type", "properties", "items", "required", "enum", "default", "title", "minLength", "x",
        "x-order", "x-unique", "format", "additionalProperties", "a.b", "", "minimum"]) | st.text(
            max_size=3), inner, max_size=5), max_leaves=25)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.dictionaries(st.sampled_from(
    ["type", "properties", "required", "x-order", "x-unique", "x-user", "items", "a"]),
    _values, max_size=5), st.booleans()))
def test_whatever_stands_in_a_schema_comes_back_from_its_form(value: Any) -> None:
    schema = parse_exactly(json.dumps(value).encode())
    assert meaning(again(schema)) == meaning(schema)


def test_members_stand_in_the_order_that_the_schema_says_and_else_the_required_first() -> None:
    listed: dict[str, Any] = {"properties": {"c": {}, "a": {}, "b": {}}, "required": ["b"]}
    assert [row.name for row in rows_of(listed).rows] == ["b", "a", "c"]
    top = rows_of(listed | {"x-order": ["c", "a"]})
    assert [row.name for row in top.rows] == ["c", "a", "b"]


def test_both_tabs_say_the_same_schema() -> None:
    node_type = {"name": "T", "description": None, "version": 1,
                 "schema": parse_exactly(FULL.encode())}
    form, text = Draft.of_type(node_type, "form"), Draft.of_type(node_type, "json")
    assert meaning(form.schema()) == meaning(text.schema())
    # No field holds the empty name, so that it comes last.
    assert form.schema()["x-order"] == sorted(text.schema()["x-order"], key=lambda name: not name)
    once = dump_exactly(form.schema())
    form.turn("json")
    form.turn("form")
    assert dump_exactly(form.schema()) == once


def test_members_that_are_typed_as_text_keep_their_order() -> None:
    draft = Draft(tab="json", text='{"properties": {"z": {}, "a": {"properties": '
                                   '{"y": {}, "b": {}}}}}')
    schema = draft.schema()
    assert schema["x-order"] == ["z", "a"]
    assert schema["properties"]["a"]["x-order"] == ["y", "b"]


def test_rows_are_added_moved_and_removed() -> None:
    top = rows_of(None)
    for name in ("a", "b", "c"):
        at = act(top, "add:m")
        top.rows[-1].name = name
        assert at == top.rows[-1].place
    assert act(top, "up:m.2") == "m.1" and act(top, "down:m.0") == "m.1"
    assert [row.name for row in top.rows] == ["c", "a", "b"]
    top.rows[1].type = "object"
    act(top, "add:m.1")
    act(top, "remove:m.0")
    assert [row.place for row in top.below()] == ["m", "m.0", "m.0.0", "m.1"]
    assert act(top, "up:m.9") == act(top, "add:") == act(top, "remove:m") == ""
    assert schema_of(top)["type"] == "object"


@pytest.mark.parametrize("field, said, name", [
    ("m.0.k.minLength", "many", "m.0.k.minLength"), ("m.0.further", "{", "m.0.further"),
    ("m.0.further", "[]", "m.0.further"), ("m.0.name", "", "m.0.name"),
    ("m.1.name", "a", "m.1.name"), ("m.0.further", '{"type": "null"}', "m.0.further"),
    ("m.1.k.default", "few", "m.1.k.default"), ("m.further", '{"required": [[1]]}', "m.further"),
    ("m.further", '{"properties": 1}', "m.further")])
def test_what_cannot_be_read_is_told_at_its_field(field: str, said: str, name: str) -> None:
    form = {"m.type": "object", "m.count": "2", "m.0.name": "a", "m.0.type": "string",
            "m.1.name": "b", "m.1.type": "integer", field: said}
    draft = Draft.of_post(form)
    with pytest.raises(ValueError):
        draft.schema()
    assert [*draft.wrong] == [name]


def test_what_another_type_has_no_field_for_stays_as_json() -> None:
    top = posted({"m.count": "1", "m.0.name": "a", "m.0.type": "integer", "m.0.k.minLength": "3",
                  "m.type": "object"})
    assert schema_of(top)["properties"]["a"] == parse_exactly(b'{"type":"integer","minLength":3}')


def test_a_form_has_a_bounded_number_of_rows() -> None:
    wide: dict[str, Any] = {"properties": {f"m{number}": {} for number in range(400)}}
    top = rows_of(wide)
    assert len(top.rows) == 300 and meaning(schema_of(top)) == wide
    assert len(posted({"m.count": "999", **{f"m.{one}.type": "" for one in range(999)}}).rows
               ) == 300
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"type": "object", "properties": {"a": deep}}
    assert len([*rows_of(deep).below()]) < 8 and meaning(again(deep)) == deep


@pytest.mark.parametrize("pointer, line", [
    ("", 1), ("/a/b/1/c", 6), ("/d", 10), ("/a/none", 2), ("/a/b/0", 4)])
def test_a_place_has_a_line_in_the_text(pointer: str, line: int) -> None:
    text = """{
  "a": {
    "b": [
      1,
      {
        "c": "x\\"}{:,"
      }
    ]
  },
  "d": 2
}"""
    assert line_of(text, pointer) == line
