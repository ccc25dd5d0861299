"""JSON documents of every kind, and a model in Python of what filters and sorts make of them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import strategies as st

from tests.support.postgres import connect
from tests.support.service import Service

NAMES = ["a", "b", "é", "0", "-1", "%s"]
MISSING: Any = object()
NUMBERS = [0, 1, -1, 3, Decimal("1.0"), Decimal("1.50"), Decimal("-2.25"), 2**63, 2**63 + 1,
           10**30, Decimal("0.1000000000000000055"), Decimal("0.1"), Decimal("1E+3")]
TEXTS = ["", "a", "A", "ab", "b", "ä", "z", "1", "null", "😀", "\uffff", "a%s'", '"\\', "\x7f\n"]
SCALARS = [None, True, False, *NUMBERS, *TEXTS]


def document(source: random.Random, depth: int = 0) -> Any:
    """Return a random JSON value; the outermost is an object."""
    kind = source.random()
    if depth == 0 or kind < 0.25 and depth < 4:
        names = source.sample(NAMES, source.randint(1, 4) if depth == 0 else source.randint(0, 2))
        return {name: document(source, depth + 1) for name in names}
    if kind < 0.45 and depth < 4:
        return [document(source, depth + 1) for _ in range(source.randint(0, 3))]
    return source.choice(SCALARS)


def text_of(value: Any) -> bytes:
    """Return the JSON text of a value, with every digit of its numbers."""
    def fragment(number: Decimal | int) -> orjson.Fragment:
        return orjson.Fragment(str(number))

    def prepared(inner: Any) -> Any:
        if isinstance(inner, list):
            return [prepared(one) for one in inner]
        if isinstance(inner, dict):
            return {name: prepared(one) for name, one in inner.items()}
        return fragment(inner) if kind(inner) == "number" else inner

    return orjson.dumps(prepared(value))


def wire(value: Any) -> Any:
    """Return what orjson writes with every digit."""
    return orjson.Fragment(text_of(value))


class Pool:
    """A tenant with many random nodes, and what each of them holds."""

    def __init__(self, service: Service, rows: int = 150) -> None:
        self.service = service
        node_type = service.node_type(service.tenant())
        self.tenant_id = node_type["tenant_id"]
        source = random.Random(1)
        start = datetime(2024, 1, 1, tzinfo=timezone.utc)
        with connect(service.settings) as connection:
            for _ in range(rows):
                connection.execute(
                    "INSERT INTO nodes (tenant_id, node_type_id, id, data, version, created_at) "
                    "VALUES (%s, %s, gen_random_uuid(), %s::jsonb, %s, %s)",
                    [self.tenant_id, node_type["id"], text_of(document(source)).decode(),
                     source.randint(1, 4), start + timedelta(hours=source.randint(0, 3))])
            found = connection.execute(
                "SELECT id::text, data::text, version, created_at FROM nodes WHERE tenant_id = %s",
                [self.tenant_id]).fetchall()
        self.rows = [{"id": id, "data": parse(data), "version": version,
                      "created_at": created_at} for id, data, version, created_at in found]

    def listed(self, **query: Any) -> Any:
        if "filter" in query:
            query["filter"] = wire(query["filter"])
        return self.service.call("list_nodes", tenant_id=self.tenant_id, **query)


def parse(text: str) -> Any:
    """Read JSON with every digit of its numbers."""
    return json.loads(text, parse_float=Decimal)


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {type(None): "null", int: "number", Decimal: "number", str: "text",
            list: "array", dict: "object"}[type(value)]


def same(left: Any, right: Any) -> bool:
    """Compare JSON values: True is not 1, and 1.0 is."""
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(left == right)


def look(row: dict[str, Any], path: str) -> Any:
    name, *parts = path.split(".")
    value = row[name]
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif (isinstance(value, list) and re.fullmatch(r"[+-]?[0-9]+", part)
              and -len(value) <= int(part) < len(value)):
            value = value[int(part)]
        else:
            return MISSING
    return value


def equals(found: Any, wanted: Any) -> bool:
    if wanted is None:
        return found is MISSING or found is None
    return found is not MISSING and same(found, wanted)


def ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, wanted: (found is not MISSING and kind(found) == kind(wanted)
                                  and compare(found, wanted))


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": equals,
    "$ne": lambda found, wanted: not equals(found, wanted),
    "$gt": ordered(lambda found, wanted: found > wanted),
    "$gte": ordered(lambda found, wanted: found >= wanted),
    "$lt": ordered(lambda found, wanted: found < wanted),
    "$lte": ordered(lambda found, wanted: found <= wanted),
    "$in": lambda found, wanted: any(equals(found, one) for one in wanted),
    "$nin": lambda found, wanted: not any(equals(found, one) for one in wanted),
    "$exists": lambda found, wanted: (found is not MISSING) is wanted,
    "$contains": lambda found, wanted: (isinstance(found, list)
                                        and any(same(one, wanted) for one in found)),
    "$startswith": lambda found, wanted: isinstance(found, str) and found.startswith(wanted),
}


def holds(found: Any, operators: dict[str, Any]) -> bool:
    return all(not holds(found, wanted) if name == "$not" else OPERATORS[name](found, wanted)
               for name, wanted in operators.items())


def matches(row: dict[str, Any], filter: dict[str, Any]) -> bool:
    """Tell whether a row fits a filter."""
    def one(name: str, wanted: Any) -> bool:
        if name == "$and":
            return all(matches(row, inner) for inner in wanted)
        if name == "$or":
            return any(matches(row, inner) for inner in wanted)
        if name == "$not":
            return not matches(row, wanted)
        if isinstance(wanted, dict) and any(key.startswith("$") for key in wanted):
            return holds(look(row, name), wanted)
        return equals(look(row, name), wanted)

    return all(one(name, wanted) for name, wanted in filter.items())


def sort_key(row: dict[str, Any], path: str, descending: bool) -> tuple[Any, ...]:
    """Return a key by which to sort upwards; a descending sort turns it round."""
    found = look(row, path)
    if found is MISSING:
        return (-1,) if descending else (9,)
    ranks = {"null": 0, "boolean": 1 + (found is True), "number": 3, "text": 4, "array": 5,
             "object": 5}
    rank = ranks[kind(found)] if path.startswith("data") else 0
    return (rank, found) if rank in (0, 3, 4) and found is not None else (rank,)


PATHS = st.sampled_from(["data"] + [f"data.{name}" for name in NAMES] * 3) | st.lists(
    st.sampled_from(NAMES), min_size=2, max_size=3).map(lambda parts: ".".join(["data", *parts]))
VALUES = st.recursive(st.sampled_from(SCALARS), lambda inner: st.lists(inner, max_size=2)
                      | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2), max_leaves=4)
CONDITIONS = st.recursive(
    st.fixed_dictionaries({}, optional={
        "$eq": VALUES, "$ne": VALUES,
        **{name: st.sampled_from(NUMBERS + TEXTS) for name in ("$gt", "$gte", "$lt", "$lte")},
        "$in": st.lists(VALUES, max_size=4), "$nin": st.lists(VALUES, max_size=4),
        "$exists": st.booleans(), "$contains": VALUES, "$startswith": st.sampled_from(TEXTS),
    }).filter(lambda found: 1 <= len(found) <= 2),
    lambda inner: inner.map(lambda operators: {"$not": operators}), max_leaves=2)
FILTERS = st.recursive(
    st.dictionaries(PATHS, VALUES | CONDITIONS, max_size=2)
    | st.fixed_dictionaries({"version": st.fixed_dictionaries(
        {}, optional={"$gt": st.integers(0, 4), "$in": st.lists(st.integers(0, 4))}).filter(len)}),
    lambda inner: st.dictionaries(st.sampled_from(["$and", "$or"]), st.lists(
        inner, min_size=1, max_size=3), max_size=2)
    | inner.map(lambda filter: {"$not": filter}), max_leaves=4)
