"""Random rules, records and calls, held against a model that knows in Python what is visible."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flexdb.config import Settings
from tests.support.callers import closed, with_key
from tests.support.query_model import OF_RULES, matches
from tests.support.service import RpcError, Service

Row = dict[str, Any]
KNOWN: Row = {"me": "x", "teams": ["x", "y"], "alone": "y"}
ME: Row = {"$caller": "attributes.me"}
GRANTS = st.sampled_from([
    True, True, False, {"data.owner": ME}, {"data.owner": {"$ne": ME}},
    {"data.team": {"$in": {"$caller": "attributes.teams"}}},
    {"data.team": {"$nin": {"$caller": "attributes.alone"}}},
    {"$or": [{"data.owner": ME}, {"data.team": "z"}]}, {"$not": {"data.locked": True}},
    {"version": {"$lt": 3}}, {"data.owner": {"$ne": {"$caller": "attributes.none"}}},
    {"data.tags": {"$contains": ME}, "version": {"$gte": 1}}])
DATA = st.fixed_dictionaries({}, optional={
    "owner": st.sampled_from(["x", "y", None, ["x", "y"]]), "team": st.sampled_from("xyz"),
    "locked": st.booleans(), "tags": st.lists(st.sampled_from("xy"), max_size=2) | st.just("xy")})
FILTERS = st.sampled_from([
    {}, {"data.owner": "x"}, {"data.locked": {"$ne": True}}, {"version": 2},
    {"$or": [{"data.team": "y"}, {"data.owner": {"$exists": False}}]}])
NODES, EDGES, CALLS = 6, 7, 12
METHODS = st.sampled_from([
    "get_node", "list_nodes", "list_nodes", "update_node", "patch_node", "create_node",
    "create_nodes", "delete_node", "update_nodes", "delete_nodes",
    "create_relationship", "get_relationship",
    "update_relationship", "delete_relationship", "list_relationships", "traverse",
    "shortest_path", "get_neighbors"])


class Doors(NamedTuple):
    """The service without keys, and where everyone needs one."""

    open: Service
    closed: Service


@pytest.fixture(scope="module")
def doors(new_database: Callable[..., Settings]) -> Iterator[Doors]:
    made = new_database()
    doors = Doors(Service.of(made), closed(made))
    yield doors
    for service in doors:
        service.close()


def filled(filter: Any) -> Any:
    """Return a filter with what is known of the caller; False where something is not known."""
    if isinstance(filter, dict) and filter.keys() == {"$caller"}:
        return KNOWN.get(filter["$caller"].removeprefix("attributes."), False)
    if isinstance(filter, list):
        inner = [filled(one) for one in filter]
        return False if any(one is False for one in inner) else inner
    if not isinstance(filter, dict):
        return filter
    found = {name: filled(value) for name, value in filter.items()}
    for name in found.keys() & {"$in", "$nin"}:
        found[name] = found[name] if isinstance(found[name], list) else [found[name]]
    return False if any(found[name] is False and filter[name] is not False for name in found
                        ) else found


class Model:
    """A tenant with its records, what one of its callers should find there, and that caller."""

    def __init__(self, doors: Doors, draw: Callable[[Any], Any]) -> None:
        self.open, self.draw = doors.open, draw
        self.tenant = doors.open.tenant()
        self.types = [doors.open.node_type(self.tenant)["id"] for _ in range(2)]
        self.nodes: dict[str, Row] = {}
        self.edges: dict[str, Row] = {}
        for _ in range(NODES):
            self.keep(self.as_operator("create_node", self.new_node())["node"])
        for _ in range(EDGES):
            ends = self.new_edge()
            self.edges[ends["id"]] = self.as_operator("create_relationship", ends)["relationship"]
        named = draw(st.lists(st.sampled_from([None, *self.types]), min_size=1, max_size=3,
                              unique=True))
        self.grants = {id: {"read": draw(GRANTS), "write": draw(GRANTS)} for id in named}
        grants = [({"node_type_id": id} if id else {}) | grant for id, grant in self.grants.items()]
        self.as_operator("create_role", {"name": "r", "based_on": "admin", "grants": grants})
        key = self.as_operator("create_key", {"name": "k", "role": "r", "attributes": KNOWN})["key"]
        self.caller = with_key(doors.closed, key["secret"], draw(st.sampled_from(
            ["jsonrpc", "rest"])))

    def as_operator(self, method: str, params: Row) -> Any:
        return self.open.call(method, params | {"tenant_id": self.tenant["id"]})

    def keep(self, node: Row) -> None:
        self.nodes[node["id"]] = node

    def new_node(self) -> Row:
        return {"id": str(uuid4()), "node_type_id": self.draw(st.sampled_from(self.types)),
                "data": self.draw(DATA)}

    def some(self, rows: dict[str, Row]) -> str:
        return str(self.draw(st.sampled_from([*rows] or [str(uuid4())])))

    def new_edge(self) -> Row:
        return {"id": str(uuid4()), "source_node_id": self.some(self.nodes),
                "target_node_id": self.some(self.nodes), "relationship_type": "r"}

    def may(self, what: str, node: Row) -> bool:
        grant = self.grants.get(node["node_type_id"], self.grants.get(None))
        filter = filled(grant[what]) if grant else False
        return filter if isinstance(filter, bool) else matches(node, filter, OF_RULES)

    def sees(self, id: str) -> bool:
        return id in self.nodes and self.may("read", self.nodes[id])

    def writes(self, node: Row) -> bool:
        return self.may("read", node) and self.may("write", node)

    def could_write(self, node: Row) -> bool:
        """Tell whether there may be nodes of the type that the caller writes."""
        grant = self.grants.get(node["node_type_id"], self.grants.get(None))
        return bool(grant) and all(filled(one) is not False for one in (grant or {}).values())

    def seen_edges(self) -> dict[str, Row]:
        return {id: edge for id, edge in self.edges.items()
                if self.sees(edge["source_node_id"]) and self.sees(edge["target_node_id"])}

    def ways(self, id: str) -> Iterator[tuple[str, str]]:
        """Give what can be seen at the other ends of a node's relationships."""
        for edge_id, edge in self.seen_edges().items():
            ends = edge["source_node_id"], edge["target_node_id"]
            if id in ends:
                yield ends[ends[0] == id], edge_id

    def distances(self, start: str) -> dict[str, int]:
        found, frontier = {start: 0}, [start]
        for at in frontier:
            for to, _ in self.ways(at):
                if to not in found:
                    found[to] = found[at] + 1
                    frontier.append(to)
        return found

    def ask(self, method: str, **params: Any) -> Any:
        """Return what a call gives, or the reason of its refusal."""
        try:
            return self.caller.call(method, params | {"tenant_id": self.tenant["id"]})
        except RpcError as error:
            return error.reason

    def forget(self, id: str) -> None:
        del self.nodes[id]
        self.edges = {edge_id: edge for edge_id, edge in self.edges.items()
                      if id not in (edge["source_node_id"], edge["target_node_id"])}

    def refusal(self, seen: bool, may: bool) -> str:
        return "NOT_FOUND" if not seen else "" if may else "PERMISSION_DENIED"

    def call(self, method: str) -> None:
        """Make a random call of a method and hold its answer against the model."""
        getattr(self, f"do_{method}")()

    def do_get_node(self) -> None:
        id = self.some(self.nodes)
        assert self.ask("get_node", id=id) == (
            {"node": self.nodes[id]} if self.sees(id) else "NOT_FOUND")

    def do_list_nodes(self) -> None:
        filter = self.draw(FILTERS)
        wanted = {id for id in self.nodes if self.sees(id) and matches(self.nodes[id], filter)}
        asked = {"filter": filter} if filter else {}
        found = self.ask("list_nodes", pagination={"page_size": 100}, **asked)
        assert {node["id"] for node in found["nodes"]} == wanted
        assert found["pagination"]["total_count"] == len(wanted)

    def change(self, id: str, becomes: Row, method: str, **given: Any) -> None:
        node = self.nodes[id]
        later = node | {"data": becomes, "version": node["version"] + 1}
        answer = self.ask(method, id=id, **given)
        refused = self.refusal(self.sees(id), self.writes(node) and self.writes(later))
        if refused:
            assert answer == refused
        else:
            assert answer["node"] | {"updated_at": ""} == later | {"updated_at": ""}
            self.keep(answer["node"])

    def do_update_node(self) -> None:
        data = self.draw(DATA)
        if self.nodes:
            self.change(self.some(self.nodes), data, "update_node", data=data)

    def do_patch_node(self) -> None:
        if self.nodes:
            id, patch = self.some(self.nodes), self.draw(DATA)
            data = {name: value for name, value in (self.nodes[id]["data"] | patch).items()
                    if value is not None or name not in patch}
            self.change(id, data, "patch_node", patch=patch)

    def do_create_node(self) -> None:
        node = self.new_node() | ({"id": self.some(self.nodes)} if self.draw(
            st.integers(0, 3)) == 0 else {})
        answer = self.ask("create_node", **node)
        if not self.could_write(node):
            assert answer == "PERMISSION_DENIED"
        elif node["id"] in self.nodes:
            assert answer == "ALREADY_EXISTS"
        elif not self.writes(node | {"version": 1}):
            assert answer == "PERMISSION_DENIED"
        else:
            self.keep(answer["node"])

    def do_create_nodes(self) -> None:
        nodes = [self.new_node() for _ in range(2)]
        answer = self.ask("create_nodes", nodes=nodes)
        if all(self.writes(node | {"version": 1}) for node in nodes):
            for node in answer["nodes"]:
                self.keep(node)
        else:
            assert answer == "PERMISSION_DENIED"

    def do_delete_node(self) -> None:
        id = self.some(self.nodes)
        refused = self.refusal(self.sees(id), self.sees(id) and self.writes(self.nodes[id]))
        assert self.ask("delete_node", id=id) == (refused or {})
        if not refused:
            self.forget(id)

    def do_update_nodes(self) -> None:
        filter, data = self.draw(FILTERS.filter(bool)), self.draw(DATA.filter(bool))
        fitting = [node for node in self.nodes.values()
                   if self.writes(node) and matches(node, filter)]
        made = [node | {"data": node["data"] | data, "version": node["version"] + 1}
                for node in fitting if node["data"] | data != node["data"]]
        answer = self.ask("update_nodes", filter=filter, max_affected=2, update={"$set": data})
        if len(fitting) > 2:
            assert answer == "INVALID_PARAMS"
        elif not all(map(self.writes, made)):
            assert answer == "PERMISSION_DENIED"
        else:
            assert answer == {"updated": len(made)}
            for node in made:
                found = self.as_operator("get_node", {"id": node["id"]})["node"]
                assert found | {"updated_at": ""} == node | {"updated_at": ""}
                self.keep(found)

    def do_delete_nodes(self) -> None:
        filter = self.draw(FILTERS.filter(bool))
        fitting = [id for id, node in self.nodes.items()
                   if self.writes(node) and matches(node, filter)]
        answer = self.ask("delete_nodes", filter=filter, max_affected=2)
        if len(fitting) > 2:
            assert answer == "INVALID_PARAMS"
        else:
            assert answer == {"deleted": len(fitting)}
            for id in fitting:
                self.forget(id)

    def do_create_relationship(self) -> None:
        edge = self.new_edge()
        source, target = edge["source_node_id"], edge["target_node_id"]
        refused = self.refusal(self.sees(source) and self.sees(target),
                               source in self.nodes and self.writes(self.nodes[source]))
        answer = self.ask("create_relationship", **edge)
        if refused:
            assert answer == refused
        else:
            self.edges[edge["id"]] = answer["relationship"]

    def do_get_relationship(self) -> None:
        id = self.some(self.edges)
        assert self.ask("get_relationship", id=id) == (
            {"relationship": self.edges[id]} if id in self.seen_edges() else "NOT_FOUND")

    def edge_refusal(self, id: str) -> str:
        seen = id in self.seen_edges()
        return self.refusal(seen, seen and self.writes(
            self.nodes[self.edges[id]["source_node_id"]]))

    def do_update_relationship(self) -> None:
        id = self.some(self.edges)
        answer = self.ask("update_relationship", id=id, data={"a": 1})
        if refused := self.edge_refusal(id):
            assert answer == refused
        else:
            self.edges[id] = answer["relationship"]

    def do_delete_relationship(self) -> None:
        id = self.some(self.edges)
        refused = self.edge_refusal(id)
        assert self.ask("delete_relationship", id=id) == (refused or {})
        if not refused:
            del self.edges[id]

    def do_list_relationships(self) -> None:
        found = self.ask("list_relationships", pagination={"page_size": 100})
        assert {edge["id"] for edge in found["relationships"]} == {*self.seen_edges()}
        assert found["pagination"]["total_count"] == len(self.seen_edges())

    def do_traverse(self) -> None:
        start = self.some(self.nodes)
        answer = self.ask("traverse", start=start, direction="both", max_depth=10)
        if not self.sees(start):
            assert answer == "NOT_FOUND"
        else:
            assert {one["node"]["id"]: one["depth"] for one in answer["visits"]} == {
                id: depth for id, depth in self.distances(start).items() if depth}

    def do_shortest_path(self) -> None:
        source, target = self.some(self.nodes), self.some(self.nodes)
        answer = self.ask("shortest_path", source_node_id=source, target_node_id=target,
                          direction="both")
        if not (self.sees(source) and self.sees(target)):
            assert answer == "NOT_FOUND"
        else:
            path = answer["path"]
            assert (path and path["length"]) == self.distances(source).get(target)

    def do_get_neighbors(self) -> None:
        id = self.some(self.nodes)
        answer = self.ask("get_neighbors", id=id, pagination={"page_size": 100})
        if not self.sees(id):
            assert answer == "NOT_FOUND"
        else:
            assert sorted((one["node"]["id"], one["relationship"]["id"])
                          for one in answer["neighbors"]) == sorted(self.ways(id))
            assert answer["pagination"]["total_count"] == len([*self.ways(id)])

    def check_stored(self) -> None:
        """Hold all that is stored against the model."""
        page = {"pagination": {"page_size": 100}}
        stored = self.as_operator("list_nodes", page)["nodes"]
        assert {node["id"]: node for node in stored} == self.nodes
        edges = self.as_operator("list_relationships", page)["relationships"]
        assert {edge["id"]: edge for edge in edges} == self.edges


@pytest.mark.longest
@pytest.mark.long
def test_whatever_the_rules_a_caller_finds_and_changes_what_they_let_through(doors: Doors) -> None:
    # Each example makes a tenant of its own, so that to shorten one would take minutes.
    @settings(max_examples=60, suppress_health_check=list(HealthCheck),
              phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(data=st.data())
    def walk(data: st.DataObject) -> None:
        model = Model(doors, data.draw)
        for method in data.draw(st.lists(METHODS, min_size=CALLS, max_size=CALLS)):
            model.call(method)
        model.check_stored()

    walk()
