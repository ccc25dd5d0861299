"""Filters: MongoDB's semantics, held against a model; errors that name the place; plans."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from orjson import Fragment

from flexdb.config import Settings
from flexdb.operations.nodes import MEMBERS
from flexdb.query.filters import condition
from tests.support.documents import Pool
from tests.support.plans import nodes_of, run_plan
from tests.support.postgres import connect
from tests.support.query_model import FILTERS, matches
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors


def told(value: Any) -> str:
    """Name a case by what it holds, not by where that is in memory."""
    return re.sub(r" object at 0x[0-9a-f]+", "", str(value))


UUID = "01a208bc-3d00-7d5c-861e-e1a8d0a9b837"


@pytest.fixture(scope="module")
def pool(service: Service) -> Pool:
    return Pool(service)


@pytest.mark.long
@given(FILTERS)
@settings(derandomize=True, max_examples=100)
def test_a_filter_gives_what_a_model_in_python_gives(pool: Pool, filter: dict[str, Any]) -> None:
    listed = pool.listed(filter=filter, pagination={"page_size": 1000})
    wanted = {row["id"] for row in pool.rows if matches(row, filter)}
    assert {node["id"] for node in listed["nodes"]} == wanted
    assert listed["pagination"] == {"next_page_token": "", "total_count": len(wanted)}


@pytest.mark.parametrize("filter, places", [
    ({"data.n": 9007199254740993}, [1]), ({"data.n": {"$gt": 9007199254740992}}, [1, 2]),
    ({"data.n": Fragment("100000000000000000000000000000000000001")}, [2]),
    ({"data.n": {"$in": [Fragment("9007199254740992.0")]}}, [0]),
    ({"data.tags": "a"}, [0, 1]), ({"data.tags": ["a", "b"]}, [0, 2]),
    ({"data.tags": ["b", "a"]}, []), ({"data.tags": {"$ne": "b"}}, [1, 2]),
    ({"data.tags": {"$contains": "a"}}, [0, 1]), ({"data.tags": {"$contains": ["a"]}}, [2]),
    ({"data.tags.0": "a"}, [0, 1, 2]), ({"data.tags.-1": {"$in": ["b", "a"]}}, [0, 1, 2]),
    ({"data.n": {"$ne": 1}, "data.tags": {"$not": {"$contains": "b"}}}, [1, 2]),
    ({"data.none": None}, [0, 1, 2]), ({"data.none": {"$exists": False}}, [0, 1, 2]),
    ({"data.n": {"$in": [*range(999), 9007199254740992]}}, [0]),
    ({"data.n": {"$nin": [*range(999), 9007199254740992]}}, [1, 2]),
    ({"data.n": True}, []), ({"data.n": "9007199254740993"}, []), ({}, [0, 1, 2])],
    ids=lambda value: told(value)[:50])
def test_a_filter_by_example(service: Service, filter: dict[str, Any], places: list[int]) -> None:
    node_type = service.node_type(service.tenant())
    nodes = [service.node(node_type, data=data) for data in (
        {"n": 9007199254740992, "tags": ["a", "b"]}, {"n": 9007199254740993, "tags": ["a"]},
        {"n": Fragment("100000000000000000000000000000000000001"), "tags": [["a", "b"], ["a"]]})]
    listed = service.call("list_nodes", tenant_id=node_type["tenant_id"], filter=filter)
    assert [node["id"] for node in listed["nodes"]] == [
        nodes[place]["id"] for place in reversed(places)]


@pytest.mark.parametrize("filter, found", [
    ({"id": "{id}"}, True), ({"id": {"$in": [UUID, "{ID}"]}}, True), ({"id": {"$nin": []}}, True),
    ({"id": {"$ne": "{id}"}}, False), ({"source_node_id": "{target_node_id}"}, False),
    ({"created_at": "{created_at}"}, True), ({"created_at": {"$lt": "{created_at}"}}, False),
    ({"created_at": {"$gt": "2024-01-01T00:00:00.5Z", "$lte": "2024-01-02T00:00:00-12:00"}}, False),
    ({"created_at": {"$gt": "2024-01-01t00:00:00z"}}, True), ({"version": 1}, True),
    ({"version": {"$lt": Fragment("1" + "0" * 30)}}, True), ({"version": {"$in": [2, 3]}}, False),
    ({"relationship_type": {"$startswith": "depends_"}}, True),
    ({"relationship_type": {"$startswith": "depends%"}}, False),
    ({"relationship_type": {"$gt": "Z", "$lt": "é"}}, True), ({"data.w": {"$gte": 0.5}}, True),
    ({"updated_at": {"$exists": True}}, True), ({"updated_at": {"$exists": False}}, False)],
    ids=told)
def test_relationships_are_filtered_by_their_own_members_too(
        service: Service, filter: dict[str, Any], found: bool) -> None:
    node_type = service.node_type(service.tenant())
    edge = service.relationship(service.node(node_type), service.node(node_type), data={"w": 0.5})

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner) for inner in value]
        return (value.format(**edge, ID=edge["id"].upper()) if isinstance(value, str) else value)

    listed = service.call("list_relationships", tenant_id=edge["tenant_id"], filter=fill(filter))
    assert listed["relationships"] == [edge] * found
    assert listed["pagination"]["total_count"] == found


@pytest.mark.parametrize("filter, place, told", [
    ({"nmae": 1}, "nmae", "id, tenant_id, node_type_id, data.…"), ({"": 1}, "", "names no member"),
    ({"data.": 1}, "data.", "empty part"), ({"id.a": UUID}, "id.a", "holds no JSON"),
    ({"data." + "a" * 9996: 1}, "data." + "a" * 59, "at most 10,000 characters"),
    ({"data" + ".a" * 21: 1}, "data" + ".a" * 21, "at most 20 parts"),
    ({"$nor": []}, "$nor", "$and, $or and $not"), ({"$or": []}, "$or", "at least one"),
    ({"$or": {}}, "$or", "an array"), ({"$and": [{}, 1]}, "$and.1", "an object"),
    ({"$not": []}, "$not", "an object"), ({"data.a": {"$like": 1}}, "data.a.$like", "$startswith"),
    ({"data.a": {"$gt": 1, "b": 1}}, "data.a.b", "is no operator"),
    ({"data.a": {"$not": 1}}, "data.a.$not", "operators"),
    ({"data.a": {"$gt": None}}, "data.a.$gt", "a number or a text"),
    ({"data.a": {"$lte": [1]}}, "data.a.$lte", "a number or a text"),
    ({"data.a": {"$in": 1}}, "data.a.$in", "an array"),
    ({"data.a": {"$nin": [1] * 1001}}, "data.a.$nin", "at most 1000"),
    ({"data.a": {"$exists": 1}}, "data.a.$exists", "true or false"),
    *(({"data.a": {name: 1}}, f"data.a.{name}", "a text") for name in (
        "$startswith", "$endswith", "$icontains", "$istartswith", "$iendswith", "$regex")),
    *(({"data.a": {name: "a" * 201}}, f"data.a.{name}", "at most 200 characters, not 201")
      for name in ("$icontains", "$istartswith", "$iendswith", "$regex")),
    ({"data.a": {"$regex": "a("}}, "data.a.$regex", "parentheses () not balanced"),
    ({"data.a": {"$all": "a"}}, "data.a.$all", "an array"),
    ({"data.a": {"$all": []}}, "data.a.$all", "1 to 100"),
    ({"data.a": {"$all": [1] * 101}}, "data.a.$all", "1 to 100"),
    *(({"data.a": {"$size": size}}, "data.a.$size", "a whole number, from 0 on")
      for size in (-1, 1.5, "1", True, 2**31)),
    ({"data.a": {"$elemMatch": 1}}, "data.a.$elemMatch", '{"a": 1}'),
    ({"data.a": {"$elemMatch": {}}}, "data.a.$elemMatch", "object of operators"),
    ({"data.a": {"$elemMatch": {"b": {"$gt": []}}}}, "data.a.$elemMatch.b.$gt", "a number"),
    ({"data.a": {"$elemMatch": {"b.": 1}}}, "data.a.$elemMatch.b.", "empty part"),
    ({"data.a": {"$elemMatch": {"$gt": 1, "b": 2}}}, "data.a.$elemMatch.b", "is no operator"),
    ({"version": {"$elemMatch": {"$gt": 1}}}, "version.$elemMatch", "looks into arrays"),
    ({"version": {"$size": 1}}, "version.$size", "looks into arrays"),
    ({"id": {"$all": [UUID]}}, "id.$all", "looks into arrays"),
    ({"version": {"$regex": "1"}}, "version.$regex", "looks at texts"),
    ({"id": 1}, "id", "a UUID"), ({"id": {"$in": [UUID, "x"]}}, "id.$in.1", "a UUID"),
    ({"id": None}, "id", "a UUID"), ({"id": {"$startswith": "0"}}, "id.$startswith", "texts"),
    ({"data.a": {"b": {}}, "version": 1.5}, "version", "a whole number"),
    ({"version": True}, "version", "a whole number"), ({"version": "1"}, "version", "whole"),
    ({"version": {"$contains": 1}}, "version.$contains", "$eq or $in"),
    *(({"created_at": {"$gt": time}}, "created_at.$gt", "RFC 3339") for time in (
        "2024-01-01", "2024-01-01T00:00:00", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00.1234567Z",
        "0001-01-01T00:00:00+01:00", "９024-01-01T00:00:00Z", 1, "now", "infinity")),
    ({"$or": [{"data.a": {"$in": [1, {"a": 1}]}}] * 51}, "$or.50.data.a.$in", "one too many"),
    ({"$and": [{"data.a": {"$gt": 1}}] * 101}, "$and.100.data.a.$gt", "one too many")],
    ids=lambda value: told(value)[:60])
def test_a_malformed_filter_is_refused_with_the_place_in_it(
        service: Service, filter: dict[str, Any], place: str, told: str) -> None:
    tenant = service.tenant()
    refused = refusal(service, "list_nodes", tenant_id=tenant["id"], filter=filter)
    assert (refused.code, refused.reason) == (-32602, "INVALID_PARAMS")
    assert list(refused.fields) == [f"filter.{place}"]
    assert told in refused.fields[f"filter.{place}"][0] and told in str(refused)


@pytest.mark.parametrize("wrap, place", [
    (lambda inner: {"$not": inner}, ".$not" * 10), (lambda inner: {"$and": [inner]}, ".$and.0" * 10)
])
def test_a_filter_nests_ten_deep(service: Service, wrap: Callable[[Any], Any], place: str) -> None:
    tenant, filter = service.tenant(), {"data.a": 1}
    for _ in range(9):
        filter = wrap(filter)
    assert service.call("list_nodes", tenant_id=tenant["id"], filter=filter)["nodes"] == []
    refused = refusal(service, "list_nodes", tenant_id=tenant["id"], filter=wrap(filter))
    assert list(refused.fields) == [f"filter{place}"]
    operators: dict[str, Any] = {"$gt": 1}
    for _ in range(10):
        operators = {"$not": operators}
    refused = refusal(service, "list_nodes", tenant_id=tenant["id"], filter={"data.a": operators})
    assert list(refused.fields) == ["filter.data.a" + ".$not" * 10]


@pytest.mark.parametrize("operators, found", [
    ({"$icontains": "PLAN"}, True), ({"$regex": "^a plan$"}, True), ({"$iendswith": "x"}, False)])
def test_a_walk_and_a_deletion_take_the_same_filters(
        service: Service, operators: dict[str, Any], found: bool) -> None:
    node_type = service.node_type(service.tenant())
    node = service.node(node_type, data={"title": "A Plan", "rows": [{"title": "a plan"}]})
    place = {"tenant_id": node["tenant_id"], "filter": {
        "$or": [{"data.rows": {"$elemMatch": {"title": operators}}}, {"data.title": "none"}]}}
    visits = service.call("traverse", place | {"start": node["id"], "min_depth": 0})["visits"]
    assert [visit["node"]["id"] for visit in visits] == [node["id"]] * found
    assert service.call("delete_nodes", place)["deleted"] == found


HOSTILE = st.text(st.characters(exclude_characters="\0.", exclude_categories=["Cs"]), min_size=1,
                  max_size=20) | st.sampled_from([
                      "' OR true --", '"; DROP TABLE nodes', "%s", "%(f0)s", "%%", "{time n.data}",
                      "{node}", "$1", "\\", "');", "*", "{}", "a b", '"', "$.a", "/*", "?"])


@given(HOSTILE, HOSTILE, st.sampled_from(
    ["$eq", "$ne", "$gt", "$in", "$nin", "$contains", "$startswith", "$endswith", "$icontains",
     "$all", "$elemMatch"]))
@example("x) ? (1 == 1", '") || (1 == 1', "$in")
@settings(derandomize=True, max_examples=60)
def test_no_path_and_no_value_changes_the_sql(pool: Pool, name: str, value: str, operator: str
                                              ) -> None:
    def filter(name: str, value: str) -> dict[str, Any]:
        # Alone at the beginning, that would be an operator.
        inner = json.dumps(name) if name.startswith("$") else name
        forms = {"$in": [value], "$nin": [value], "$all": [value], "$elemMatch": {inner: value}}
        return {f"data.{name}": {operator: forms.get(operator, value)}}

    # What begins with a quote is a quoted part.
    name = json.dumps(name) if name.startswith('"') else name
    if not name.strip().lstrip("+-").isdigit():
        text, arguments = condition(filter(name, value), MEMBERS, "n")
        assert text == condition(filter("x", "y"), MEMBERS, "n")[0]
        assert list(arguments) == [f"f{place}" for place in range(len(arguments))]
    listed = pool.listed(filter=filter(name, value), sort=["-data"], fields=["id", f"data.{name}"],
                         pagination={"page_size": 1000})
    assert {node["id"] for node in listed["nodes"]} == {
        row["id"] for row in pool.rows if matches(row, filter(name, value))}


@pytest.fixture(scope="module")
def large(new_database: Callable[..., Settings]) -> Iterator[tuple[Service, str]]:
    service = Service.of(new_database())
    node_type = service.node_type(service.tenant())
    node = service.node(node_type)
    with connect(service.settings) as connection:
        data = ("jsonb_build_object('n', i, 'tags', array['t' || i], "
                "'a', jsonb_build_object('b', i), 'rows', jsonb_build_array("
                "jsonb_build_object('n', i, 't', 'x')))")
        for table, columns, values in [
                ("nodes", "node_type_id", "%(type)s"),
                ("relationships", "source_node_id, target_node_id, relationship_type",
                 "%(node)s, %(node)s, 'r'")]:
            connection.execute(
                f"INSERT INTO {table} (tenant_id, id, data, {columns}) SELECT %(tenant)s, "
                f"gen_random_uuid(), {data}, {values} FROM generate_series(1, 5000) i".encode(),
                {"tenant": node_type["tenant_id"], "type": node_type["id"], "node": node["id"]})
        # VACUUM empties the index's list of what is yet to be sorted in, as autovacuum does.
        connection.execute("VACUUM ANALYZE")
    yield service, node_type["tenant_id"]
    service.close()


@pytest.mark.parametrize("thing", ["nodes", "relationships"])
@pytest.mark.parametrize("filter, total", [
    ({"data.n": 7}, 1), ({"data.a.b": {"$in": list(range(20))}}, 19), ({"data.a": {"b": 5}}, 1),
    ({"data.tags": "t9"}, 1), ({"data.tags": ["t9"]}, 1), ({"data.tags": {"$all": ["t9"]}}, 1),
    ({"data.tags": {"$contains": 9}}, 0), ({"data.rows": {"$elemMatch": {"n": 9, "t": "x"}}}, 1),
    ({"data.tags": {"$elemMatch": {"$eq": "t9"}}}, 1), ({"data.rows": {"n": 9, "t": "x"}}, 1),
    ({"data.n": {"$gt": 3}, "data.a.b": {"$in": [3, 4, [1]]}}, 1),
    ({"$or": [{"data.n": 7}, {"data.tags": {"$in": ["t9"]}}]}, 2)], ids=told)
def test_equality_and_what_arrays_have_are_read_from_the_index_on_data(
        large: tuple[Service, str], thing: str, filter: dict[str, Any], total: int) -> None:
    service, tenant_id = large
    params = {"tenant_id": tenant_id, "filter": filter}
    listed = service.call(f"list_{thing}", params)
    assert listed["pagination"]["total_count"] == total
    plan, _ = run_plan(service, f"list_{thing}", params, generic=False)
    assert {node.get("Index Name") for node in nodes_of(plan)} >= {f"{thing}_by_data"}
