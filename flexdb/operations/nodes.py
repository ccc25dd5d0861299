"""Nodes: a tenant's records, each of a node type."""

from functools import partial

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.json_fields import PATCH
from flexdb.contract.members import (
    ASKED_VERSION,
    NEW_ID,
    TENANT_ID,
)
from flexdb.contract.operation import CHANGES, CREATES, DELETES, READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents.patches import Change, Replacement
from flexdb.documents.schemas import Compiled
from flexdb.errors import InvalidParams, NotFound
from flexdb.operations.node_types import stored_schema
from flexdb.operations.records import DATA as DATA
from flexdb.operations.records import ID as ID
from flexdb.operations.records import MEMBERS as MEMBERS
from flexdb.operations.records import NODE_TYPE_ID as NODE_TYPE_ID
from flexdb.operations.records import TRUNCATED as TRUNCATED
from flexdb.operations.records import BareNode as BareNode
from flexdb.operations.records import Node as Node
from flexdb.operations.search import search_page
from flexdb.operations.statements import check_state, one_object, or_else, step
from flexdb.operations.versions import AS_OF, AT_VERSION, MOMENT, state_then
from flexdb.plan import Plan, Result, Row, Statement, Steps, Walk
from flexdb.query.expands import EXPAND, expanded
from flexdb.query.explains import EXPLAIN, Explanation
from flexdb.query.indexed import indexes_for
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, FIELDS, FILTER, ONLY_IF, SORT
from flexdb.query.projections import projection
from flexdb.query.related import NEAR, RELATED_TO, near
from flexdb.query.search import HIGHLIGHTS, Search
from flexdb.query.updates import UPDATE, change_of
from flexdb.sql.loader import filled
from flexdb.sql.pages import LAST_RELATED_FIRST


class NewNode(Params):
    tenant_id = TENANT_ID(required=True)
    node_type_id = NODE_TYPE_ID(required=True)
    data = DATA(load_default=b"{}")
    id = NEW_ID()


class NodeQuery(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)
    expand = EXPAND()
    version = AT_VERSION()
    as_of = AS_OF()


class NodeVersion(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)
    version = ASKED_VERSION()
    only_if = ONLY_IF()


class NodeChange(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)
    data = DATA(load_default=None, replaces=True)
    version = ASKED_VERSION()
    only_if = ONLY_IF()


class NodePatch(Params):
    tenant_id = TENANT_ID(required=True)
    id = ID(required=True)
    patch = PATCH()
    version = ASKED_VERSION()
    update = UPDATE()
    only_if = ONLY_IF()


class NodeList(Params):
    tenant_id = TENANT_ID(required=True)
    node_type_id = Id("Only nodes of this type.")
    pagination = pagination()
    filter = FILTER()
    sort = SORT()
    fields = FIELDS()  # type: ignore[assignment]
    count = COUNT()
    search = Search()
    highlights = HIGHLIGHTS()
    explain = EXPLAIN()
    related_to = RELATED_TO()
    expand = EXPAND()


@operation(NewNode, gives=one(Node, "node"), effect=CREATES, of=TENANT,
           access=Access.WRITE, rules=Heed.HELD)
def create_node(context: Context, params: Loaded) -> Plan:
    """Create a node of one of the tenant's node types, whose schema its data must fit."""
    steps = Steps("create_node", partial(_create_checked, context, params))
    known = context.schemas.get((params["tenant_id"], "node type", params["node_type_id"]))
    if known is None:
        return steps
    try:
        filled = with_defaults(context, params, known)
        # What an older schema refuses, the one of today may take.
        if known.violations(filled["data"]):
            return steps
    except InvalidParams:
        # Or what took too long to check against it.
        return steps
    statement = _insert(context, filled, known)

    def read(row: Row | None) -> Result | Steps:
        # Without a row the schema is another by now, or the type is gone.
        return steps if row is None else statement.read(row)

    return Statement(statement.query, statement.arguments, read)


def _create_checked(context: Context, params: Loaded) -> Walk:
    row = yield step(context, "get_schema_of_type", params)
    if row is None:
        raise NotFound.of("node_type_id")
    compiled = stored_schema(context, params["tenant_id"], params["node_type_id"], *row)
    filled = with_defaults(context, params, compiled)
    compiled.check(filled["data"])
    statement = _insert(context, filled, compiled)
    return statement.result((yield statement))


def with_defaults(context: Context, params: Loaded, compiled: Compiled, prefix: str = "") -> Loaded:
    """Return a new node with the defaults of its type for what is absent in its data.

    :param compiled: the type's schema
    :param prefix: what the name of ``data`` follows in an error
    :raises InvalidParams: when the data becomes larger or deeper than it may be
    """
    if not compiled.defaults:
        return params
    limits = context.limits
    try:
        data = compiled.filled(params["data"], limits.max_json_bytes, limits.max_depth)
    except ValueError as error:
        raise InvalidParams(fields={f"{prefix}data": [
            f"with the defaults of its type {error}"]}) from None
    return params | {"data": data}


def _insert(context: Context, params: Loaded, compiled: Compiled) -> Statement:
    return one_object(context, "create_node", params | {"schema_version": compiled.version}, "node",
                      missing="node_type_id")


@operation(NodeQuery, gives=one(Node, "node"), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def get_node(context: Context, params: Loaded) -> Statement:
    """Get a node by its id, and the neighbours that it is to bring along; or what it was."""
    if not params.keys().isdisjoint(MOMENT):
        if "expand" in params:
            raise InvalidParams(fields={"expand": ["may not stand beside version or as_of"]})
        return state_then(context, "get_node_at", params, "node")
    statement = one_object(context, "get_node", params, "node", thing="node")
    if "expand" not in params:
        return statement
    brought = expanded(context, params, MEMBERS, "n", 1)
    node, _ = projection(None, MEMBERS, "node", "n", context.json_fields,
                         further={"expanded": brought.sql})

    def read(row: Row | None) -> Result:
        # The tag is of the node alone, and says nothing of what it brings along.
        return statement.result(row)._replace(tag=None)

    query = filled("get_node", context.json_fields, node=node)
    return Statement(query._replace(lasting=brought.is_plain), params | brought.arguments, read)


@operation(NodeChange, gives=one(Node, "node"), effect=CHANGES, of=TENANT,
           access=Access.WRITE, rules=Heed.HELD)
def update_node(context: Context, params: Loaded) -> Plan:
    """Replace a node's data, which must fit its type's schema; absent data stays as it is."""
    data = params["data"]
    if data is None:
        return one_object(context, "update_node", params, "node", thing="node")
    return Steps("update_node", partial(_change_checked, context, params, Replacement(data)))


@operation(NodePatch, gives=one(Node, "node"), effect=CHANGES, of=TENANT,
           access=Access.WRITE, rules=Heed.HELD)
def patch_node(context: Context, params: Loaded) -> Plan:
    """Patch a node's data: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902).

    Or change it in place, by the operators of an update. Patches and updates of one node that meet
    are applied one after the other.
    """
    return Steps("patch_node", partial(_change_checked, context, params, change_of(params)))


def _change_checked(context: Context, params: Loaded, change: Change) -> Walk:
    row = yield step(context, "get_schema_of_node", params)
    if row is None:
        raise NotFound.of("id", "node")
    schema_version, schema, node_type_id, version, tag, data = row
    check_state(context, params, version, tag)
    limits = context.limits
    changed = change.apply(data or b"{}", limits.max_json_bytes, limits.max_depth)
    stored_schema(context, params["tenant_id"], node_type_id, schema_version, schema, "id").check(
        changed)
    statement = one_object(context, "update_node", params | {"data": changed}, "node",
                           thing="node")
    return statement.result((yield statement))


@operation(NodeVersion, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.WRITE, rules=Heed.HELD)
def delete_node(context: Context, params: Loaded) -> Statement:
    """Delete a node with its relationships."""
    return one_object(context, "delete_node", params, thing="node")


@operation(NodeList, gives=paged(Node, "nodes", Explanation), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.HELD)
def list_nodes(context: Context, params: Loaded) -> Statement:
    """List a tenant's nodes, newest first; a query filters, sorts and shortens them.

    With ``search``, those in which its words stand, the best first; with ``related_to``, those that
    are related to a node, the last related first.
    """
    filters = ("node_type_id",)
    if not params.keys().isdisjoint(("search", "highlights")):
        if "related_to" in params:
            raise InvalidParams(fields={"related_to": ["may not stand beside search"]})
        return search_page(context, params, MEMBERS)
    if "related_to" not in params:
        listed = page(context, "list_nodes", params, filters, members=MEMBERS)
        for index in reversed(indexes_for(params, MEMBERS)):
            listed = or_else(page(context, "list_nodes", params, filters, members=MEMBERS,
                                  index=index), listed)
        return listed
    return page(context, "list_nodes", params | near(params), filters, LAST_RELATED_FIRST, MEMBERS,
                "node", NEAR)
