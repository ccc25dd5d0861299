"""What filters and sorts make of rows, in Python, and what to try them with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.support.documents import NAMES, NUMBERS, SCALARS, TEXTS

MISSING: Any = object()


def kind(value: Any) -> str:
    """Return the name of a JSON value's type."""
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
    """Return what a row holds at a path, or MISSING."""
    name, _, below = path.partition(".")
    value = row[name]
    for part in re.findall(r'"(?:[^"\\]|\\.)*"|[^.]+', below):
        part = json.loads(part) if part.startswith('"') else part
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif (isinstance(value, list) and re.fullmatch(r"[+-]?[0-9]+", part)
              and -len(value) <= int(part) < len(value)):
            value = value[int(part)]
        else:
            return MISSING
    return value


def equals(found: Any, wanted: Any) -> bool:
    """Tell whether a value is the one wanted, or an array that has it.

    Null stands for what is missing too.
    """
    if found is MISSING:
        return wanted is None
    return same(found, wanted) or has(found, wanted)


def has(found: Any, wanted: Any) -> bool:
    """Tell whether a value is an array that has an element."""
    return isinstance(found, list) and any(same(one, wanted) for one in found)


def folded(text: str) -> str:
    """Return what texts have in common that differ in case alone, where one letter is one."""
    return "".join(one.casefold() if len(one.casefold()) == 1 else one.lower()
                   if len(one.lower()) == 1 else one for one in text)


def of_texts(compare: Callable[[str, str], bool], fold: Callable[[str], str] = str
             ) -> Callable[[Any, Any], bool]:
    """Return a comparison that holds only between texts."""
    return lambda found, wanted: isinstance(found, str) and compare(fold(found), fold(wanted))


def ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return a comparison that holds only between values of one type."""
    return lambda found, wanted: (found is not MISSING and kind(found) == kind(wanted)
                                  and compare(found, wanted))


Operators = dict[str, Callable[[Any, Any], bool]]


def _operators(equals: Callable[[Any, Any], bool], contains: Callable[[Any, Any], bool]
               ) -> Operators:
    return {
        "$eq": equals,
        "$ne": lambda found, wanted: not equals(found, wanted),
        "$gt": ordered(lambda found, wanted: found > wanted),
        "$gte": ordered(lambda found, wanted: found >= wanted),
        "$lt": ordered(lambda found, wanted: found < wanted),
        "$lte": ordered(lambda found, wanted: found <= wanted),
        "$in": lambda found, wanted: any(equals(found, one) for one in wanted),
        "$nin": lambda found, wanted: not any(equals(found, one) for one in wanted),
        "$exists": lambda found, wanted: (found is not MISSING) is wanted,
        "$contains": contains,
        "$startswith": of_texts(str.startswith),
        "$endswith": of_texts(str.endswith),
        "$icontains": of_texts(str.__contains__, folded),
        "$istartswith": of_texts(str.startswith, folded),
        "$iendswith": of_texts(str.endswith, folded),
        "$regex": of_texts(lambda found, wanted: re.search(wanted, found) is not None),
        "$all": lambda found, wanted: all(has(found, one) for one in wanted),
        "$size": lambda found, wanted: isinstance(found, list) and len(found) == wanted,
        "$elemMatch": lambda found, wanted: isinstance(found, list) and any(
            fits(one, wanted) for one in found),
    }


OPERATORS = _operators(equals, lambda found, wanted: has(found, wanted) or (
    isinstance(found, str) and isinstance(wanted, str) and wanted in found))
# Those of the filters of rules, to which a value is a whole.
OF_RULES = _operators(lambda found, wanted: (
    wanted is None if found is MISSING else same(found, wanted)), has)


def fits(element: Any, wanted: dict[str, Any]) -> bool:
    """Tell whether an element fits the filter, or the operators, behind $elemMatch."""
    if any(name in OPERATORS or name == "$not" for name in wanted):
        return holds(element, wanted)
    return isinstance(element, (list, dict)) and matches({"": element}, wanted, before=".")


def holds(found: Any, operators: dict[str, Any], known: Operators = OPERATORS) -> bool:
    """Tell whether all operators hold for a value."""
    return all(not holds(found, wanted, known) if name == "$not" else known[name](found, wanted)
               for name, wanted in operators.items())


def matches(row: dict[str, Any], filter: dict[str, Any], known: Operators = OPERATORS,
            before: str = "") -> bool:
    """Tell whether a row fits a filter.

    :param known: what the operators mean
    :param before: what stands before each path
    """
    def one(name: str, wanted: Any) -> bool:
        if name == "$and":
            return all(matches(row, inner, known, before) for inner in wanted)
        if name == "$or":
            return any(matches(row, inner, known, before) for inner in wanted)
        if name == "$not":
            return not matches(row, wanted, known, before)
        found = look(row, before + name)
        if isinstance(wanted, dict) and any(key.startswith("$") for key in wanted):
            return holds(found, wanted, known)
        return known["$eq"](found, wanted)

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
PARTS = st.sampled_from(TEXTS)
# What is the same to PostgreSQL and to Python.
PATTERNS = st.sampled_from(["", "a", "^a", "b$", "[ab]+", "^(a|z)$", ".", "%s", r"\\"])
SIMPLE = st.fixed_dictionaries({}, optional={
    "$gt": st.sampled_from(NUMBERS), "$eq": VALUES, "$contains": VALUES, "$startswith": PARTS,
    "$size": st.integers(0, 3)}).filter(lambda found: 1 <= len(found) <= 2)
OF_ELEMENTS = SIMPLE | st.dictionaries(
    st.sampled_from(NAMES), VALUES | SIMPLE, min_size=1, max_size=2)
CONDITIONS = st.recursive(
    st.fixed_dictionaries({}, optional={
        "$eq": VALUES, "$ne": VALUES,
        **{name: st.sampled_from(NUMBERS + TEXTS) for name in ("$gt", "$gte", "$lt", "$lte")},
        "$in": st.lists(VALUES, max_size=4), "$nin": st.lists(VALUES, max_size=4),
        "$exists": st.booleans(), "$contains": VALUES, "$regex": PATTERNS,
        **{name: PARTS for name in ("$startswith", "$endswith", "$icontains", "$istartswith",
                                    "$iendswith")},
        "$all": st.lists(VALUES, min_size=1, max_size=3), "$size": st.integers(0, 3),
        "$elemMatch": OF_ELEMENTS | st.fixed_dictionaries({"$or": st.lists(
            OF_ELEMENTS.filter(lambda one: not min(one).startswith("$")), min_size=1,
            max_size=2)}) | OF_ELEMENTS.map(lambda inner: {"$elemMatch": inner}),
    }).filter(lambda found: 1 <= len(found) <= 2),
    lambda inner: inner.map(lambda operators: {"$not": operators}), max_leaves=2)
FILTERS = st.recursive(
    st.dictionaries(PATHS, VALUES | CONDITIONS, max_size=2)
    | st.fixed_dictionaries({"version": st.fixed_dictionaries(
        {}, optional={"$gt": st.integers(0, 4), "$in": st.lists(st.integers(0, 4))}).filter(len)}),
    lambda inner: st.dictionaries(st.sampled_from(["$and", "$or"]), st.lists(
        inner, min_size=1, max_size=3), max_size=2)
    | inner.map(lambda filter: {"$not": filter}), max_leaves=4)
