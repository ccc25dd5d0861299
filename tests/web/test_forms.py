"""Forms of JSON Schemas: what is shown comes back as it was, to the digit and the character."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexdb.documents.text import Number, dump_exactly, parse_exactly
from flexdb.web.console import words
from flexdb.web.console.forms import (
    ABSENT,
    Posted,
    Widget,
    act,
    begin,
    ordered,
    posted,
    read_text,
    widgets,
)
from tests.support.html_forms import forms
from tests.support.paths import ROOT

MARKUP = '"><img src=x onerror=alert(1)></textarea>'


@cache
def _template() -> Any:
    loader = jinja2.FileSystemLoader(ROOT / "flexdb/web/console/templates")
    made = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(words.FILTERS)
    return made.from_string('{% import "forms.html" as forms %}{{ forms.summary(form) }}'
                            "{{ forms.fields(form) }}")


def html(form: Widget) -> str:
    return str(_template().render(form=form))


def sent(schema: Any, value: Any, **options: Any) -> dict[str, str]:
    return forms(html(widgets(schema, value, **options)))[0]


def text_of(value: Any) -> bytes:
    return dump_exactly(value)


def parsed(text: str) -> Any:
    return parse_exactly(text.encode())


# Schemas as they come, and some that refer to themselves.
_NAMES = st.sampled_from(["a", "b", "c d", "e/f", "g~h", "ü", "", '"', MARKUP])
_LEAVES = st.sampled_from([
    {"type": "string"}, {"type": ["string", "null"]}, {"type": "string", "maxLength": 20},
    {"type": "string", "format": "date"}, {"type": "string", "format": "email"},
    {"type": "integer"}, {"type": ["number", "null"], "minimum": 0}, {"type": "boolean"},
    {"type": ["boolean", "null"]}, {"enum": ["x", "1", 1, None, {"a": 1}]}, {"const": "k"},
    {}, True, {"type": "null"}, {"type": "object"}, {"type": ["string", "integer"]},
    {"type": "string", "readOnly": True}, {"$ref": "#"}, {"$ref": "#/$defs/loop"},
    {"$ref": "elsewhere"}, {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    {"oneOf": [{"const": 1, "title": "One"}, {"const": 2}]}, {"minLength": 1}])


def _objects(inner: Any) -> Any:
    return st.builds(lambda members, needed: {"type": "object", "properties": members,
                                              "required": needed},
                     st.dictionaries(_NAMES, inner, max_size=4), st.lists(_NAMES, max_size=2))


_SCHEMAS = st.recursive(_LEAVES, lambda inner: st.one_of(
    _objects(inner), st.builds(lambda item: {"type": "array", "items": item}, inner),
    st.builds(lambda branches: {"oneOf": branches}, st.lists(inner, min_size=1, max_size=3)),
    st.builds(lambda parts: {"allOf": parts}, st.lists(_objects(inner), max_size=2))), max_leaves=8)
_WHOLES = st.builds(lambda schema: {**schema, "$defs": {"loop": {"allOf": [
    {"$ref": "#/$defs/loop"}, {"$ref": "#/$defs/loop"}]}}}, _objects(_SCHEMAS))
_TEXTS = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8),
    st.sampled_from(["", "\n", "a\r\nb", "\n\nx ", "null", "true", "2026-01-31", MARKUP, " a@b "]))
_NUMBERS = st.sampled_from([Number(one) for one in (
    "0", "-0", "1", "1.0", "10.00", "1E400", "1" + "0" * 400,
    "123456789012345678901234567890", "-1.5e-7",
    "0.1000000000000000055511151231257827")])
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3),
                            st.dictionaries(_NAMES, inner, max_size=4)), max_leaves=8)


def _value_of(draw: Any, schema: Any, depth: int = 0) -> Any:
    """Draw a value that is near to what a schema says."""
    if depth > 4 or draw(st.integers(0, 5)) == 0 or not isinstance(schema, dict):
        return draw(_VALUES)
    if branches := schema.get("oneOf") or schema.get("anyOf") or schema.get("allOf"):
        return _value_of(draw, draw(st.sampled_from(branches)), depth + 1)
    if "properties" in schema:
        return {name: _value_of(draw, inner, depth + 1)
                for name, inner in schema["properties"].items() if draw(st.booleans())} | (
                    draw(st.dictionaries(_NAMES, _VALUES, max_size=1)))
    if "items" in schema:
        return [_value_of(draw, schema["items"], depth + 1) for _ in range(draw(
            st.integers(0, 3)))]
    if "enum" in schema or "const" in schema:
        return parsed(dump_exactly(draw(st.sampled_from(
            schema.get("enum") or [schema["const"]]))).decode())
    kind = str(schema.get("type"))
    return draw(_TEXTS if "string" in kind else _NUMBERS if "n" in kind else st.booleans())


@st.composite
def _both(draw: Any) -> tuple[Any, Any]:
    schema = draw(_WHOLES)
    value = _value_of(draw, schema)
    return schema, value if isinstance(value, dict) else {"a": value}


@settings(max_examples=60)
@given(_both())
def test_a_value_comes_back_through_its_form_as_it_was(both: tuple[Any, Any]) -> None:
    schema, value = both
    found = posted(schema, sent(schema, value))
    assert not found.wrong
    assert text_of(_sorted(found.value)) == text_of(_sorted(value))


@pytest.mark.long
@pytest.mark.longest
@settings(max_examples=300)
@given(_both())
def test_many_values_come_back_through_their_forms_as_they_were(both: tuple[Any, Any]) -> None:
    schema, value = both
    found = posted(schema, sent(schema, value))
    assert not found.wrong
    assert text_of(_sorted(found.value)) == text_of(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


@settings(max_examples=50)
@given(_both(), st.dictionaries(st.sampled_from(
    ["object:", "size:/a", "/a", "/a/0", "json:/b", "variant:/a", "shown:/a", "rest:", "empty:/a"]),
    st.one_of(st.text(max_size=5), st.sampled_from(["9" * 30, "-1", "null", "{", "1"]))),
    st.sampled_from(["add:/a", "remove:/a/0", "up:/a/1", "remove:", "add:/x/y", "show", "save"]))
def test_whatever_is_sent_makes_a_form_again(both: tuple[Any, Any], form: dict[str, str],
                                             do: str) -> None:
    schema, value = both
    found = posted(schema, {**sent(schema, value), **form})
    act(schema, found, do)
    shown = html(widgets(schema, found.value, found.wrong, found.variants))
    assert "<img" not in shown
    # What was typed stands in it until it is mended: it says the same when it is sent again.
    again = posted(schema, forms(shown)[0])
    assert set(found.wrong) <= set(again.wrong)


TASK = {
    "type": "object", "required": ["title", "owner"], "x-order": ["title", "due", "priority"],
    "properties": {
        "title": {"type": "string", "title": "Title", "description": "As people say it.",
                  "maxLength": 80},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5, "default": 3},
        "due": {"type": ["string", "null"], "format": "date"},
        "done": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "owner": {"type": "object", "required": ["email"], "properties": {
            "email": {"type": "string", "format": "email"}, "name": {"type": "string"}}},
        "contact": {"oneOf": [
            {"title": "By phone", "type": "object", "required": ["kind", "number"],
             "properties": {"kind": {"const": "phone"}, "number": {"type": "string"}}},
            {"title": "By post", "type": "object", "required": ["kind", "street"],
             "properties": {"kind": {"const": "post"}, "street": {"type": "string"},
                            "number": {"type": "string"}}}]}}}


def filled(**fields: str) -> dict[str, str]:
    return {**sent(TASK, begin(TASK)), **fields}


def test_a_new_value_has_its_defaults_and_what_must_be_there() -> None:
    assert begin(TASK) == {"priority": Number("3"), "owner": {}}


def test_missing_and_null_and_empty_are_told_apart() -> None:
    schema: Any = {"properties": {"a": {"type": ["string", "null"]}}}
    for empty, value in (("absent", {}), ("null", {"a": None}), ("text", {"a": ""})):
        assert sent(schema, value)["empty:/a"] == empty
        assert posted(schema, {"object:": "1", "/a": "", "empty:/a": empty}).value == value


def test_members_are_in_the_schema_s_order_and_else_the_required_are_first() -> None:
    assert ordered(TASK) == ["title", "due", "priority", "owner", "contact", "done", "tags"]
    assert ordered({"properties": {"b": {}, "a": {}, "c": {}}, "required": ["c"]}) == [
        "c", "a", "b"]
    assert ordered({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": {}}}}}) == ["x"]
    assert ordered(None) == ordered({"x-order": ["a"], "properties": 1}) == []


def test_what_is_typed_wrongly_stays_as_it_was_typed() -> None:
    found = posted(TASK, filled(**{"/priority": "three", "rest:": "{oops", "/title": "A"}))
    assert set(found.wrong) == {"/priority", ""}
    form = widgets(TASK, found.value, found.wrong)
    field = form.at("/priority")
    assert field and field.text == "three" and "number" in field.wrong
    assert "three" in html(form) and "{oops" in html(form)
    assert '<a href="#f-/priority">' in html(form)


def test_what_is_wrong_within_json_is_told_at_its_field() -> None:
    schema: Any = {"properties": {"any": {}}}
    form = widgets(schema, {"any": {"a": 1}}, {"/any/a": "is wrong", "/none": "is wrong too"})
    assert [(one.pointer, one.wrong) for one in form.all() if one.wrong] == [
        ("", "/none: is wrong too"), ("/any", "/a: is wrong")]


def _after(form: dict[str, str], do: str) -> tuple[Posted, dict[str, str]]:
    found = posted(TASK, form)
    assert act(TASK, found, do)
    return found, sent(TASK, found.value, variants=found.variants)


def test_items_are_added_moved_and_removed_without_scripts() -> None:
    _, form = _after(filled(), "add:/tags")
    assert form["size:/tags"] == "1"
    form["/tags/0"] = "first"
    _, form = _after(form, "add:/tags")
    form["/tags/1"] = "second"
    found, form = _after(form, "up:/tags/1")
    assert found.value["tags"] == ["second", "first"]
    found, form = _after(form, "remove:/tags/0")
    assert found.value["tags"] == ["first"]
    found, form = _after(form, "remove:/tags")
    assert "tags" not in found.value and "size:/tags" not in form


def test_another_variant_begins_with_what_it_must_have_and_keeps_what_both_have() -> None:
    _, form = _after(filled(), "add:/contact")
    assert form["variant:/contact"] == "0" and form["/contact/kind"] == '"phone"'
    form |= {"/contact/number": "0123", "variant:/contact": "1"}
    found = posted(TASK, form)
    # It is not saved before its fields were seen.
    assert found.is_switched
    assert found.value["contact"] == {"kind": "post", "number": "0123"}
    form = sent(TASK, found.value, variants=found.variants)
    assert form["variant:/contact"] == form["shown:/contact"] == "1"
    assert not posted(TASK, form).is_switched


def test_an_item_that_is_not_filled_in_is_told() -> None:
    schema = {"properties": {"n": {"type": "array", "items": {"type": "integer"}}}}
    found = posted(schema, sent(schema, {"n": []}))
    act(schema, found, "add:/n")
    assert posted(schema, sent(schema, found.value)).wrong == {
        "/n/0": "must be filled in or removed"}


@pytest.mark.parametrize("schema, text, value", [
    ({"type": "integer"}, "123456789012345678901234567890", "123456789012345678901234567890"),
    ({"type": "number"}, " 10.00 ", "10.00"), ({"type": "string"}, "1", '"1"'),
    ({"type": ["string", "null"]}, "null", '"null"'),
    ({"type": ["number", "null"]}, "null", "null"),
    ({"type": "boolean"}, "true", "true"), ({"enum": ["a", 1]}, "1", "1"),
    ({"enum": ["a", "1"]}, "1", '"1"'), ({}, '{"a": 1.0}', '{"a":1.0}'),
    ({"type": "array", "items": {"type": "string"}}, '["x"]', '["x"]')])
def test_a_text_is_read_as_its_member_says(schema: Any, text: str, value: str) -> None:
    assert dump_exactly(read_text(schema, text)).decode() == value


@pytest.mark.parametrize("schema, text, wrong", [
    ({"type": "integer"}, "1,000", "number"), ({"type": "number"}, "", "number"),
    ({"type": "boolean"}, "yes", "true or false"), ({}, "{", "no JSON")])
def test_a_text_that_is_none_is_told_with_what_would_be_right(
        schema: Any, text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        read_text(schema, text)


def test_a_schema_of_very_many_members_or_items_is_shown_as_json() -> None:
    wide: Any = {"properties": {f"m{number}": {} for number in range(2000)}}
    assert [one.kind for one in widgets(wide, {"m1": "x"}).all()] == ["json"]
    listed = {"properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    long = {"a": ["x"] * 5000}
    assert posted(listed, sent(listed, long)).value == long


def test_nothing_is_read_where_nothing_was_sent() -> None:
    assert posted(TASK, {}).value is ABSENT


_LOOP = {"$ref": "#/$defs/loop"}


@pytest.mark.parametrize("schema", [
    {"properties": {"a": {"allOf": [_LOOP, _LOOP]}}, "$defs": {"loop": {"allOf": [_LOOP, _LOOP]}}},
    {"properties": {name: {"$ref": "#"} for name in "abcdefghij"}, "required": list("abcdefghij")},
    {"properties": {"a": {"type": "array", "items": {"oneOf": [
        {"properties": {f"m{place}": {"type": "string"}}} for place in range(2000)]}}}},
    {"properties": {"a": {"type": "array", "items": {"oneOf": [
        {"properties": {f"m{place}": _LOOP}} for place in range(49)]}}},
     "$defs": {"loop": {"properties": {f"p{place}": {} for place in range(5000)}}}},
    {"properties": {"a": {"type": "array", "items": {"enum": list(range(5000))}}}},
    {"properties": {"a": {"type": "array", "items": {"title": "x" * 100_000}}}}])
def test_a_schema_that_would_take_long_makes_a_form_all_the_same(schema: Any) -> None:
    value = {"a": [{"m1": "x"}] * 500}
    text = html(widgets(schema, value))
    assert len(text) < 3_000_000
    assert posted(schema, forms(text)[0]).value == value
    begin(schema)


def test_a_value_that_is_nested_very_deep_is_shown_as_json() -> None:
    deep = parsed('{"a": ' + "[" * 3000 + "]" * 3000 + "}")
    form = widgets({"properties": {"a": {}}}, deep)
    assert form.inner[0].kind == "json" and form.inner[0].text.count("[") == 3000


@pytest.mark.parametrize("do", ["up:/a/" + "9" * 5000, "remove:/a/²", "add:/a/1/b", "up:/a/-1"])
def test_a_place_that_is_none_is_nothing_to_do(do: str) -> None:
    schema: Any = {"properties": {"a": {"type": "array", "items": {
        "$ref": "#/allOf/" + "9" * 5000}}}, "allOf": [{}]}
    found = Posted({"a": ["x"]})
    assert act(schema, found, do) and found.value == {"a": ["x"]}
