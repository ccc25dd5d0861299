"""Filters mean what they mean to MongoDB, but for the differences that the documentation tells.

The oracle is mongomock. Where that itself is no MongoDB it is not asked: to Python True is 1, it
measures texts for ``$size``, finds no array by ``$in`` or ``$all``, takes the members of an object
in any order, has no null below what is no object, and reads ``{}`` as no condition.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mongomock import filtering

from tests.support.query_model import MISSING, look
from tests.support.refusals import refusal
from tests.support.service import Service

DOCS = Path(__file__).parents[2] / "docs/reference/queries.md"
NAMES = ["a", "b", "0"]
SCALARS = [None, True, False, 2, 3, 2.5, -1, "", "a", "A", "ab", "b", "2"]
VALUES = st.recursive(st.sampled_from(SCALARS), lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2), max_leaves=5)
DATA = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
PLAIN, ORDERED = st.sampled_from(SCALARS), st.sampled_from([2, 3, 2.5, "a", "ab"])
SIMPLE = {
    "$eq": VALUES, "$ne": VALUES, "$exists": st.booleans(), "$size": st.integers(0, 3),
    "$in": st.lists(PLAIN, max_size=3), "$nin": st.lists(PLAIN, max_size=3),
    "$gt": ORDERED, "$gte": ORDERED, "$lt": ORDERED, "$lte": ORDERED,
    "$regex": st.sampled_from(["a", "^a", "b$", "[ab]{2}", "(?i)A", "."]),
    "$all": st.lists(PLAIN, min_size=1, max_size=2)}
ONE = st.sampled_from(sorted(SIMPLE)).flatmap(
    lambda name: st.fixed_dictionaries({name: SIMPLE[name]}))
OPERATORS = ONE | ONE.map(lambda one: {"$not": one}) | st.fixed_dictionaries({"$elemMatch": (
    ONE | st.dictionaries(st.sampled_from(["a", "b"]), PLAIN | ONE, min_size=1, max_size=2))})
PATHS = st.sampled_from(["a", "b", "c", "a.a", "b.b", "a.0"])
FILTERS = st.recursive(
    st.dictionaries(PATHS, VALUES | OPERATORS, min_size=1, max_size=2),
    lambda inner: st.fixed_dictionaries({"$and": st.lists(inner, min_size=1, max_size=2)})
    | st.fixed_dictionaries({"$or": st.lists(inner, min_size=1, max_size=2)}), max_leaves=3)
# What MongoDB also does to each item of an array, and what it does to a value as to an array of it.
OF_ITEMS, OF_ONE = {"$gt", "$gte", "$lt", "$lte", "$regex"}, {"$all"}


def in_mongodb(filter: Any, data: Any) -> bool:
    """Tell whether MongoDB finds a document."""
    return bool(filtering.filter_applies(filter, data))  # type: ignore[no-untyped-call]


def is_told(filter: Any, data: Any, before: str = "") -> bool:
    """Tell whether a difference that the documentation tells is met with, or a fault of the oracle.

    :param before: what stands before each path
    """
    for name, wanted in filter.items():
        if name.startswith("$"):
            return any(is_told(inner, data, before) for inner in wanted)
        first, _, below = name.partition(".")
        if wanted == {} or below and not isinstance(data.get(first), dict):
            return True
        found = look({"data": data}, f"data.{name}")
        if isinstance(wanted, dict) and any(one.startswith("$") for one in wanted):
            if is_told_of(wanted, found):
                return True
    return False


def is_told_of(operators: Any, found: Any) -> bool:
    """Tell likewise of operators and the value that they look at."""
    for name, wanted in operators.items():
        if name == "$not" and is_told_of(wanted, found):
            return True
        if name == "$elemMatch" and isinstance(found, list) and any(
                is_told_of(wanted, one) if any(key.startswith("$") for key in wanted)
                else isinstance(one, list) or isinstance(one, dict) and is_told(wanted, one)
                for one in found):
            return True
        if (name in OF_ITEMS and isinstance(found, list)
                or name in OF_ONE and not isinstance(found, list)
                or name == "$size" and not isinstance(found, list) and found is not MISSING):
            return True
    return False


def text_of(data: Any) -> str:
    """Return the text of a document, whatever the order of its members."""
    return json.dumps(data, sort_keys=True)


class Corpus:
    """A tenant, and what its nodes hold."""

    def __init__(self, service: Service, data: list[Any]) -> None:
        node_type = service.node_type(service.tenant())
        self.service, self.tenant_id, self.data = service, node_type["tenant_id"], data
        service.call("create_nodes", tenant_id=self.tenant_id, nodes=[
            {"node_type_id": node_type["id"], "data": one} for one in data])

    def found(self, filter: Any) -> list[Any]:
        """Return the data that a filter finds."""
        listed = self.service.call("list_nodes", tenant_id=self.tenant_id, count="none",
                                   pagination={"page_size": 1000}, filter=in_data(filter))
        return [node["data"] for node in listed["nodes"]]


def in_data(filter: Any) -> Any:
    """Return a filter on documents as one on nodes."""
    return {name if name.startswith("$") else f"data.{name}":
            [in_data(one) for one in inner] if name.startswith("$") else inner
            for name, inner in filter.items()}


@pytest.fixture(scope="module")
def corpus(service: Service) -> Corpus:
    documents: list[Any] = []

    @given(DATA)
    @settings(database=None, derandomize=True, max_examples=200)
    def collect(data: Any) -> None:
        documents.append(data)

    collect()
    return Corpus(service, documents)


@pytest.mark.long
@given(FILTERS)
@settings(derandomize=True, max_examples=250)
def test_filters_find_what_mongodb_finds_but_for_what_is_told(corpus: Corpus, filter: Any) -> None:
    found = [text_of(data) for data in corpus.found(filter) if not is_told(filter, data)]
    wanted = [text_of(data) for data in corpus.data
              if not is_told(filter, data) and in_mongodb(filter, data)]
    assert sorted(found) == sorted(wanted)


ROWS = [tuple(cell.strip() for cell in row.strip("|").split(" | "))
        for row in DOCS.read_text(encoding="utf-8").splitlines() if row.startswith("| `{")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_the_documentation_tells_of_mongodb_is_so(service: Service, row: tuple[str, ...]
                                                       ) -> None:
    filter, data = (json.loads(cell.strip("` |")) for cell in row[:2])
    here, there = (re.split(r"\W", cell.strip(" |"))[0] for cell in row[2:])
    one = Corpus(service, [data])
    if here == "refused":
        refused = refusal(service, "list_nodes", tenant_id=one.tenant_id, filter=in_data(filter))
        assert refused.reason == "INVALID_PARAMS"
    else:
        assert one.found(filter) == [data] * (here == "yes")
    assert in_mongodb(filter, data) is (there == "yes")
    # No line is left out where they differ, and none is there where they do not.
    assert here == there or here == "refused" or is_told(filter, data)
