"""The graph: walks, shortest paths and neighbours, held against a walk in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from flexdb.contract.operation import OPERATIONS
from flexdb.sql.loader import STATEMENTS, filled
from tests.support.graph_data import fill, node_id
from tests.support.plans import pages_read, run_plan
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors

Edge = tuple[int, int, str]


@dataclass
class Graph:
    """A tenant with numbered nodes, the odd ones of a second type, and numbered relationships."""

    service: Service
    size: int
    edges: list[Edge]
    tenant: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.tenant = self.service.tenant()
        self.types = [self.service.node_type(self.tenant)["id"] for _ in range(2)]
        with connect(self.service.settings) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO nodes (tenant_id, id, node_type_id) VALUES (%s, %s, %s)",
                [(self.id, self.node(n), self.types[n % 2]) for n in range(self.size)])
            cursor.executemany(
                "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id,"
                " relationship_type, created_at) VALUES (%s, %s, %s, %s, %s, 'epoch')",
                [(self.id, self.node(place), self.node(source), self.node(target), kind)
                 for place, (source, target, kind) in enumerate(self.edges)])

    @property
    def id(self) -> str:
        return str(self.tenant["id"])

    @staticmethod
    def node(number: int) -> str:
        return str(UUID(int=number + 1))

    def number(self, thing: dict[str, Any]) -> int:
        return UUID(thing["id"]).int - 1

    def steps(self, node: int, direction: str, kinds: list[str] | None
              ) -> Iterator[tuple[int, int]]:
        """Give the numbers of the relationships that may be followed from a node, and where to."""
        for place, (source, target, kind) in enumerate(self.edges):
            if kinds is None or kind in kinds:
                if direction != "in" and source == node:
                    yield place, target
                if direction != "out" and target == node:
                    yield place, source

    def walk(self, start: int, direction: str, kinds: list[str] | None, max_depth: int
             ) -> dict[int, tuple[int, int | None]]:
        """Return the nodes reached, each with its depth and the relationship it was reached by."""
        reached: dict[int, tuple[int, int | None]] = {start: (0, None)}
        frontier = [start]
        for depth in range(1, max_depth + 1):
            found = sorted(step for node in frontier for step in self.steps(node, direction, kinds))
            frontier = []
            for place, node in found:
                if node not in reached:
                    reached[node] = (depth, place)
                    frontier.append(node)
        return reached

    def traverse(self, start: int = 0, **given: Any) -> Any:
        return self.service.call("traverse", {"tenant_id": self.id, "start": self.node(start)}
                                 | given)

    def visits(self, start: int = 0, **given: Any) -> list[tuple[int, int, int | None]]:
        """Return what a walk gives: depth, node and relationship of each visit."""
        return [(visit["depth"], self.number(visit["node"]),
                 visit["relationship"] and self.number(visit["relationship"]))
                for visit in self.traverse(start, **given)["visits"]]

    def path(self, source: int, target: int, **given: Any) -> Any:
        return self.service.call("shortest_path", {
            "tenant_id": self.id, "source_node_id": self.node(source),
            "target_node_id": self.node(target)} | given)

    def neighbors(self, node: int, **given: Any) -> Any:
        return self.service.call("get_neighbors", {"tenant_id": self.id, "id": self.node(node)}
                                 | given)


DIRECTIONS = st.sampled_from(["out", "in", "both"])
KINDS = st.none() | st.lists(st.sampled_from("abc"), min_size=1, max_size=2)
NUMBERS = st.integers(0, 5)
EDGES = st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from("ab")), max_size=12)


def given_only(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.long
@given(st.data(), EDGES)
@settings(derandomize=True, max_examples=25,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_graph_is_walked_as_a_walk_in_python_does(service: Service, data: st.DataObject,
                                                      edges: list[Edge]) -> None:
    graph = Graph(service, 6, edges)
    for _ in range(4):
        start, direction, kinds = data.draw(NUMBERS), data.draw(DIRECTIONS), data.draw(KINDS)
        least, more = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 4))
        types = data.draw(st.none() | st.lists(st.sampled_from(graph.types), min_size=1))
        limit = data.draw(st.integers(1, 7))
        wanted = sorted((depth, node, place) for node, (depth, place)
                        in graph.walk(start, direction, kinds, least + more).items()
                        if depth >= least and (types is None or graph.types[node % 2] in types))
        asked = given_only(direction=direction, relationship_types=kinds, min_depth=least,
                           max_depth=least + more, node_type_ids=types, limit=limit)
        assert graph.visits(start, **asked) == wanted[:limit]
        assert graph.traverse(start, **asked)["truncated"] is (len(wanted) > limit)


@pytest.mark.long
@given(st.data(), EDGES)
@settings(derandomize=True, max_examples=25,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_graph_a_path_is_one_and_none_is_shorter(service: Service, data: st.DataObject,
                                                        edges: list[Edge]) -> None:
    graph = Graph(service, 6, edges)
    for _ in range(5):
        source, target, most = (data.draw(NUMBERS) for _ in range(3))
        direction, kinds = data.draw(DIRECTIONS), data.draw(KINDS)
        result = graph.path(source, target, **given_only(
            direction=direction, relationship_types=kinds, max_depth=most))
        reached = graph.walk(source, direction, kinds, most)
        assert result["truncated"] is False
        if target not in reached:
            assert result["path"] is None
            continue
        path = result["path"]
        nodes = [graph.number(node) for node in path["nodes"]]
        places = [graph.number(relationship) for relationship in path["relationships"]]
        assert path["length"] == len(places) == reached[target][0]
        assert (nodes[0], nodes[-1]) == (source, target) and len(nodes) == len(places) + 1
        for before, place, after in zip(nodes, places, nodes[1:]):
            assert (place, after) in graph.steps(before, direction, kinds)


@pytest.mark.long
@given(st.data(), EDGES)
@settings(derandomize=True, max_examples=20,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_graph_a_neighbor_is_there_once_for_each_relationship(
        service: Service, data: st.DataObject, edges: list[Edge]) -> None:
    graph = Graph(service, 6, edges)
    node, direction, kinds = data.draw(NUMBERS), data.draw(DIRECTIONS), data.draw(KINDS)
    asked = given_only(direction=direction, relationship_types=kinds)
    wanted = sorted(set(graph.steps(node, direction, kinds)), reverse=True)
    token, found = "", []
    for _ in range(len(wanted) // 2 + 1):
        page = graph.neighbors(node, **asked, pagination={"page_size": 2, "page_token": token})
        token = page["pagination"]["next_page_token"]
        assert page["pagination"]["total_count"] == len(wanted)
        found += [(graph.number(one["relationship"]), graph.number(one["node"]))
                  for one in page["neighbors"]]
        if not token:
            break
    assert found == wanted and not token


def test_a_visit_holds_the_node_and_the_relationship_as_they_are(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    start, reached = (service.node(node_type, data={"number": n}) for n in (1, 2))
    by = service.relationship(start, reached, data={"weight": 1.50})
    place = {"tenant_id": node_type["tenant_id"], "start": start["id"], "min_depth": 0}
    assert service.call("traverse", place) == {"truncated": False, "visits": [
        {"depth": 0, "node": start, "relationship": None},
        {"depth": 1, "node": reached, "relationship": by}]}
    assert service.call("shortest_path", tenant_id=node_type["tenant_id"], direction="in",
                        source_node_id=reached["id"], target_node_id=start["id"]) == {
        "path": {"length": 1, "nodes": [reached, start], "relationships": [by]},
        "truncated": False}
    assert service.call("get_neighbors", tenant_id=node_type["tenant_id"], id=reached["id"]) == {
        "neighbors": [{"node": start, "relationship": by}],
        "pagination": {"next_page_token": "", "total_count": 1}}


def test_types_of_nodes_choose_what_is_given_and_not_where_the_walk_goes(service: Service
                                                                         ) -> None:
    graph = Graph(service, 5, [(0, 1, "a"), (1, 2, "a"), (2, 3, "a"), (3, 4, "a")])
    assert graph.visits(max_depth=4, node_type_ids=graph.types[:1]) == [(2, 2, 1), (4, 4, 3)]
    assert graph.visits(node_type_ids=[str(uuid4())]) == []


def test_the_defaults_are_out_from_one_to_three_and_ten_for_a_path(service: Service) -> None:
    graph = Graph(service, 13, [(n, n + 1, "a") for n in range(12)])
    assert graph.visits(1) == [(1, 2, 1), (2, 3, 2), (3, 4, 3)]
    assert graph.path(0, 10)["path"]["length"] == 10
    assert graph.path(0, 11) == {"path": None, "truncated": False}
    assert [graph.number(one["node"]) for one in graph.neighbors(1)["neighbors"]] == [2, 0]


@pytest.mark.parametrize("depths, reached", [
    ({"max_depth": 0}, [0]), ({"max_depth": 0, "min_depth": 0}, [0]), ({"max_depth": 1}, [1]),
    ({"min_depth": 0, "max_depth": 1}, [0, 1]), ({"min_depth": 2}, [2, 3])], ids=str)
def test_who_follows_no_relationship_is_given_the_start(
        service: Service, depths: dict[str, int], reached: list[int]) -> None:
    graph = Graph(service, 5, [(n, n + 1, "a") for n in range(4)])
    assert [node for _, node, _ in graph.visits(**depths)] == reached
    refused = refusal(service, "traverse", tenant_id=graph.id, start=graph.node(0), max_depth=0,
                      min_depth=1)
    assert "may be at most max_depth, which is 0" in str(refused)


def test_a_path_to_the_node_itself_has_no_relationships(service: Service) -> None:
    graph = Graph(service, 1, [(0, 0, "a")])
    path = graph.path(0, 0, max_depth=0)["path"]
    assert (path["length"], len(path["nodes"]), path["relationships"]) == (0, 1, [])


@pytest.mark.parametrize("method, param", [
    ("traverse", "start"), ("shortest_path", "source_node_id"),
    ("shortest_path", "target_node_id"), ("get_neighbors", "id")])
def test_a_node_that_is_not_in_the_tenant_is_not_found(service: Service, method: str, param: str
                                                       ) -> None:
    graph, other = Graph(service, 2, [(0, 1, "a")]), Graph(service, 3, [(0, 1, "a"), (1, 2, "a")])
    asked = {"tenant_id": graph.id, "start": graph.node(0), "id": graph.node(0),
             "source_node_id": graph.node(0), "target_node_id": graph.node(1)}
    asked = {name: value for name, value in asked.items()
             if name in OPERATIONS[method].fields}
    assert service.call(method, asked)
    for absent in (other.node(2), str(uuid4())):
        refused = refusal(service, method, asked | {param: absent})
        assert (refused.code, set(refused.fields)) == (-32001, {param})
    assert refusal(service, method, asked | {"tenant_id": str(uuid4())}).code == -32001


def test_nothing_of_another_tenant_is_reached_even_with_the_same_ids(service: Service) -> None:
    graph = Graph(service, 4, [(0, 1, "a")])
    other = Graph(service, 4, [(1, 2, "a"), (2, 3, "a"), (0, 1, "b"), (3, 0, "a")])
    assert graph.visits(direction="both") == [(1, 1, 0)]
    assert graph.path(0, 3)["path"] is None and other.path(0, 3)["path"]["length"] == 3
    assert graph.neighbors(0)["pagination"]["total_count"] == 1


@pytest.mark.parametrize("method, wrong, path, told", [
    ("traverse", {"min_depth": 4}, "min_depth", "may be at most max_depth, which is 3"),
    ("traverse", {"max_depth": 101}, "max_depth", "may be at most 100"),
    ("traverse", {"limit": 10_001}, "limit", "may be at most 10,000"),
    ("traverse", {"limit": 0}, "limit", "must be at least 1"),
    ("traverse", {"direction": "up"}, "direction", "must be out, in or both"),
    ("traverse", {"relationship_types": ["a", " "]}, "relationship_types.1", "may not be blank"),
    ("traverse", {"node_type_ids": ["x"]}, "node_type_ids.0", "must be a UUID"),
    ("shortest_path", {"max_depth": -1}, "max_depth", "must be at least 0"),
    ("get_neighbors", {"relationship_types": []}, "relationship_types", "leave it out")])
def test_what_is_wrong_is_named_with_its_path(
        service: Service, method: str, wrong: dict[str, Any], path: str, told: str) -> None:
    graph = Graph(service, 1, [])
    names = {"traverse": ["start"], "shortest_path": ["source_node_id", "target_node_id"],
             "get_neighbors": ["id"]}[method]
    refused = refusal(service, method, {"tenant_id": graph.id} | wrong
                      | {name: graph.node(0) for name in names})
    assert (refused.code, set(refused.fields)) == (-32602, {path})
    assert told in str(refused)


def test_a_page_token_is_of_one_node_and_one_direction(service: Service) -> None:
    graph = Graph(service, 3, [(0, 1, "a"), (0, 2, "a"), (1, 0, "a"), (1, 2, "a")])
    pagination = {"page_size": 1}
    page = graph.neighbors(0, pagination=pagination)["pagination"]
    pagination["page_token"] = page["next_page_token"]
    assert graph.neighbors(0, pagination=pagination)
    for other in ({"id": graph.node(1)}, {"direction": "out"}, {"relationship_types": ["a"]}):
        refused = refusal(service, "get_neighbors", {
            "tenant_id": graph.id, "id": graph.node(0), "pagination": pagination} | other)
        assert set(refused.fields) == {"pagination.page_token"}


@pytest.mark.parametrize("direction", ["out", "both"])
def test_a_graph_in_which_all_hang_together_is_walked_at_once(service: Service, direction: str
                                                              ) -> None:
    graph = Graph(service, 40, [(a, b, "a") for a in range(40) for b in range(40)])
    result = graph.traverse(max_depth=100, direction=direction)
    assert {visit["depth"] for visit in result["visits"]} == {1}
    assert len(result["visits"]) == 39 and result["truncated"] is False
    assert graph.path(0, 39, max_depth=100, direction=direction)["path"]["length"] == 1


@pytest.fixture(scope="module")
def bounded(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service with small bounds."""
    service = Service.of(new_database(max_walk=10, max_page_bytes=1024))
    yield service
    service.close()


def test_a_walk_ends_when_it_has_looked_at_enough(bounded: Service) -> None:
    comb = [(n, n + 1, "a") for n in range(20)]
    graph = Graph(bounded, 21, comb)
    result = graph.traverse(max_depth=100)
    assert result["truncated"] is True and len(result["visits"]) <= 11
    assert graph.traverse(15, max_depth=100)["truncated"] is False
    assert graph.path(0, 20, max_depth=100) == {"path": None, "truncated": True}
    assert graph.path(0, 8, max_depth=100)["path"]["length"] == 8
    # Those of other types are looked at too.
    hub = Graph(bounded, 21, [(0, n, "a") for n in range(1, 20)])
    assert hub.traverse(relationship_types=["b"]) == {"visits": [], "truncated": True}


def test_a_walk_ends_when_its_json_is_large_but_gives_one_node(bounded: Service) -> None:
    node_type = bounded.node_type(bounded.tenant())
    start, *others = (bounded.node(node_type, data={"text": "x" * 2000}) for _ in range(3))
    for other in others:
        bounded.relationship(start, other)
    result = bounded.call("traverse", tenant_id=start["tenant_id"], start=start["id"])
    assert len(result["visits"]) == 1 and result["truncated"] is True
    listed = bounded.call("get_neighbors", tenant_id=start["tenant_id"], id=start["id"])
    assert len(listed["neighbors"]) == 1 and listed["pagination"]["next_page_token"]


def test_a_query_repeats_a_parameter_that_is_an_array(service: Service) -> None:
    graph = Graph(service, 4, [(0, 1, "a,b"), (0, 2, "c"), (0, 3, "d")])
    url = f"/tenants/{graph.id}/nodes/{graph.node(0)}"

    def get(path: str) -> Any:
        return service.app.test_client().get(url + path)

    found = get("/traverse?relationship_types=a,b&relationship_types=c&max_depth=1").json
    assert [graph.number(visit["node"]) for visit in found["visits"]] == [1, 2]
    assert len(get("/traverse?relationship_types=").json["visits"]) == 3
    assert get("/neighbors?direction=in").json["neighbors"] == []
    assert get(f"/shortest-path?target_node_id={graph.node(3)}").json["path"]["length"] == 1
    for wrong in ("limit=1&limit=2", "limit=ten", "limit=1e9"):
        response = get(f"/traverse?{wrong}")
        assert response.status_code == 400 and "limit" in response.json["error"]["data"]["fields"]


def test_walks_only_read_so_they_may_be_sent_again() -> None:
    assert not filled("traverse", "value", "TRUE").writes
    assert not STATEMENTS["value"]["shortest_path"].writes
    assert STATEMENTS["value"]["create_relationship"].writes


class Measured:
    """A random graph of some size, and what a call reads in it, in pages of PostgreSQL."""

    def __init__(self, service: Service, nodes: int) -> None:
        self.service = service
        self.node_type = service.node_type(service.tenant())
        with connect(service.settings) as connection:
            fill(connection, self.node_type, nodes, nodes * 2)

    def pages(self, method: str, generic: bool, **given: Any) -> tuple[int, Any]:
        """Return how many pages a call reads, and its result's first column."""
        plan, row = run_plan(self.service, method,
                             {"tenant_id": self.node_type["tenant_id"]} | given, generic)
        return pages_read(plan), row[0]


@pytest.fixture(scope="module")
def measured(new_database: Callable[..., Settings]) -> Iterator[list[Measured]]:
    """A graph, and one ten times as large, each in a database of its own."""
    services = [Service.of(new_database()) for _ in range(2)]
    yield [Measured(service, nodes) for service, nodes in zip(services, (1500, 15000))]
    for service in services:
        service.close()


@pytest.mark.long
@pytest.mark.parametrize("generic", [False, True], ids=["custom plan", "generic plan"])
def test_a_walk_costs_what_it_reaches_and_not_what_the_tenant_has(
        measured: list[Measured], generic: bool) -> None:
    costs = []
    for graph in measured:
        spent = reached = 0
        for number in range(5):
            pages, visits = graph.pages("traverse", generic, direction="both", max_depth=2,
                                        start=node_id(graph.node_type, number))
            spent, reached = spent + pages, reached + len(visits)
        assert reached > 50
        costs.append(spent / reached)
    assert costs[1] < 2 * costs[0] and max(costs) < 40


def test_a_path_is_searched_from_both_ends(measured: list[Measured]) -> None:
    small, large = measured
    pages = [graph.pages("shortest_path", False, direction="both",
                         source_node_id=node_id(graph.node_type, 1),
                         target_node_id=node_id(graph.node_type, 2))[0] for graph in (small, large)]
    # From one end it would look at about as many nodes as there are.
    assert pages[1] < 15000 and pages[1] < 6 * pages[0]
