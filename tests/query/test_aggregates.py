"""Counts and measures: held against a model, with their digits, bounds and errors."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from tests.support.documents import Pool, parse, wire
from tests.support.plans import nodes_of, run_plan
from tests.support.query_model import FILTERS, MISSING, kind, look, matches, same
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors

PATHS = st.sampled_from(['data."a"', "data.b", 'data."0"', "data.a.b", "data.é", "version"])
RANKS = ["null", "boolean", "number", "text", "array", "object"]


@pytest.fixture(scope="module")
def pool(service: Service) -> Pool:
    return Pool(service)


def measured(function: str, values: list[Any]) -> Any:
    """Return a measure of what stands at a path in the rows of a group, in Python."""
    there = [value for value in values if value is not MISSING and value is not None]
    if function == "count":
        return len(there)
    if function == "count_distinct":
        different: list[Any] = []
        for value in there:
            if not any(same(value, other) for other in different):
                different.append(value)
        return len(different)
    numbers = [Decimal(value) for value in there if kind(value) == "number"]
    if function in ("sum", "avg"):
        with localcontext() as digits:
            digits.prec = 100
            total = sum(numbers) if numbers else None
            return total if function == "sum" or total is None else total / len(numbers)
    texts = [value for value in there if kind(value) == "text"]
    choose = min if function == "min" else max
    found = [choose(some) for some in (numbers, texts) if some]
    return (found[0] if function == "min" else found[-1]) if found else None


def agrees(found: Any, wanted: Any, function: str) -> bool:
    """Compare a measure with the model's; of an average both have digits enough."""
    if function == "avg" and wanted is not None:
        return bool(abs(Decimal(found) - wanted) <= abs(wanted) / 10**12)
    return equal(found, wanted)


def equal(left: Any, right: Any) -> bool:
    """Compare values of JSON, some of whose numbers are read to the digit."""
    return bool(left == right) if kind(left) == kind(right) == "number" else same(left, right)


@pytest.mark.long
@given(PATHS, PATHS, st.sampled_from(["count", "count_distinct", "sum", "avg", "min", "max"]),
       FILTERS)
@settings(derandomize=True, max_examples=100)
def test_groups_and_measures_are_those_of_a_model_in_python(
        pool: Pool, key: str, path: str, function: str, filter: dict[str, Any]) -> None:
    given = pool.service.post({
        "jsonrpc": "2.0", "id": 1, "method": "aggregate_nodes",
        "params": {"tenant_id": pool.tenant_id, "filter": wire(filter), "group_by": {"key": key},
                   "measures": {"rows": "count()", "made": f"{function}({path})"},
                   "limit": 1000}}).data.decode()
    found = parse(given)["result"]
    groups: list[tuple[Any, list[Any]]] = []
    for row in pool.rows:
        if matches(row, filter):
            value = look(row, key)
            value = None if value is MISSING else value
            for known, rows in groups:
                if same(known, value):
                    rows.append(row)
                    break
            else:
                groups.append((value, [row]))
    assert not found["truncated"] and len(found["groups"]) == len(groups)
    for group in found["groups"]:
        (rows,) = (rows for known, rows in groups if same(known, group["key"]))
        assert group["rows"] == len(rows)
        wanted = measured(function, [look(row, path) for row in rows])
        assert agrees(group["made"], wanted, function), (group, wanted)
    ranks = [RANKS.index(kind(group["key"])) for group in found["groups"]]
    assert [min(rank, 4) for rank in ranks] == sorted(min(rank, 4) for rank in ranks)


@pytest.mark.long
@given(FILTERS)
@settings(derandomize=True, max_examples=25)
def test_a_count_is_the_total_of_the_list(pool: Pool, filter: dict[str, Any]) -> None:
    counted = pool.service.call("count_nodes", tenant_id=pool.tenant_id, filter=wire(filter))
    assert counted == {"count": sum(matches(row, filter) for row in pool.rows)}


@pytest.fixture(scope="module")
def tasks(service: Service) -> dict[str, str]:
    """Tasks whose figures can be told by hand."""
    node_type = service.node_type(service.tenant())
    ids = [service.node(node_type, data=data)["id"] for data in (
        {"status": "open", "hours": wire(Decimal("0.10")), "due": "2026-01-31T23:30:00+02:00"},
        {"status": "open", "hours": wire(Decimal("0.20")), "due": "2026-02-01"},
        {"status": "done", "hours": wire(10**30), "due": "2026-02-30T10:00:00Z"},
        {"status": 1, "hours": "many", "due": "2026-02"}, {"status": None, "due": "x2026-01-31"},
        {"hours": True, "due": 20260131})]
    other = service.relationship({"id": ids[0], "tenant_id": node_type["tenant_id"]},
                                 {"id": ids[1], "tenant_id": node_type["tenant_id"]})
    assert other
    return {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]}


def rows(service: Service, tasks: dict[str, str], **asked: Any) -> list[list[Any]]:
    """Return the groups of an answer, each as its values in order."""
    answer = service.call("aggregate_nodes", tenant_id=tasks["tenant_id"], **asked)
    assert not answer["truncated"]
    return [[*group.values()] for group in answer["groups"]]


@pytest.mark.parametrize("asked, wanted", [
    ({}, [[6]]),
    ({"filter": {"data.none": 1}}, [[0]]),
    ({"filter": {"data.none": 1}, "group_by": {"a": "data.a"}}, []),
    ({"filter": {"data.none": 1}, "measures": {"a": "sum(data.hours)", "b": "max(data.x)"}},
     [[None, None]]),
    ({"group_by": {"status": "data.status"}}, [[None, 2], [1, 1], ["done", 1], ["open", 2]]),
    ({"group_by": {"status": "data.status"}, "sort": ["-count", "-status"]},
     [["open", 2], [None, 2], ["done", 1], [1, 1]]),
    ({"group_by": {"status": "data.status"}, "having": {"count": {"$gt": 1}, "status": "open"}},
     [["open", 2]]),
    ({"group_by": {"status": "data.status"}, "having": {"$or": [{"status": 1}, {"status": None}]},
      "measures": {}}, [[None], [1]]),
    ({"group_by": {"month": "month(data.due)"}}, [[None, 3], ["2026-01", 1], ["2026-02", 2]]),
    ({"group_by": {"day": "day(data.due)"}, "having": {"day": {"$gte": "2026-02-01"}}},
     [["2026-02-01", 1], ["2026-02-30", 1]]),
    ({"group_by": {"hour": "hour(data.due)"}, "having": {"hour": {"$ne": None}}},
     [["2026-01-31T23", 1], ["2026-02-30T10", 1]]),
    ({"group_by": {"year": "year(data.due)"}}, [[None, 3], ["2026", 3]]),
    ({"measures": {"a": "min(data.hours)", "b": "max(data.hours)", "c": "count(data.hours)",
                   "d": "count_distinct(data.status)", "e": "min(data.due)", "f": "sum(version)"}},
     [[0.1, "many", 5, 3, 20260131, 6]]),
], ids=str)
def test_groups_by_example(service: Service, tasks: dict[str, str], asked: dict[str, Any],
                           wanted: list[list[Any]]) -> None:
    assert rows(service, tasks, **asked) == wanted


def test_keys_are_equal_as_json_is_and_not_as_they_are_written(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    for hours, key in enumerate((1, wire(Decimal("1.0")), "1", {}, "{}", True, "true", [1],
                                 wire([Decimal("1.00")]), None, "null")):
        service.node(node_type, data={"key": key, "hours": hours, "text": str(hours)})
    service.node(node_type, data={"hours": 11, "text": "11"})
    assert rows(service, node_type, group_by={"key": "data.key"}, sort=["sum"], measures={
        "count": "count(data.hours)", "sum": "sum(data.hours)", "avg": "avg(data.hours)",
        "first": "min(data.text)", "last": "max(data.hours)", "version": "max(version)"}) == [
            [1, 2, 1, 0.5, "0", 1, 1], ["1", 1, 2, 2, "2", 2, 1], [{}, 1, 3, 3, "3", 3, 1],
            ["{}", 1, 4, 4, "4", 4, 1], [True, 1, 5, 5, "5", 5, 1], ["true", 1, 6, 6, "6", 6, 1],
            ["null", 1, 10, 10, "10", 10, 1], [[1], 2, 15, 7.5, "7", 8, 1],
            [None, 2, 20, 10, "11", 11, 1]]


def test_sums_keep_every_digit(service: Service, tasks: dict[str, str]) -> None:
    text = service.post({"jsonrpc": "2.0", "id": 1, "method": "aggregate_nodes", "params": {
        "tenant_id": tasks["tenant_id"],
        "measures": {"all": "sum(data.hours)", "avg": "avg(data.hours)"}}}).data.decode()
    assert '"all" : 1000000000000000000000000000000.30' in text
    assert '"avg" : 333333333333333333333333333333.43' in text


def test_columns_are_grouped_and_measured_as_the_object_has_them(
        service: Service, tasks: dict[str, str]) -> None:
    (node, *_) = service.call("list_nodes", tenant_id=tasks["tenant_id"])["nodes"]
    (group,) = service.call("aggregate_nodes", **tasks, group_by={
        "type": "node_type_id", "day": "day(created_at)"}, measures={
        "newest": "max(created_at)", "id": "max(id)"})["groups"]
    assert group["type"] == tasks["node_type_id"] and group["day"] == node["created_at"][:10]
    assert group["newest"] == node["created_at"]
    assert group["id"] == max(one["id"] for one in service.call(
        "list_nodes", tenant_id=tasks["tenant_id"])["nodes"])


def test_relationships_are_counted_and_measured_too(
        service: Service, tasks: dict[str, str]) -> None:
    of = {"tenant_id": tasks["tenant_id"]}
    (edge,) = service.call("list_relationships", of)["relationships"]
    assert service.call("count_relationships", of) == {"count": 1}
    assert service.call("count_relationships", of | {
        "source_node_id": edge["target_node_id"]}) == {"count": 0}
    asked = of | {"group_by": {"to": "target_node_id", "type": "relationship_type"}}
    assert service.call("aggregate_relationships", asked)["groups"] == [{
        "to": edge["target_node_id"], "type": edge["relationship_type"], "count": 1}]


def test_more_groups_than_asked_for_are_said_to_be_there(
        service: Service, tasks: dict[str, str]) -> None:
    asked = {"tenant_id": tasks["tenant_id"], "group_by": {"status": "data.status"}}
    for limit, truncated in [(3, True), (4, False)]:
        answer = service.call("aggregate_nodes", asked | {"limit": limit})
        assert len(answer["groups"]) == limit and answer["truncated"] is truncated


def test_groups_that_weigh_more_than_a_page_may_are_cut(
        new_database: Callable[..., Settings]) -> None:
    service = Service.of(new_database(max_page_bytes=10_000))
    node_type = service.node_type(service.tenant())
    for letter in "abcd":
        service.node(node_type, data={"text": letter * 4_000})
    answer = service.call("aggregate_nodes", tenant_id=node_type["tenant_id"],
                          group_by={"text": "data.text"})
    assert [group["text"][0] for group in answer["groups"]] == ["a", "b"] and answer["truncated"]
    service.close()


@pytest.mark.parametrize("asked, field, told", [
    ({"group_by": {"a": "sum(data.x)"}}, "group_by.a", "year, month, day, hour"),
    ({"group_by": {"a": "month(version)"}}, "group_by.a", "names no time"),
    ({"group_by": {"a": "dta.x"}}, "group_by.a", "names no member"),
    ({"group_by": {"a": 1}}, "group_by.a", "must be a string"),
    ({"group_by": {"a-b": "data.x"}}, "group_by.a-b", "letters, digits and underscores"),
    ({"group_by": {str(place): "x" for place in range(6)}}, "group_by", "at most 5"),
    ({"group_by": []}, "group_by", "must be an object"),
    ({"group_by": {"a": "data.x"}, "measures": {"a": "count()"}}, "measures.a", "name of a key"),
    ({"measures": {"a": "data.x"}}, "measures.a", "one of count, sum, avg"),
    ({"measures": {"a": "median(data.x)"}}, "measures.a", "one of count, sum, avg"),
    ({"measures": {"a": "sum()"}}, "measures.a", "names no member"),
    ({"measures": {"a": "sum(created_at)"}}, "measures.a", "takes numbers"),
    ({"measures": {"a": "avg(data.x..y)"}}, "measures.a", "empty part"),
    ({"measures": {}}, "measures", "may not be empty"),
    ({"having": {"hours": 1}}, "having.hours", "there are count"),
    ({"having": {"count": {"$near": 1}}}, "having.count.$near", "is no operator"),
    ({"sort": ["hours"]}, "sort.0", "there are count"),
    ({"limit": 10_001}, "limit", "at most 10,000"),
    ({"filter": {"$x": 1}}, "filter.$x", "is no operator"),
    ({"filter": {"data.x": {"$regex": "("}}, "having": {"count": {"$regex": "x"}}},
     "filter.data.x.$regex", "is no regular expression"),
    ({"filter": {"data.x": {"$regex": "x"}}, "having": {"count": {"$regex": "("}}},
     "having.count.$regex", "is no regular expression"),
], ids=str)
def test_what_cannot_be_asked_is_told_with_what_could(
        service: Service, tasks: dict[str, str], asked: dict[str, Any], field: str, told: str
        ) -> None:
    error = refusal(service, "aggregate_nodes", tenant_id=tasks["tenant_id"], **asked)
    assert told in error.fields[field][0]


def test_names_and_values_are_never_sql(service: Service, tasks: dict[str, str]) -> None:
    for path in ["data.' OR true --", 'data."\')--"', "data.a) FROM nodes --", "data.%(x)s"]:
        assert rows(service, tasks, group_by={"key": path}, measures={
            "made": f"max({path})"}) == [[None, None]]


def test_groups_are_made_of_the_tenants_rows_in_one_scan_of_them(
        service: Service, tasks: dict[str, str]) -> None:
    plan, _ = run_plan(service, "aggregate_nodes", tasks | {
        "group_by": {"status": "data.status"}}, generic=False)
    scans = [node for node in nodes_of(plan) if node.get("Relation Name") == "nodes"]
    assert len(scans) == 1
