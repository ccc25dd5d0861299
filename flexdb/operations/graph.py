"""The graph that a tenant's nodes and relationships are: walks, shortest paths, neighbours."""

from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Boolean, Id, Integer
from flexdb.contract.gives import one, paged
from flexdb.contract.members import TENANT_ID
from flexdb.contract.objects import Items, Object
from flexdb.contract.operation import READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.errors import AnswerTooLarge, InvalidParams, NotFound
from flexdb.operations import nodes, relationships
from flexdb.plan import Result, Row, Statement
from flexdb.query.expands import EXPAND, expanded
from flexdb.query.filters import condition
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, FIELDS, FILTER, SORT, together
from flexdb.query.projections import projection
from flexdb.query.related import DIRECTION, NEAR
from flexdb.sql.loader import STATEMENTS, filled
from flexdb.sql.pages import LAST_RELATED_FIRST

MOST_NODES, DEEPEST = 10_000, 100
# How many types a call may name.
MOST_TYPES = 100

NODE = partial(Object, nodes.Node)
RELATIONSHIP = partial(Object, relationships.Relationship)
RELATIONSHIP_TYPES = partial(
    Items, "Follow only relationships of these types; all when absent.",
    relationships.RELATIONSHIP_TYPE(), most=MOST_TYPES, load_default=None)
MAX_DEPTH = partial(Integer, least=0, most=DEEPEST)


class Visit(Schema):
    """A node that a walk reached, and by which relationship."""

    depth = Integer("How many relationships lead there from the start, at least.", least=0)
    node = NODE("The node.")
    relationship = RELATIONSHIP("The last one of them; null for the start itself.",
                                allow_none=True)


class Traversal(Schema):
    """The nodes that a walk reached."""

    visits = Items("Each node once, by depth and then by id.", Object(Visit, "A visit."))
    truncated = nodes.TRUNCATED()


class Path(Schema):
    """A way from one node to another."""

    length = Integer("How many relationships it has.", least=0)
    nodes = Items("All nodes on it, from the source to the target.", NODE("A node."))
    relationships = Items("The relationships between them, in the same order.",
                          RELATIONSHIP("A relationship."))


class ShortestPath(Schema):
    """The answer to whether a path leads from one node to another."""

    path = Object(Path, "A shortest path; null when there is none.", allow_none=True)
    truncated = Boolean("Whether the search was given up before its end: then a path that is null "
                        "says nothing.")


class Neighbor(Schema):
    """A node and the relationship that joins it to the one that was asked for."""

    node = NODE("The node at the other end, or what `fields` asked for of it.", partial=True)
    relationship = RELATIONSHIP("The relationship.")


class TraverseParams(Params):
    """Where to walk, and what to give of it."""

    tenant_id = TENANT_ID(required=True)
    start = Id("The id of the node where the walk begins.", required=True)
    direction = DIRECTION(load_default="out")
    relationship_types = RELATIONSHIP_TYPES()
    min_depth = Integer("Give only nodes at least so many relationships away; 0 gives the start "
                        "too. 1 when absent, and 0 where `max_depth` is 0.", least=0, most=DEEPEST,
                        load_default=None)
    max_depth = MAX_DEPTH("Follow at most so many relationships.", load_default=3)
    node_type_ids = Items("Give only nodes of these types; the walk goes on through others.",
                          nodes.NODE_TYPE_ID(), most=MOST_TYPES, load_default=None)
    limit = Integer("Give at most so many nodes.", least=1, most=MOST_NODES, load_default=1000)
    filter = FILTER()
    expand = EXPAND()


class ShortestPathParams(Params):
    tenant_id = TENANT_ID(required=True)
    source_node_id = Id("The id of the node where the path begins.", required=True)
    target_node_id = Id("The id of the node where it ends.", required=True)
    direction = DIRECTION(load_default="out")
    relationship_types = RELATIONSHIP_TYPES()
    max_depth = MAX_DEPTH("Look for a path of at most so many relationships.", load_default=10)


class NeighborList(Params):
    tenant_id = TENANT_ID(required=True)
    id = nodes.ID(required=True)
    direction = DIRECTION(load_default="both")
    relationship_types = RELATIONSHIP_TYPES()
    pagination = pagination()
    filter = FILTER()
    sort = SORT()
    fields = FIELDS()  # type: ignore[assignment]
    count = COUNT()
    expand = EXPAND()


@operation(TraverseParams, gives=one(Traversal), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def traverse(context: Context, params: Loaded) -> Statement:
    """Walk from a node along its relationships, breadth first, and give the nodes reached.

    Each node is given once, at its least depth, with the relationship that reached it first: of
    several at that depth, the one with the least id. ``node_type_ids`` and ``filter`` choose among
    the nodes reached; they do not stop the walk.
    """
    max_depth = params["max_depth"]
    # Who follows no relationship can only want the start.
    min_depth = min(1, max_depth) if params["min_depth"] is None else params["min_depth"]
    if min_depth > max_depth:
        raise InvalidParams(fields={"min_depth": [
            f"may be at most max_depth, which is {max_depth}"]})
    wanted, arguments = condition(params.get("filter", {}), nodes.MEMBERS, "n")
    limits = context.limits
    arguments |= params | {"min_depth": min_depth, "max_walk": limits.max_walk,
                           "page_bytes": limits.max_page_bytes}
    brought = expanded(context, params, nodes.MEMBERS, "n", params["limit"])
    node = ""
    if brought.sql:
        node, _ = projection(None, nodes.MEMBERS, "node", "n", context.json_fields,
                             further={"expanded": "brought.expanded"})
    query = filled("traverse", context.json_fields, wanted, node, brought.sql)

    def read(row: Row | None) -> Result:
        if row is None:
            raise NotFound.of("start", "node")
        return Result(b'{"visits":%b,"truncated":%b}' % (row[0], _flag(row[1])))

    return Statement(query, together(arguments, brought.arguments), read)


@operation(ShortestPathParams, gives=one(ShortestPath), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def shortest_path(context: Context, params: Loaded) -> Statement:
    """Find a shortest path from one node to another; null when none is short enough."""
    limits = context.limits

    def read(row: Row | None) -> Result:
        path, truncated, missing, weight = row or (None, False, None, None)
        if missing:
            raise NotFound.of(missing)
        if path is None and weight is not None:
            raise AnswerTooLarge()
        return Result(b'{"path":%b,"truncated":%b}' % (path or b"null", _flag(truncated)))

    return Statement(STATEMENTS[context.json_fields]["shortest_path"],
                     params | {"max_walk": limits.max_walk,
                               "answer_bytes": limits.max_answer_bytes}, read)


@operation(NeighborList, gives=paged(Neighbor, "neighbors"),
           effect=READS, of=TENANT, access=Access.READ, rules=Heed.HELD)
def get_neighbors(context: Context, params: Loaded) -> Statement:
    """List a node's neighbors, once for each relationship, the newest relationship first.

    A query is about the neighbors: it filters, sorts and shortens them.
    """
    return page(context, "get_neighbors", params, (), LAST_RELATED_FIRST, nodes.MEMBERS, "node",
                NEAR)


def _flag(value: bool) -> bytes:
    return b"true" if value else b"false"
