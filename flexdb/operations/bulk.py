"""Many at once: nodes and relationships created by the thousand, all or none."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import orjson

from flexdb.plan import Result, Row, Statement, Steps
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, NotFound
from flexdb.operations import nodes, relationships
from flexdb.contract.fields import NEW_ID, TENANT_ID
from flexdb.contract.json_fields import DataParams
from flexdb.contract.objects import Objects
from flexdb.contract.operation import Loaded, ask, operation
from flexdb.contract.params import Params
from flexdb.documents.schemas import CACHE, MOST_VIOLATIONS, VIOLATES, cache_key

MOST_ITEMS = 10_000
# How many of the wrong ones the message names; ``fields`` has them all.
_MOST_TOLD = 5


class NodeItem(Params):
    node_type_id = nodes.NODE_TYPE_ID(required=True)
    data = nodes.DATA(load_default="{}")
    id = NEW_ID()


class NewNodes(DataParams):
    tenant_id = TENANT_ID(required=True)
    nodes = Objects("The nodes to create, 1 to 10,000.", NodeItem, MOST_ITEMS, required=True,
                    example=[{"node_type_id": "01a208bc-3d00-7d5c-861e-e1a8d0a9b837",
                              "data": {"title": "Complete project"}}])


class RelationshipItem(Params):
    source_node_id = relationships.SOURCE_NODE_ID(required=True)
    target_node_id = relationships.TARGET_NODE_ID(required=True)
    relationship_type = relationships.RELATIONSHIP_TYPE(required=True)
    data = relationships.DATA(load_default="{}")
    id = NEW_ID()


class NewRelationships(Params):
    tenant_id = TENANT_ID(required=True)
    relationships = Objects("The relationships to create, 1 to 10,000.", RelationshipItem,
                            MOST_ITEMS, required=True, example=[{
                                "source_node_id": "01a208bc-3d00-7d5c-861e-e1a8d0a9b837",
                                "target_node_id": "01a208bc-3d00-7d5c-861e-e1a8d0a9b837",
                                "relationship_type": "depends_on"}])


@operation(NewNodes, returns=nodes.Node, wrapper="nodes")
def create_nodes(params: Loaded) -> Steps:
    """Create up to 10,000 nodes, all or none, each of which must fit its type's schema."""
    def steps() -> Generator[Statement, Row | None, Result]:
        items = params["nodes"]
        wanted = {item["node_type_id"] for item in items}
        row = yield ask("get_schemas_of_types", params | {"ids": sorted(wanted)})
        found = {id: CACHE.put(cache_key(params["settings"], params["tenant_id"], id), *schema)
                 for id, *schema in zip(*(column or [] for column in row or ()))}
        _refuse_missing("nodes", items, {"node_type_id": "node type"}, wanted - found.keys())
        violations: list[dict[str, Any]] = []
        for place, item in enumerate(items):
            for violation in found[item["node_type_id"]].violations(item["data"].encode()):
                violations.append({"index": place, **violation})
        if violations:
            raise _refusal(InvalidParams, "nodes", (
                (violation["index"], "data", VIOLATES) for violation in violations),
                violations=violations[:MOST_VIOLATIONS])
        return (yield from _insert("create_nodes", params, "nodes"))

    return Steps("create_nodes", steps)


@operation(NewRelationships, returns=relationships.Relationship, wrapper="relationships")
def create_relationships(params: Loaded) -> Steps:
    """Create up to 10,000 relationships between nodes of a tenant, all or none."""
    def steps() -> Generator[Statement, Row | None, Result]:
        items, ends = params["relationships"], ("source_node_id", "target_node_id")
        wanted = {item[end] for item in items for end in ends}
        row = yield ask("get_missing_nodes", params | {"ids": sorted(wanted)}, long=True)
        missing = set(row[0] or ()) if row else wanted
        _refuse_missing("relationships", items,
                        {"source_node_id": "source node", "target_node_id": "target node"}, missing)
        return (yield from _insert("create_relationships", params, "relationships"))

    return Steps("create_relationships", steps)


def _insert(name: str, params: Loaded, wrapper: str) -> Generator[Statement, Row | None, Result]:
    items = params[wrapper]
    text = orjson.dumps([item | {"data": orjson.Fragment(item["data"])} for item in items])
    row = yield ask(name, {"tenant_id": params["tenant_id"], "items": text.decode()}, long=True)
    created, taken = row or (None, None)
    first: dict[str, int] = {}
    twice = {place for place, item in enumerate(items)
             if first.setdefault(item["id"], place) < place}
    if faults := sorted(twice.union(taken or ())):
        raise _refusal(AlreadyExists, wrapper, (
            (place, "id", "is given twice" if place in twice else "is taken") for place in faults))
    return Result(b'{"%b":%b}' % (wrapper.encode(), created))


def _refuse_missing(wrapper: str, items: list[Loaded], things: dict[str, str], missing: set[str]
                    ) -> None:
    if missing:
        raise _refusal(NotFound, wrapper, (
            (place, field, f"names no {thing}") for place, item in enumerate(items)
            for field, thing in things.items() if item[field] in missing))


def _refusal(kind: type[FlexdbError], wrapper: str, faults: Iterable[tuple[int, str, str]],
             **data: Any) -> FlexdbError:
    """Return an error that names every wrong item by its place."""
    fields = {f"{wrapper}.{place}.{field}": [wrong] for place, field, wrong in faults}
    told = "; ".join(f"{name} {wrong}" for name, (wrong,) in list(fields.items())[:_MOST_TOLD])
    begin = "invalid parameters: " if kind is InvalidParams else ""
    return kind(f"{begin}{told}", fields, **data)
