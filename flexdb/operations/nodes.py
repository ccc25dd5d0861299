"""Nodes: a tenant's records, each of a node type."""

from collections.abc import Callable, Generator
from functools import partial

from marshmallow import Schema

from flexdb.plan import LookAgain, Plan, Result, Row, Statement, Steps
from flexdb.contract.fields import (
    ASKED_VERSION, CREATED_AT, NEW_ID, TENANT_ID, UPDATED_AT, VERSION, Id)
from flexdb.contract.json_fields import PATCH, DataParams, JsonText
from flexdb.contract.operation import (
    Loaded, ask, check_version, not_found, one, operation, versioned)
from flexdb.query.paging import ListParams, page, pagination
from flexdb.contract.params import Params
from flexdb.documents.patches import check_patch, patched
from flexdb.documents.schemas import CACHE, Compiled, cache_key
from flexdb.query.parameters import COUNT, FIELDS, FILTER, SORT

ID = partial(Id, "The node's id.")
NODE_TYPE_ID = partial(Id, "The id of the node's type.")
DATA = partial(JsonText, "The record: a JSON object, kept to the digit.",
               example={"title": "Complete project", "priority": "high"})


class Node(Schema):
    """A node: a JSON record of a node type."""

    id = ID()
    tenant_id = TENANT_ID()
    node_type_id = NODE_TYPE_ID()
    data = DATA()
    version = VERSION()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


MEMBERS = Node().fields


class NewNode(DataParams):
    tenant_id = TENANT_ID(required=True)
    node_type_id = NODE_TYPE_ID(required=True)
    data = DATA(load_default="{}")
    id = NEW_ID()


class NodeId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class NodeVersion(NodeId):
    version = ASKED_VERSION()


class NodeChange(DataParams):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)
    data = DATA(load_default=None)
    version = ASKED_VERSION()


class NodePatch(DataParams):
    tenant_id = TENANT_ID(required=True)
    id = ID(required=True)
    patch = PATCH(required=True)
    version = ASKED_VERSION()


class NodeList(ListParams):
    tenant_id = TENANT_ID(required=True)
    node_type_id = Id("Only nodes of this type.")
    pagination = pagination()
    filter = FILTER()
    sort = SORT()
    fields = FIELDS()  # type: ignore[assignment]
    count = COUNT()


@operation(NewNode, returns=Node, wrapper="node")
def create_node(params: Loaded) -> Plan:
    """Create a node of one of the tenant's node types, whose schema its data must fit."""
    steps = Steps("create_node", lambda: _create_checked(params))
    known = CACHE.get(_key(params, params["node_type_id"]))
    # What an older schema refuses, the one of today may take.
    if known is None or known.violations(params["data"].encode()):
        return steps
    statement = _insert(params, known)

    def read(row: Row | None) -> Result:
        if row is None:
            raise LookAgain(steps)
        return statement.read(row)

    return Statement(statement.query, statement.arguments, read)


def _create_checked(params: Loaded) -> Generator[Statement, Row | None, Result]:
    row = yield ask("get_schema_of_type", params)
    if row is None:
        raise not_found("node_type_id")
    compiled = CACHE.put(_key(params, params["node_type_id"]), *row)
    compiled.check(params["data"].encode())
    statement = _insert(params, compiled)
    return statement.read((yield statement))


def _insert(params: Loaded, compiled: Compiled) -> Statement:
    return one("create_node", params | {"schema_version": compiled.version}, "node",
               missing="node_type_id")


@operation(NodeId, returns=Node, wrapper="node")
def get_node(params: Loaded) -> Statement:
    """Get a node by its id."""
    return versioned("get_node", params, "node", "node")


@operation(NodeChange, returns=Node, wrapper="node")
def update_node(params: Loaded) -> Plan:
    """Replace a node's data, which must fit its type's schema; absent data stays as it is."""
    if params["data"] is None:
        return versioned("update_node", params, "node", "node")
    return Steps("update_node", lambda: _change_checked(params, lambda _: params["data"].encode()))


@operation(NodePatch, returns=Node, wrapper="node")
def patch_node(params: Loaded) -> Plan:
    """Patch a node's data: an object is a merge patch (RFC 7396), an array a JSON Patch (RFC 6902).

    Patches of one node that meet are applied one after the other.
    """
    check_patch(params["patch"])
    return Steps("patch_node", lambda: _change_checked(
        params, lambda data: patched(data, params["patch"], params["settings"])))


def _change_checked(params: Loaded, change: Callable[[bytes], bytes]
                    ) -> Generator[Statement, Row | None, Result]:
    row = yield ask("get_schema_of_node", params)
    if row is None:
        raise not_found("id", "node")
    schema_version, schema, node_type_id, version, data = row
    check_version(params, version)
    changed = change((data or "{}").encode())
    CACHE.put(_key(params, node_type_id), schema_version, schema).check(changed)
    statement = versioned("update_node", params | {"data": changed.decode()}, "node", "node")
    return statement.read((yield statement))


def _key(params: Loaded, node_type_id: str) -> tuple[str, ...]:
    return cache_key(params["settings"], params["tenant_id"], node_type_id)


@operation(NodeVersion)
def delete_node(params: Loaded) -> Statement:
    """Delete a node with its relationships."""
    return versioned("delete_node", params, thing="node")


@operation(NodeList, returns=Node, wrapper="nodes")
def list_nodes(params: Loaded) -> Statement:
    """List a tenant's nodes, newest first; a query filters, sorts and shortens them."""
    return page("list_nodes", params, filters=("node_type_id",), members=MEMBERS)
