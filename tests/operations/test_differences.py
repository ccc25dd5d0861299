"""Differences: applied to the one document, they make the other, to the digit."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.documents.differences import difference
from flexdb.documents.patches import MOST_OPERATIONS, parse_patch
from flexdb.documents.text import dump_exactly, parse_exactly

NUMBERS = st.sampled_from(["0", "1", "1.0", "1.00", "-0", "1e2", "12345678901234567890.1"])
SCALARS = st.one_of(st.none(), st.booleans(), st.text(max_size=3), NUMBERS.map(
    lambda text: parse_exactly(text.encode())))
NAMES = st.text(alphabet="ab/~0é\"", max_size=2)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4)
                      | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)


def written(value: Any) -> str:
    """Return JSON text in which members are in one order, as PostgreSQL keeps them."""
    return json.dumps(json.loads(dump_exactly(value), parse_int=str, parse_float=str),
                      sort_keys=True)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS, DOCUMENTS)
def test_a_difference_makes_the_one_of_the_other(one: Any, other: Any) -> None:
    patch = difference(dump_exactly(one), dump_exactly(other))
    made = parse_patch(patch).change(one, 10**6)
    assert written(made) == written(other)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_what_is_written_alike_does_not_differ(one: Any) -> None:
    assert difference(dump_exactly(one), dump_exactly(one)) == b"[]"


@pytest.mark.parametrize("before, after, told", [
    (b'{"a":1}', b'{"a":1.0}', [{"op": "replace", "path": "/a", "value": 1.0}]),
    (b'{"a":[1,2,3]}', b'{"a":[1,3]}', [{"op": "remove", "path": "/a/1"}]),
    (b'{"a":[1,3]}', b'{"a":[1,2,3]}', [{"op": "add", "path": "/a/1", "value": 2}]),
    (b'{"a":{"b":1,"c/d":2}}', b'{"a":{"b":1}}', [{"op": "remove", "path": "/a/c~1d"}]),
    (b'{"a":true}', b'{"a":1}', [{"op": "replace", "path": "/a", "value": 1}])])
def test_a_difference_is_told_where_it_is(before: bytes, after: bytes, told: Any) -> None:
    assert json.loads(difference(before, after)) == told


def test_what_differs_everywhere_is_replaced_as_a_whole() -> None:
    one, other = ({str(place): place * sign for place in range(1, MOST_OPERATIONS + 2)}
                  for sign in (1, -1))
    found = json.loads(difference(json.dumps(one).encode(), json.dumps(other).encode()))
    assert [list(operation.values())[:2] for operation in found] == [["replace", ""]]
    deep: bytes = b'{"a":' * 500 + b"%d" + b"}" * 500
    found = json.loads(difference(deep % 1, deep % 2))
    assert len(found) == 1 and found[0]["path"] == "/a" * 100


def test_paths_that_would_be_longer_than_what_they_lead_to_are_one_operation() -> None:
    def nested(items: list[int]) -> bytes:
        value: Any = items
        for _ in range(50):
            value = {"k" * 1000: value}
        return json.dumps(value).encode()

    before, after = nested([*range(900)]), nested([*range(1, 900), 0])
    assert json.loads(difference(before, after)) == [
        {"op": "replace", "path": "", "value": json.loads(after)}]


@pytest.mark.long
def test_what_is_nested_costs_little_more() -> None:
    def taken(depth: int) -> float:
        before, after = (b"[" * depth + b",".join(b"%d" % place for place in range(50_000)) + last
                         + b"]" * depth for last in (b",1", b",2"))
        begin = process_time()
        assert json.loads(difference(before, after)) == [
            {"op": "replace", "path": "/0" * (depth - 1) + "/50000", "value": 2}]
        return process_time() - begin

    # Ten times as much, for at each depth the items are compared once more; written as text to be
    # compared they would take 120 times as much.
    assert min(taken(90) for _ in range(3)) < 40 * min(taken(1) for _ in range(5))
