"""Sorting: an order over all types, paged by keyset, held against Python's sort."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orjson import Fragment

from tests.support.documents import Pool
from tests.support.query_model import PATHS, sort_key
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors


@pytest.fixture(scope="module")
def pool(service: Service) -> Pool:
    return Pool(service, rows=60)


KEYS = st.lists(st.tuples(PATHS | st.sampled_from(["created_at", "version", "id"]), st.booleans()),
                min_size=1, max_size=3, unique_by=lambda key: key[0])


@pytest.mark.long
@given(KEYS, st.integers(7, 40))
@settings(derandomize=True, max_examples=30)
def test_a_walk_in_small_pages_gives_the_order_of_python_s_sort(
        pool: Pool, keys: list[tuple[str, bool]], size: int) -> None:
    rows = sorted(pool.rows, key=lambda row: row["id"], reverse=keys[-1][1])
    for path, descending in keys[::-1]:
        rows.sort(key=lambda row: sort_key(row, path, descending), reverse=descending)
    sort = [f"{'-' * descending}{path}" for path, descending in keys]
    walk: list[Any] = []
    token = ""
    while token or not walk:
        page = pool.listed(sort=sort, pagination={"page_size": size, "page_token": token})
        assert page["pagination"]["total_count"] == len(rows)
        walk.append([node["id"] for node in page["nodes"]])
        token = page["pagination"]["next_page_token"]
    assert [id for page in walk for id in page] == [row["id"] for row in rows]
    assert {len(page) for page in walk[:-1]} <= {size}


@pytest.mark.parametrize("sort, order", [("data.x", "0123456789"), ("-data.x", "8765432109")])
def test_the_order_of_types_is_turned_round_but_what_is_missing_stays_last(
        service: Service, sort: str, order: str) -> None:
    node_type = service.node_type(service.tenant())
    values: list[Any] = [None, False, True, -1, Fragment("9007199254740992.5"),
                         Fragment("9007199254740993"), "B", "a", []]
    for place, value in enumerate([*values, None]):
        service.node(node_type, data={"p": place} | ({"x": value} if place < 9 else {}))
    walk, token = "", ""
    while token or not walk:
        page = service.call("list_nodes", tenant_id=node_type["tenant_id"], sort=[sort],
                            pagination={"page_size": 1, "page_token": token})
        walk += str(page["nodes"][0]["data"]["p"])
        token = page["pagination"]["next_page_token"]
    assert walk == order


def test_long_texts_make_no_long_token(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    nodes = [service.node(node_type, data={"x": "\x01" * 120 + "😀" * 9 + str(n), "y": "😀" * 5000,
                                           "z": Fragment("0.1" + "0" * 3000 + str(n))})
             for n in range(3)]
    walk: list[Any] = []
    token = ""
    while token or not walk:
        page = service.call("list_nodes", tenant_id=node_type["tenant_id"],
                            sort=["data.y", "-data.z", "data.x"],
                            pagination={"page_size": 1, "page_token": token})
        walk += page["nodes"]
        token = page["pagination"]["next_page_token"]
        assert len(token) <= 4096
    assert [node["id"] for node in walk] == [node["id"] for node in nodes]


@pytest.mark.parametrize("sort, place, told", [
    (["data.a", "nmae"], "sort.1", "names no member"), ([""], "sort.0", "names no member"),
    (["--data.a"], "sort.0", "names no member"), (["data.a", "-data.a"], "sort.1", "again"),
    (["data.a", "id", "version", "created_at"], "sort.3", "at most 3"),
    (["id.a"], "sort.0", "no JSON"), (["data.\0"], "sort.0", "U+0000")])
def test_a_wrong_sort_is_refused_with_its_place(service: Service, sort: list[str], place: str,
                                                told: str) -> None:
    refused = refusal(service, "list_nodes", tenant_id=service.tenant()["id"],
                      sort=sort if sort != [""] else ["", "id"])
    assert refused.code == -32602 and list(refused.fields) == [place]
    assert told in str(refused)


def test_a_token_is_refused_for_another_sort_or_filter_but_not_for_other_fields(pool: Pool) -> None:
    own: dict[str, Any] = {"sort": ["data.a"], "filter": {"version": {"$gt": 1}}}
    token = pool.listed(**own, pagination={"page_size": 1})["pagination"]["next_page_token"]
    page = {"page_token": token}
    others: list[dict[str, Any]] = [
        {"sort": ["-data.a"]}, {"sort": ["data.b"]}, {"sort": ["data.a", "version"]},
        {"filter": {"version": {"$gt": 0}}}, {"filter": {"version": {"$gte": 1}}}, {"filter": {}}]
    for change in others:
        refused = refusal(pool.service, "list_nodes", tenant_id=pool.tenant_id, **own | change,
                          pagination=page)
        assert list(refused.fields) == ["pagination.page_token"]
    for harmless in ({}, {"fields": ["id"]}, {"count": "none"}):
        assert pool.listed(**(own | dict(harmless)), pagination=page)["nodes"]
