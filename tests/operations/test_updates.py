"""Changes in place: operators on members of data, each to the digit, whoever else writes."""

from __future__ import annotations

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orjson import Fragment

from flexdb.context import Context
from flexdb.documents.text import dump_exactly
from flexdb.documents.updates import MOST_MEMBERS, MOST_VALUES, OPERATORS
from flexdb.errors import InvalidParams
from flexdb.query.updates import UPDATE
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors
_FIELD = UPDATE()
FULL: dict[str, Any] = {"n": 5, "t": "b", "on": True, "none": None, "of": {"n": 1},
                        "list": [1, "a", {"b": 1}]}


def read(update: bytes) -> Any:
    return _FIELD._deserialize(update.decode(), "update", {}, context=Context())


def make(service: Service, data: Any) -> dict[str, str]:
    node = service.node(service.node_type(service.tenant()), data=data)
    return {"tenant_id": node["tenant_id"], "id": node["id"]}


@pytest.mark.parametrize("update, made", [
    ({"$inc": {"n": 2}}, {"n": 7}), ({"$inc": {"n": -5.5}}, {"n": -0.5}),
    ({"$inc": {"x": 3}}, {"x": 3}), ({"$inc": {"list.0": 1}}, {"list": [2, "a", {"b": 1}]}),
    ({"$min": {"n": 4}, "$max": {"t": "c"}}, {"n": 4, "t": "c"}),
    ({"$min": {"t": "c"}, "$max": {"n": 4}}, {}),
    ({"$min": {"x": 1}, "$max": {"y": "a"}}, {"x": 1, "y": "a"}),
    # By code points, as filters have it.
    ({"$min": {"t": "Z"}}, {"t": "Z"}), ({"$max": {"t": "\U0001f600"}}, {"t": "\U0001f600"}),
    ({"$append": {"list": 1}}, {"list": [1, "a", {"b": 1}, 1]}),
    ({"$append": {"list": [1]}}, {"list": [1, "a", {"b": 1}, [1]]}),
    ({"$append": {"list": {"$each": [1, 2]}}}, {"list": [1, "a", {"b": 1}, 1, 2]}),
    ({"$append": {"x": {"$each": [{"$each": []}]}}}, {"x": [{"$each": []}]}),
    ({"$append": {"x.y": 1}}, {"x": {"y": [1]}}),
    ({"$addToSet": {"list": 1.0}}, {}),
    ({"$addToSet": {"list": "1"}}, {"list": [1, "a", {"b": 1}, "1"]}),
    ({"$addToSet": {"list": {"$each": [True, {"b": 1.0}, True, 2]}}},
     {"list": [1, "a", {"b": 1}, True, 2]}),
    ({"$remove": {"list": {"b": 1}}}, {"list": [1, "a"]}), ({"$remove": {"list": "1"}}, {}),
    ({"$remove": {"list": {"$each": [1.0, "a"]}}}, {"list": [{"b": 1}]}),
    ({"$remove": {"x.y.z": 1}}, {}), ({"$unset": {"x.y.z": True}}, {}),
    ({"$set": {"of.n": 2, "of.m": {"$inc": 1}}}, {"of": {"n": 2, "m": {"$inc": 1}}}),
    ({"$set": {"list.2.b": None}}, {"list": [1, "a", {"b": None}]}),
    ({"$set": {'"a.b".c': 1, '""': 2, '"$inc"': 3}}, {"a.b": {"c": 1}, "": 2, "$inc": 3}),
    ({"$set": {"x.0": 1}}, {"x": {"0": 1}}), ({"$unset": {"of.n": ""}}, {"of": {}}),
    ({"$unset": {"n": True, "none": 1}}, {"n": ..., "none": ...})],
    ids=lambda value: json.dumps(value, default=str)[:60])
def test_an_operator_changes_what_its_path_names_and_nothing_else(
        service: Service, update: Any, made: dict[str, Any]) -> None:
    node = service.call("patch_node", **make(service, FULL), update=update)["node"]
    expected = {name: value for name, value in (FULL | made).items() if value is not ...}
    assert node["data"] == expected and node["version"] == 2
    assert [type(one) for one in node["data"].get("list", [])] == [
        type(one) for one in expected["list"]]


@pytest.mark.parametrize("update, place, told", [
    ({"$inc": {"t": 1}}, "$inc.t", "there is a text"),
    ({"$inc": {"none": 1}}, "$inc.none", "there is null"),
    ({"$inc": {"on": 1}}, "$inc.on", "there is a boolean"),
    ({"$inc": {"n": "1"}}, "$inc.n", "must be a number"),
    ({"$max": {"t": 1}}, "$max.t", "compares a text with a number"),
    ({"$min": {"n": "a"}}, "$min.n", "compares a text with a number"),
    ({"$min": {"n": [1]}}, "$min.n", "must be a number or a text"),
    ({"$append": {"n": 1}}, "$append.n", "is for an array, and there is a number"),
    ({"$remove": {"none": 1}}, "$remove.none", "there is null"),
    ({"$addToSet": {"list": {"$each": 1}}}, "$addToSet.list", "at most 1,000 values as $each"),
    ({"$append": {"list": {"$each": [0] * (MOST_VALUES + 1)}}}, "$append.list", "at most 1,000"),
    ({"$set": {"n.x": 1}}, "$set.n.x", "leads into a number, where no x can be"),
    ({"$set": {"none.x": 1}}, "$set.none.x", "leads into null"),
    ({"$set": {"list.3": 1}}, "$set.list.3", "leads into an array of 3, where 3 is no place"),
    ({"$set": {"list.-1": 1}}, "$set.list.-1", "where -1 is no place"),
    ({"$set": {"list.x.y": 1}}, "$set.list.x.y", "where x is no place"),
    ({"$unset": {"list.0": True}}, "$unset.list.0", "use $remove"),
    ({"$unset": {"n": False}}, "$unset.n", "must be true"),
    ({"$set": {"a..b": 1}}, "$set.a..b", "empty part"),
    ({"$set": {"": 1}}, "$set.", "empty part"),
    ({"$set": {"a\0": 1}}, "", "U+0000"),
    ({"$set": {".".join("a" * 21): 1}}, "$set." + ".".join("a" * 21), "at most 20 parts"),
    ({"$set": {"of": 1}, "$inc": {"of.n": 1}}, "$inc.of.n", "stands in what $set.of changes"),
    ({"$set": {"n": 1}, "$inc": {"n": 1}}, "$inc.n", "may be named once"),
    ({"$set": {'"n"': 1, "n": 2}}, "$set.n", "may be named once"),
    ({"$set": {"a": {}}, "$append": {"a.b": 1}, "$unset": {"a.b.c": True}}, "$append.a.b", "once"),
    ({"$push": {"list": 1}}, "$push", "there are $set, $unset, $inc"),
    ({"n": 1}, "n", "is no operator"), ({"$set": 1}, "$set", "must be an object of paths"),
    ({"$set": {}}, "$set", "must be an object of paths"), ({}, "", "may not be empty"),
    ({"$set": {f"m{n}": n for n in range(MOST_MEMBERS + 1)}}, "", "at most 1,000 members"),
    ({"$inc": {"big": 1e308}}, "$inc.big", "beyond the range of a double"),
    ({"$set": {"x": "y" * 600_000}, "$append": {"list": "y" * 440_000}}, "", "at most 1048576"),
], ids=lambda value: str(value)[:50])
def test_what_cannot_be_done_is_refused_with_its_operator_and_path_and_changes_nothing(
        service: Service, update: Any, place: str, told: str) -> None:
    key = make(service, FULL | {"big": 1e308, "pad": "y" * 20_000})
    before = service.call("get_node", **key)
    refused = refusal(service, "patch_node", **key, update=update)
    (field,) = refused.fields
    assert (refused.code, field) == (-32602, f"update.{place}" if place else "update")
    assert told in str(refused)
    assert service.call("get_node", **key) == before


def test_one_of_patch_and_update_says_what_to_change(service: Service) -> None:
    key = make(service, {})
    assert refusal(service, "patch_node", **key).fields == {
        "patch": ["is missing, and so is update: give one of them"]}
    assert refusal(service, "patch_node", **key, patch={}, update={"$inc": {"n": 1}}).fields == {
        "update": ["stands beside patch: give one of them"]}
    # A patch means no operators: data may have such keys.
    assert service.call("patch_node", **key, patch={"$inc": {"n": 1}})["node"]["data"] == {
        "$inc": {"n": 1}}


def test_an_update_changes_relationships_and_must_fit_a_node_s_schema(service: Service) -> None:
    node_type = service.node_type(service.tenant(), schema={
        "properties": {"n": {"maximum": 9}}})
    node = service.node(node_type, data={"n": 5})
    edge = service.relationship(node, node, data={"n": 5})
    key = {"tenant_id": node["tenant_id"]}
    five = {"$inc": {"n": 5}}
    refused = refusal(service, "patch_node", **key, id=node["id"], update=five)
    assert refused.error["data"]["violations"][0]["path"] == "/n"
    made = service.call("patch_relationship", **key, id=edge["id"], update=five)["relationship"]
    assert (made["data"], made["version"]) == ({"n": 10}, 2)
    refused = refusal(service, "patch_node", **key, id=node["id"], update=five, version=2)
    assert refused.reason == "VERSION_CONFLICT"


def test_every_digit_survives(service: Service) -> None:
    digits = "123456789012345678901234567890"
    key = make(service, Fragment(f'{{"a": 0.1, "b": {digits}, "c": 1.10, "d": 1e300, "e": 7.0}}'))
    service.call("patch_node", **key, update=Fragment(
        b'{"$inc": {"a": 0.2, "b": 1, "c": 1, "d": 1e-20}, "$max": {"e": 7}}'))
    with connect(service.settings) as ours:
        (found,) = ours.execute("SELECT data::text FROM nodes WHERE id = %s",
                                (key["id"],)).fetchone() or ()
    assert json.loads(found, parse_int=str, parse_float=str) == {
        "a": "0.3", "b": digits[:-1] + "1", "c": "2.10", "e": "7.0",
        "d": "1" + "0" * 300 + "." + "0" * 19 + "1"}


def test_numbers_that_are_chosen_to_have_one_hash_are_told_apart_as_fast_as_others() -> None:
    # Python's own hash of a number is known: it is the same for these.
    same = [n * (2**61 - 1) + 7 for n in range(20_000)]
    document = json.dumps({"list": same}).encode()
    for operator, left in (("$remove", 19_000), ("$addToSet", 20_000)):
        update = json.dumps({operator: {"list": {"$each": same[:1000]}}}).encode()
        made = read(update).apply(document, 2**20, 100)
        assert len(json.loads(made)["list"]) == left


def test_increments_by_many_at_once_take_one_call_each(service: Service) -> None:
    key = make(service, {"n": 0})

    def increment(_: int) -> None:
        for _ in range(25):
            service.call("patch_node", **key, update={"$inc": {"n": 1}})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(increment, range(8)))
    node = service.call("get_node", **key)["node"]
    assert (node["data"], node["version"]) == ({"n": 200}, 201)


# A model: the same in Python, on values whose numbers are Decimals.
NAMES = st.sampled_from(["a", "b", "0", "a.b", ""])
NUMBERS = st.integers(-10**20, 10**20) | st.decimals(-1000, 1000, places=3)
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "a", "b", "é"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)


def text(value: Any) -> str:
    """Return JSON text, with the digits of Decimals."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{text(inner)}"
                              for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text, value)) + "]"
    return str(value) if isinstance(value, (Decimal, int)) and not isinstance(
        value, bool) else json.dumps(value)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are one JSON value, of which true is none of the numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def model(document: Any, operator: str, path: list[str], value: Any) -> None:
    """Do what an operator does, or raise TypeError where it cannot."""
    holder, last = document, path[-1]
    for name in path[:-1]:
        place: Any = int(name) if isinstance(holder, list) and name == "0" else name
        if isinstance(holder, dict) and name not in holder:
            if operator in ("$unset", "$remove"):
                return
            holder[name] = {}
        try:
            holder = holder[place]
        except (IndexError, TypeError):
            raise TypeError from None
    if isinstance(holder, list):
        if last != "0" or not holder or operator == "$unset":
            raise TypeError
        key: Any = 0
    elif isinstance(holder, dict):
        key = last
    else:
        raise TypeError
    there = isinstance(holder, list) or key in holder
    old: Any = holder[key] if there else None
    number = isinstance(old, (int, Decimal)) and not isinstance(old, bool)
    if operator == "$set":
        holder[key] = value
    elif operator == "$unset":
        holder.pop(key, None)
    elif not there:
        if operator != "$remove":
            holder[key] = value if operator in ("$inc", "$min", "$max") else (
                [one for n, one in enumerate(value) if operator == "$append" or not any(
                    same(one, before) for before in value[:n])])
    elif operator == "$inc":
        if not number:
            raise TypeError
        holder[key] = Decimal(old) + Decimal(value)
    elif operator in ("$min", "$max"):
        if isinstance(value, str) is not isinstance(old, str) or not (
                number or isinstance(old, str)):
            raise TypeError
        holder[key] = (min if operator == "$min" else max)(old, value)
    elif not isinstance(old, list):
        raise TypeError
    elif operator == "$append":
        holder[key] = old + value
    elif operator == "$remove":
        holder[key] = [one for one in old if not any(same(one, gone) for gone in value)]
    else:
        for one in value:
            if not any(same(one, before) for before in holder[key]):
                holder[key] = [*holder[key], one]


@st.composite
def assignments(draw: st.DrawFn) -> tuple[str, list[str], Any]:
    operator = draw(st.sampled_from(sorted(OPERATORS)))
    path = draw(st.lists(NAMES, min_size=1, max_size=3))
    value = draw({"$inc": NUMBERS, "$unset": st.just(True),
                  "$min": NUMBERS | st.sampled_from(["", "a", "é"]),
                  "$max": NUMBERS | st.sampled_from(["", "a", "é"])}.get(
                      operator, VALUES if operator == "$set" else st.lists(VALUES, max_size=4)))
    return operator, path, value


@pytest.mark.long
@settings(derandomize=True, max_examples=300)
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.lists(assignments(), min_size=1, max_size=3))
def test_an_update_does_what_the_model_does(
        document: Any, asked: list[tuple[str, list[str], Any]]) -> None:
    update: dict[str, dict[str, Any]] = {}
    paths = [path for _, path, _ in asked]
    for operator, path, value in asked:
        is_array = operator in ("$append", "$addToSet", "$remove")
        update.setdefault(operator, {})[".".join(map(json.dumps, path))] = (
            {"$each": value} if is_array else value)
    clash = any(one == other[:len(one)] for n, one in enumerate(paths)
                for m, other in enumerate(paths) if n != m)
    if clash:
        # What is named twice under one operator is one member of the object, or refused.
        return
    expected: Any = copy.deepcopy(document)
    try:
        for operator in update:
            for kind, path, value in asked:
                if kind == operator:
                    model(expected, kind, path, value)
    except TypeError:
        expected = None
    try:
        made = read(text(update).encode()).apply(text(document).encode(), 10**6, 100)
    except InvalidParams:
        assert expected is None
        return
    found = json.loads(made, parse_int=Decimal, parse_float=Decimal)
    assert expected is not None and same(found, expected), dump_exactly(found)
