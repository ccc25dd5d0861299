"""Many at once: nodes and relationships made by the thousand, and nodes deleted by a filter."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial
from typing import Any

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Integer
from flexdb.contract.gives import many, one
from flexdb.contract.ids import give_ids
from flexdb.contract.members import ITEM_ID, TENANT_ID
from flexdb.contract.objects import Objects
from flexdb.contract.operation import CREATES, DELETES, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents.schemas import Compiled, violates
from flexdb.documents.validators import MOST_VIOLATIONS, Violation
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, NotFound
from flexdb.errors.clashes import NotUnique
from flexdb.operations import nodes, relationships
from flexdb.operations.contracts import THING, held_schemas
from flexdb.operations.node_types import stored_schema
from flexdb.operations.statements import step, with_caller
from flexdb.plan import Result, Row, Statement, Steps, Walk
from flexdb.query.filters import condition
from flexdb.query.parameters import FILTER
from flexdb.sql.loader import filled

MOST_ITEMS, MOST_DELETED = 10_000, 1_000_000
# In examples.
_ID = "01a208bc-3d00-7d5c-861e-e1a8d0a9b837"


class NodeItem(Params):
    node_type_id = nodes.NODE_TYPE_ID(required=True)
    data = nodes.DATA(load_default=b"{}")
    id = ITEM_ID()


class NewNodes(Params):
    tenant_id = TENANT_ID(required=True)
    nodes = Objects("The nodes to create, 1 to 10,000.", NodeItem, MOST_ITEMS, required=True,
                    example=[{"node_type_id": _ID, "data": {"title": "Complete project"}}])


class RelationshipItem(Params):
    source_node_id = relationships.SOURCE_NODE_ID(required=True)
    target_node_id = relationships.TARGET_NODE_ID(required=True)
    relationship_type = relationships.RELATIONSHIP_TYPE(required=True)
    data = relationships.DATA(load_default=b"{}")
    id = ITEM_ID()


class NewRelationships(Params):
    tenant_id = TENANT_ID(required=True)
    relationships = Objects(
        "The relationships to create, 1 to 10,000.", RelationshipItem, MOST_ITEMS, required=True,
        example=[{"source_node_id": _ID, "target_node_id": _ID, "relationship_type": "depends_on"}])


class Deletion(Schema):
    """What was deleted."""

    deleted = Integer("How many nodes were deleted.", least=0)


class NodeDeletion(Params):
    tenant_id = TENANT_ID(required=True)
    filter = FILTER(required=True)
    max_affected = Integer("When more nodes fit, none is deleted.", least=1, most=MOST_DELETED,
                           load_default=1000)


@operation(NewNodes, gives=many(nodes.Node, "nodes"),
           effect=CREATES, of=TENANT, access=Access.WRITE, rules=Heed.HELD, long=True)
def create_nodes(context: Context, params: Loaded) -> Steps:
    """Create up to 10,000 nodes, all or none, each of which must fit its type's schema."""
    return Steps("create_nodes", partial(_create_nodes, context, params, give_ids(params["nodes"])))


def _create_nodes(context: Context, params: Loaded, are_new: bool) -> Walk:
    items = params["nodes"]
    found, unusable, missing = yield from schemas_of(context, params["tenant_id"], items)
    _refuse_missing("nodes", items, {"node_type_id": "node type"}, missing)
    if unusable:
        raise _refusal(InvalidParams, "nodes", (
            (place, "node_type_id", unusable[item["node_type_id"]])
            for place, item in enumerate(items) if item["node_type_id"] in unusable))
    items = [nodes.with_defaults(context, item, found[item["node_type_id"]], f"nodes.{place}.")
             for place, item in enumerate(items)]
    _refuse_violations("nodes", items, "node_type_id", found, "node type")
    name = "create_new_nodes" if are_new else "create_nodes"
    return (yield from _insert(context, name, params | {"nodes": items}, "nodes"))


def schemas_of(context: Context, tenant_id: str, items: list[Loaded]
               ) -> Generator[Statement, Any, tuple[dict[str, Compiled], dict[str, str], set[str]]]:
    """Read and lock the schemas of the types of nodes that are to be written.

    :return: by the ids of types, those schemas, and why one cannot be used; and the ids that name
        no type
    """
    wanted = {item["node_type_id"] for item in items}
    known = {"tenant_id": tenant_id, "ids": sorted(wanted)}
    row = yield step(context, "get_schemas_of_types", known)
    found, unusable = {}, {}
    for id, *schema in zip(*(column or [] for column in row or ())):
        try:
            found[id] = stored_schema(context, tenant_id, id, *schema)
        except InvalidParams as error:
            (unusable[id],) = error.data["fields"]["node_type_id"]
    return found, unusable, wanted - found.keys() - unusable.keys()


@operation(NewRelationships, gives=many(relationships.Relationship, "relationships"),
           effect=CREATES, of=TENANT, access=Access.WRITE, rules=Heed.HELD, long=True)
def create_relationships(context: Context, params: Loaded) -> Steps:
    """Create up to 10,000 relationships between nodes of a tenant, all or none."""
    return Steps("create_relationships", partial(
        _create_relationships, context, params, give_ids(params["relationships"])))


def _create_relationships(context: Context, params: Loaded, are_new: bool) -> Walk:
    items, ends = params["relationships"], ("source_node_id", "target_node_id")
    wanted = {item[end] for item in items for end in ends}
    row = yield step(context, "get_missing_nodes", params | {"ids": sorted(wanted)})
    missing = set(row[0] or ()) if row else wanted
    _refuse_missing("relationships", items,
                    {"source_node_id": "source node", "target_node_id": "target node"}, missing)
    held = yield from held_schemas(context, params["tenant_id"],
                                   {item["relationship_type"] for item in items})
    _refuse_violations("relationships", items, "relationship_type", held, THING)
    name = "create_new_relationships" if are_new else "create_relationships"
    try:
        return (yield from _insert(context, name, params, "relationships"))
    except FlexdbError as error:
        raise _placed(error, items) from None


def _placed(error: FlexdbError, items: list[Loaded]) -> FlexdbError:
    """Return an error about a relationship as one about the item that it is of."""
    for place, item in enumerate(items):
        if item["id"] == error.data.get("relationship_id"):
            fields = {f"relationships.{place}.{name}": wrong
                      for name, wrong in error.data["fields"].items()}
            return type(error)(fields=fields, relationship_id=item["id"])
    return error


@operation(NodeDeletion, gives=one(Deletion), effect=DELETES, of=TENANT, access=Access.SCHEMA,
           rules=Heed.HELD, long=True)
def delete_nodes(context: Context, params: Loaded) -> Statement:
    """Delete the nodes that fit a filter, with their relationships; all of them or none."""
    if not params["filter"]:
        raise InvalidParams(fields={"filter": ["may not be empty: say which nodes"]})
    wanted, arguments = condition(params["filter"], nodes.MEMBERS, "n")

    def read(row: Row | None) -> Result:
        if row is None:
            raise NotFound.of("tenant_id")
        deletion, total = row
        if total > params["max_affected"]:
            raise InvalidParams(fields={
                "max_affected": ["is less than the nodes that fit; none was deleted"]})
        return Result(deletion, rows=total)

    query = filled("delete_nodes", context.json_fields, wanted)
    return Statement(query, with_caller(context, query, params | arguments), read)


def _refuse_violations(wrapper: str, items: list[Loaded], typed_by: str,
                       schemas: dict[str, Compiled], thing: str) -> None:
    """Refuse items whose data does not fit the schema of their type, which is a ``thing``."""
    if found := violations_in(items, schemas, wrapper, typed_by):
        raise _refusal(
            InvalidParams, wrapper, ((place, "data", violates(thing)) for place in found),
            violations=[{"index": place, **violation} for place, told in found.items()
                        for violation in told])


def violations_in(items: list[Loaded], schemas: dict[str, Compiled], wrapper: str = "nodes",
                  typed_by: str = "node_type_id") -> dict[int, list[Violation]]:
    """Return what is wrong with the data of each item that does not fit, by its place.

    :param schemas: those of the types, by the name that an item has for its type
    :param wrapper: the parameter to blame when telling takes too long
    :param typed_by: the member of an item that names its type
    """
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if item[typed_by] in schemas:
            places.setdefault(item[typed_by], []).append(place)
    found: dict[int, list[Violation]] = {}
    most = MOST_VIOLATIONS
    for name, of_type in places.items():
        texts = [items[place]["data"] for place in of_type]
        wrong = schemas[name].all_violations(texts, most, wrapper)
        found |= {of_type[number]: told for number, told in wrong.items()}
        most -= sum(map(len, wrong.values()))
    return dict(sorted(found.items()))


def _insert(context: Context, name: str, params: Loaded, wrapper: str) -> Walk:
    items = params[wrapper]
    columns = {f"{member}s": [item[member] for item in items]
               for member in items[0].keys() - {"data"}}
    data = b"[%b]" % b",".join(item["data"] for item in items)
    try:
        row = yield step(context, name, params | columns | {"data": data})
    except NotUnique as error:
        raise not_unique(error, wrapper, items) from None
    created, *taken = row or (b"[]",)
    first: dict[str, int] = {}
    twice = {at for at, item in enumerate(items) if first.setdefault(item["id"], at) < at}
    if faults := sorted(twice.union(*filter(None, taken))):
        raise _refusal(AlreadyExists, wrapper, (
            (place, "id", "is given twice" if place in twice else "is taken") for place in faults))
    return Result(b'{"%b":%b}' % (wrapper.encode(), created), rows=len(items))


def not_unique(error: NotUnique, wrapper: str, items: list[Loaded]) -> AlreadyExists:
    """Return the error with the places of the items that have what only one may have."""
    places = {item["id"]: place for place, item in enumerate(items)}
    fields: dict[str, list[str]] = {}
    clashes = []
    for clash in sorted(error.clashes, key=lambda clash: places[clash.id]):
        index, twice = places[clash.id], clash.other in places
        fields |= clash.fields("is given twice" if twice else "is taken", f"{wrapper}.{index}.")
        clashes.append({"index": index, "id": None if twice else clash.other})
    return AlreadyExists(fields=fields, clashes=clashes)


def _refuse_missing(wrapper: str, items: list[Loaded], things: dict[str, str], missing: set[str]
                    ) -> None:
    if missing:
        raise _refusal(NotFound, wrapper, (
            (place, field, f"names no {thing}") for place, item in enumerate(items)
            for field, thing in things.items() if item[field] in missing))


def _refusal(kind: type[FlexdbError], wrapper: str, faults: Iterable[tuple[int, str, str]],
             **data: Any) -> FlexdbError:
    """Return an error that names every wrong item by its place."""
    return kind(fields={f"{wrapper}.{place}.{field}": [wrong] for place, field, wrong in faults},
                **data)
