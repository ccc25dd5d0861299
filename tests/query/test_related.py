"""Across relationships: the nodes related to one, filters on neighbours, and neighbours brought
along, held against a walk in plain Python; what is refused; and plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from tests.support.graph_data import fill, node_id
from tests.support.plans import nodes_of, pages_read, run_plan, statement_of, times_planned
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors

Edge = tuple[int, int, str]


class Graph:
    """A tenant with numbered nodes, and relationships of which each is newer than the one before.
    """

    def __init__(self, service: Service, size: int, edges: list[Edge]) -> None:
        self.service, self.edges = service, edges
        self.tenant_id = service.tenant()["id"]
        self.types = [service.node_type({"id": self.tenant_id})["id"] for _ in range(2)]
        with connect(service.settings) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO nodes (tenant_id, id, node_type_id, data) VALUES (%s, %s, %s, %s)",
                [(self.tenant_id, self.id(n), self.types[n % 2], f'{{"n": {n}}}')
                 for n in range(size)])
            cursor.executemany(
                "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id,"
                " relationship_type, created_at) VALUES (%s, %s, %s, %s, %s, 'epoch')",
                [(self.tenant_id, self.id(place), self.id(source), self.id(target), kind)
                 for place, (source, target, kind) in enumerate(edges)])

    @staticmethod
    def id(number: int) -> str:
        return str(UUID(int=number + 1))

    def call(self, method: str, **given: Any) -> Any:
        return self.service.call(method, {"tenant_id": self.tenant_id} | given)

    def near(self, node: int, kind: str | None = None, direction: str = "both") -> list[int]:
        """Return the neighbours of a node, each once, the last related first."""
        found = [end for source, target, own in self.edges[::-1] if kind in (None, own)
                 for here, end, way in ((source, target, "in"), (target, source, "out"))
                 if here == node and direction != way]
        return list(dict.fromkeys(found))

    def listed(self, size: int = 100, **given: Any) -> list[int]:
        """Return the numbers of what a list gives, page by page."""
        token, found = "", []
        while True:
            page = self.call("list_nodes", **given, fields=["data"],
                             pagination={"page_size": size, "page_token": token})
            found += [node["data"]["n"] for node in page["nodes"]]
            token = page["pagination"]["next_page_token"]
            if not token:
                return found


DIRECTIONS, NUMBERS = st.sampled_from(["out", "in", "both"]), st.integers(0, 4)
KINDS = st.none() | st.sampled_from("ab")
EDGES = st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from("ab")), max_size=12)


def relation(kind: str | None, direction: str, **more: Any) -> dict[str, Any]:
    return {"direction": direction} | ({"type": kind} if kind else {}) | more


def numbers(expanded: dict[str, Any]) -> list[int]:
    return [node["data"]["n"] for node in expanded["nodes"]]


@pytest.mark.long
@given(st.data(), EDGES)
@settings(derandomize=True, max_examples=20,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_graph_neighbours_are_those_that_python_finds(
        service: Service, data: st.DataObject, edges: list[Edge]) -> None:
    graph = Graph(service, 5, edges)
    node, kind, direction = data.draw(NUMBERS), data.draw(KINDS), data.draw(DIRECTIONS)
    least, kind2, direction2 = data.draw(NUMBERS), data.draw(KINDS), data.draw(DIRECTIONS)
    wanted = graph.near(node, kind, direction)
    related_to = relation(kind, direction, node=graph.id(node))
    fits = {"data.n": {"$gte": least}}
    assert graph.listed(2, related_to=related_to) == wanted
    assert graph.listed(2, related_to=related_to, filter=fits, sort=["-data.n"]) == sorted(
        (n for n in wanted if n >= least), reverse=True)
    inner = {"$related": relation(kind2, direction2, filter=fits)}
    near = {n for n in range(5) if any(m >= least for m in graph.near(n, kind2, direction2))}
    assert set(graph.listed(filter=inner)) == near
    assert set(graph.listed(filter={"$not": inner})) == set(range(5)) - near
    assert set(graph.listed(filter={"$related": relation(kind, direction, filter=inner)})) == {
        n for n in range(5) if near & {*graph.near(n, kind, direction)}}
    limit = data.draw(st.integers(1, 3))
    brought = graph.call("get_node", id=graph.id(node), expand={"near": relation(
        kind, direction, limit=limit, count=True, fields=["data"], expand={
            "further": relation(kind2, direction2, filter=fits)})})["node"]["expanded"]["near"]
    assert (numbers(brought), brought["truncated"]) == (wanted[:limit], len(wanted) > limit)
    assert brought["total_count"] == len(wanted)
    for number, one in zip(wanted, brought["nodes"]):
        assert numbers(one["expanded"]["further"]) == [
            n for n in graph.near(number, kind2, direction2) if n >= least]


@pytest.fixture
def small(service: Service) -> Graph:
    """Nodes 1 to 4 are part of node 0, of which node 1 is twice, and 4 is assigned to 5."""
    return Graph(service, 6, [(1, 0, "part_of"), (2, 0, "part_of"), (3, 0, "part_of"),
                              (1, 0, "part_of"), (4, 0, "part_of"), (4, 5, "assigned")])


def test_a_total_of_the_related_is_told_where_it_is_asked_for(small: Graph) -> None:
    related_to = {"node": small.id(0), "type": "part_of", "direction": "in"}
    listed = small.call("list_nodes", related_to=related_to)
    assert [node["data"]["n"] for node in listed["nodes"]] == [4, 1, 3, 2]
    assert listed["pagination"] == {"next_page_token": ""}
    for asked, total in (({}, 4), ({"filter": {"data.n": {"$gt": 2}}}, 2),
                         ({"node_type_id": small.types[1]}, 2)):
        page = small.call("list_nodes", related_to=related_to, count="exact", **asked)
        assert page["pagination"]["total_count"] == len(page["nodes"]) == total


def test_neighbors_are_filtered_sorted_and_shortened_by_their_nodes(small: Graph) -> None:
    found = small.call("get_neighbors", id=small.id(0), filter={"data.n": {"$lt": 3}},
                       sort=["data.n"], fields=["data"], pagination={"page_size": 2})
    assert [one["node"] for one in found["neighbors"]] == [{"data": {"n": 1}}] * 2
    assert all(one["relationship"]["target_node_id"] == small.id(0) for one in found["neighbors"])
    assert found["pagination"]["total_count"] == 3
    rest = small.call("get_neighbors", id=small.id(0), filter={"data.n": {"$lt": 3}},
                      sort=["data.n"], pagination={"page_size": 2, "page_token":
                                                   found["pagination"]["next_page_token"]})
    assert [one["node"]["data"]["n"] for one in rest["neighbors"]] == [2]


def test_a_node_brings_along_the_same_wherever_it_is_given(small: Graph) -> None:
    expand = {"parts": {"type": "part_of", "direction": "in", "sort": ["data.n"],
                        "fields": ["data.n"], "limit": 3},
              "of": {"type": "part_of", "direction": "out", "limit": 2, "count": True}}
    node = small.call("get_node", id=small.id(0), expand=expand)["node"]
    assert node["expanded"] == {
        "parts": {"nodes": [{"data": {"n": n}} for n in (1, 2, 3)], "truncated": True},
        "of": {"nodes": [], "truncated": False, "total_count": 0}}
    given = {name: value for name, value in node.items() if name != "expanded"}
    assert given == small.call("get_node", id=small.id(0))["node"]
    (listed,) = small.call("list_nodes", filter={"data.n": 0}, expand=expand)["nodes"]
    (near,) = small.call("get_neighbors", id=small.id(2), expand=expand)["neighbors"]
    (visit,) = small.call("traverse", start=small.id(2), expand=expand, max_depth=1)["visits"]
    assert listed == near["node"] == visit["node"] == node
    (short,) = small.call("list_nodes", filter={"data.n": 0}, expand=expand,
                          fields=["version"])["nodes"]
    assert short == {"version": 1, "expanded": node["expanded"]}


def test_a_filter_on_neighbours_chooses_what_is_deleted_and_walked_to(small: Graph) -> None:
    assigned = {"$related": {"type": "assigned", "direction": "out"}}
    visits = small.call("traverse", start=small.id(0), direction="in", filter=assigned)["visits"]
    assert [visit["node"]["data"]["n"] for visit in visits] == [4]
    deleted = small.call("delete_nodes", filter={"$not": {"$related": {}}})
    assert deleted == {"deleted": 0}
    assert small.call("delete_nodes", filter=assigned) == {"deleted": 1}
    assert small.listed(filter={"$not": {"$related": {}}}) == [5]


def test_a_node_that_is_not_there_has_no_list_of_related_ones(small: Graph, service: Service
                                                              ) -> None:
    other = service.node(service.node_type(service.tenant()))
    told = set()
    for absent in (other["id"], str(uuid4())):
        refused = refusal(service, "list_nodes", tenant_id=small.tenant_id,
                          related_to={"node": absent})
        assert (refused.reason, set(refused.fields)) == ("NOT_FOUND", {"related_to.node"})
        told.add(str(refused))
    assert len(told) == 1


def test_a_page_token_is_of_one_node_one_type_and_one_direction(small: Graph) -> None:
    related_to = {"node": small.id(0), "type": "part_of", "direction": "in"}
    page = small.call("list_nodes", related_to=related_to, pagination={"page_size": 1})
    pagination = {"page_size": 1, "page_token": page["pagination"]["next_page_token"]}
    for other in ({"node": small.id(1)}, {"type": "assigned"}, {"direction": "both"}):
        refused = refusal(small.service, "list_nodes", tenant_id=small.tenant_id,
                          related_to=related_to | other, pagination=pagination)
        assert set(refused.fields) == {"pagination.page_token"}
    # What a node brings along has no place in it.
    assert small.call("list_nodes", related_to=related_to, pagination=pagination,
                      expand={"near": {}})["nodes"][0]["data"] == {"n": 1}


def test_types_may_be_any_text(service: Service) -> None:
    odd = ['a,b', '"', "\\", "{}", "NULL", "é ü", "'", " a"]
    graph = Graph(service, len(odd) + 1, [(n, 0, kind) for n, kind in enumerate(odd, 1)])
    for n, kind in enumerate(odd, 1):
        assert graph.listed(related_to={"node": graph.id(0), "type": kind}) == [n]
        assert graph.listed(filter={"data.n": {"$gt": 0}, "$related": {"type": kind}}) == [n]
    found = graph.call("get_neighbors", id=graph.id(0), relationship_types=odd)
    assert found["pagination"]["total_count"] == len(odd)


DEEP: dict[str, Any] = {"$related": {"filter": {"$related": {"filter": {"$related": {}}}}}}


@pytest.mark.parametrize("given, place, told", [
    ({"filter": {"$related": 1}}, "filter.$related", "must be an object"),
    ({"filter": {"$related": {"filter": 1}}}, "filter.$related.filter", "must be a filter"),
    ({"filter": {"$related": {"direction": "up"}}}, "filter.$related.direction", "out, in or both"),
    ({"filter": {"$related": {"type": 5}}}, "filter.$related.type", "must be a string"),
    ({"filter": {"$related": {"typ": "a"}}}, "filter.$related.typ", "is not a parameter"),
    ({"filter": {"$related": {"filter": {"data.a": {"$x": 1}}}}},
     "filter.$related.filter.data.a.$x", "is no operator"),
    ({"filter": {"$related": {"filter": {"x": 1}}}}, "filter.$related.filter.x", "names no member"),
    ({"filter": DEEP}, "filter.$related.filter.$related.filter.$related", "at most 2 deep"),
    ({"filter": {"$and": [{"$related": {}}] * 101}}, "filter.$and.100.$related", "one too many"),
    ({"filter": {"data.a": {"$related": {}}}}, "filter.data.a.$related", "is no operator"),
    ({"related_to": {}}, "related_to.node", "is missing"),
    ({"related_to": {"node": "x"}}, "related_to.node", "must be a UUID"),
    ({"related_to": {"node": str(UUID(int=1)), "typ": "a"}}, "related_to.typ", "not a parameter"),
    ({"expand": {}}, "expand", "1 to 5 names"),
    ({"expand": {f"n{n}": {} for n in range(6)}}, "expand", "1 to 5 names"),
    ({"expand": {"a b": {}}}, "expand.a b", "letters, digits and underscores"),
    ({"expand": {"a": 1}}, "expand.a", "must be an object"),
    ({"expand": {"a": {"limit": 101}}}, "expand.a.limit", "at most 100"),
    ({"expand": {"a": {"filter": {"x": 1}}}}, "expand.a.filter.x", "names no member"),
    ({"expand": {"a": {"sort": ["x"]}}}, "expand.a.sort.0", "names no member"),
    ({"expand": {"a": {"fields": ["x"]}}}, "expand.a.fields.0", "names no member"),
    ({"expand": {"a": {"expand": {"b": {"sort": ["x"]}}}}}, "expand.a.expand.b.sort.0", "names no"),
    ({"expand": {"a": {"expand": {"b": {"expand": {"c": {}}}}}}}, "expand.a.expand.b.expand",
     "is not a parameter"),
    ({"expand": {"a": {"limit": 100, "expand": {"b": {}}}}}, "expand", "10,000 nodes along"),
])
def test_what_is_wrong_is_named_with_its_place(
        small: Graph, given: dict[str, Any], place: str, told: str) -> None:
    refused = refusal(small.service, "list_nodes", {"tenant_id": small.tenant_id} | given)
    assert (refused.reason, set(refused.fields)) == ("INVALID_PARAMS", {place})
    assert told in str(refused)


def test_only_filters_of_nodes_look_at_neighbours(small: Graph) -> None:
    of = {"tenant_id": small.tenant_id}
    refused = [refusal(small.service, "list_relationships", of | {"filter": {"$related": {}}}),
               refusal(small.service, "create_role", of | {
                   "name": "r", "grants": [{"read": {"$related": {}}}]})]
    assert all("may not stand here" in str(one) for one in refused)


def test_over_rest_they_are_json_in_the_query_and_in_a_body(small: Graph) -> None:
    client, url = small.service.client(), f"/tenants/{small.tenant_id}/nodes"
    related_to = {"node": small.id(0), "type": "part_of", "direction": "in"}
    asked = {"related_to": related_to, "expand": {"of": {"direction": "out", "fields": ["data"]}},
             "filter": {"$related": {"type": "assigned"}}}
    texts = {name: orjson.dumps(value).decode() for name, value in asked.items()}
    in_query, in_body = client.get(url, query_string=texts), client.post(f"{url}/query", json=asked)
    assert in_query.status_code == in_body.status_code == 200
    assert in_query.json == in_body.json
    (node,) = orjson.loads(in_query.data)["nodes"]
    assert numbers(node["expanded"]["of"]) == [5, 0]
    for wrong in ("{", "1", '{"of": ', "[]", '{"of": {"x": 1}}', "\x00", '"\\ud800"'):
        response = client.get(url, query_string={"expand": wrong})
        assert response.status_code == 400
        fields = orjson.loads(response.data)["error"]["data"]["fields"]
        assert next(iter(fields)).startswith("expand")


def test_what_brings_something_along_has_no_etag_of_the_node(small: Graph) -> None:
    client, url = small.service.client(), f"/tenants/{small.tenant_id}/nodes/{small.id(0)}"
    plain = client.get(url)
    response = client.get(url, query_string={"expand": '{"near": {}}'},
                          headers={"If-None-Match": plain.headers["ETag"]})
    assert response.status_code == 200 and "ETag" not in response.headers


@pytest.fixture(scope="module")
def bounded(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service with small pages."""
    service = Service.of(new_database(max_page_bytes=8192))
    yield service
    service.close()


def test_what_is_brought_along_is_weighed_with_the_page(bounded: Service) -> None:
    node_type = bounded.node_type(bounded.tenant())
    of = {"tenant_id": node_type["tenant_id"]}
    hubs = [bounded.node(node_type, data={"hub": n}) for n in range(4)]
    parts = [bounded.node(node_type, data={"text": "x" * 1000}) for _ in range(10)]
    for hub in hubs:
        for part in parts:
            bounded.relationship(part, hub)
    asked = of | {"filter": {"data.hub": {"$gte": 0}}, "expand": {"parts": {"direction": "in"}}}
    seen, token, pages = [], "", 0
    while not pages or token:
        response = bounded.call("list_nodes", asked | {"pagination": {"page_token": token}})
        token, pages = response["pagination"]["next_page_token"], pages + 1
        seen += response["nodes"]
        # At least one is given, and what that brings along is bounded by itself.
        assert len(orjson.dumps(response)) < 2 * 8192 and response["nodes"]
    assert [node["id"] for node in seen] == [hub["id"] for hub in hubs[::-1]] and pages == 4
    for node in seen:
        parts_of = node["expanded"]["parts"]
        assert parts_of["truncated"] is True and 4 <= len(parts_of["nodes"]) <= 8
    one = bounded.call("get_node", of | {"id": hubs[0]["id"], "expand": {
        "parts": {"direction": "in", "fields": ["id"], "count": True,
                  "expand": {"in": {"direction": "out"}}}}})["node"]["expanded"]["parts"]
    assert one["total_count"] == 10 and one["truncated"] is True and 1 <= len(one["nodes"]) < 10
    walk = bounded.call("traverse", of | {"start": parts[0]["id"], "expand": asked["expand"]})
    assert len(walk["visits"]) == 1 and walk["truncated"] is True


class Hub:
    """A tenant with a node to which 3,000 of its nodes are related, among others."""

    def __init__(self, service: Service, nodes: int) -> None:
        self.service, self.node_type = service, service.node_type(service.tenant())
        self.node = service.node(self.node_type)
        with connect(service.settings) as connection:
            fill(connection, self.node_type, nodes, nodes)
            connection.execute(
                "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id,"
                " relationship_type, created_at)"
                " SELECT n.tenant_id, gen_random_uuid(), n.id, %(id)s, 'part_of', n.created_at"
                " + (n.data->>'number')::integer * interval '1 second' FROM nodes n"
                " WHERE n.tenant_id = %(tenant_id)s AND (n.data->>'number')::integer < 3000",
                {"tenant_id": self.node_type["tenant_id"], "id": self.node["id"]})
            connection.execute("ANALYZE nodes, relationships")

    def plan(self, generic: bool, method: str = "list_nodes", **given: Any) -> dict[str, Any]:
        """Return the plan of a call."""
        plan, _ = run_plan(self.service, method,
                           {"tenant_id": self.node_type["tenant_id"]} | given, generic)
        return plan

    def related(self, **given: Any) -> dict[str, Any]:
        """Return what asks for the nodes that are related to the one."""
        return {"related_to": {"node": self.node["id"], "type": "part_of"} | given}


@pytest.fixture(scope="module")
def hub(new_database: Callable[..., Settings]) -> Iterator[Hub]:
    service = Service.of(new_database())
    yield Hub(service, 20_000)
    service.close()


@pytest.mark.long
@pytest.mark.parametrize("generic", [False, True], ids=["custom plan", "generic plan"])
def test_a_page_of_the_related_costs_what_it_gives(hub: Hub, generic: bool) -> None:
    for direction in ("in", "both"):
        asked = hub.related(direction=direction)
        for more in ({}, {"filter": {"data.number": {"$gte": 0}}},
                     {"node_type_id": hub.node_type["id"]}):
            plan = hub.plan(generic, **asked, **more)
            assert pages_read(plan) < 300
            assert not [one for one in nodes_of(plan) if one["Node Type"] == "Seq Scan"
                        and one.get("Relation Name") != "tenants"]
            # Sorted are at most the few relationships of which the last are looked for.
            assert not [one for one in nodes_of(plan) if one["Node Type"] == "Sort"
                        and one["Plans"][0]["Actual Rows"] > 200]
    # Ordered by something else, all that are related are looked at, and no more.
    plan = hub.plan(generic, **hub.related(direction="in"), sort=["data.number"])
    assert pages_read(plan) < 40_000
    assert not [one for one in nodes_of(plan) if one["Node Type"] == "Seq Scan"]


@pytest.mark.long
def test_what_is_brought_along_is_looked_up_once_for_each_row_that_is_shown(hub: Hub) -> None:
    expand = {"near": {"direction": "out", "expand": {"further": {"direction": "in", "limit": 2}}}}
    plan = hub.plan(False, pagination={"page_size": 5}, expand=expand)
    assert pages_read(plan) < 2000
    looked = [one for one in nodes_of(plan) if one.get("Relation Name") == "relationships"]
    assert looked and all("Index" in one["Node Type"] for one in looked)
    # Once for each row of the page and for the one that tells whether there is a next. Before it in
    # the plan stands what is looked at only where two relationships join the same nodes.
    assert next(filter(None, (one["Actual Loops"] for one in looked))) == 6
    start = node_id(hub.node_type, 1)
    assert pages_read(hub.plan(False, "get_node", id=start, expand=expand)) < 500


def test_what_is_brought_along_is_planned_once_for_many_calls(
        new_service: Callable[..., Service]) -> None:
    # Of what stands elsewhere, PostgreSQL's estimates are others.
    service = new_service()
    node_type = service.node_type(service.tenant())
    service.node(node_type)
    of = {"tenant_id": node_type["tenant_id"]}
    plain = {"near": {"type": "part_of", "direction": "out"}}
    kept = [statement_of(service, "list_nodes", of | {"expand": expand})
            for expand in (plain, plain | {"far": {"limit": 3, "count": True}})]
    assert all(statement.query.lasting for statement in kept)
    others: list[dict[str, Any]] = [
        {"expand": {"near": {"filter": {"version": 1}}}}, {"expand": plain, "fields": ["id"]},
        {"expand": plain, "sort": ["data.n"]}, {"expand": {"near": {"expand": plain}}},
        {"expand": plain, "filter": {"version": 1}}, {"expand": {n: {} for n in "abc"}}]
    assert not any(statement_of(service, "list_nodes", of | other).query.lasting
                   for other in others)
    assert times_planned(service, kept) == [5] * len(kept)
