"""Nodes: a tenant's records, each of a node type."""

from functools import partial

from marshmallow import Schema

from flexdb.db.statement import Statement
from flexdb.services.fields import (
    CREATED_AT, NEW_ID, TENANT_ID, UPDATED_AT, VERSION, Id, JsonText, Params)
from flexdb.services.operation import Loaded, one, operation
from flexdb.services.paging import ListParams, page, pagination
from flexdb.services.query import COUNT, FIELDS, FILTER, SORT

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


class NewNode(Params):
    tenant_id = TENANT_ID(required=True)
    node_type_id = NODE_TYPE_ID(required=True)
    data = DATA(load_default="{}")
    id = NEW_ID()


class NodeId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class NodeChange(NodeId):
    data = DATA(load_default=None)


class NodeList(ListParams):
    tenant_id = TENANT_ID(required=True)
    node_type_id = Id("Only nodes of this type.")
    pagination = pagination()
    filter = FILTER()
    sort = SORT()
    fields = FIELDS()  # type: ignore[assignment]
    count = COUNT()


@operation(NewNode, returns=Node, wrapper="node")
def create_node(params: Loaded) -> Statement:
    """Create a node of one of the tenant's node types."""
    return one("create_node", params, "node", missing="node_type_id")


@operation(NodeId, returns=Node, wrapper="node")
def get_node(params: Loaded) -> Statement:
    """Get a node by its id."""
    return one("get_node", params, "node", thing="node")


@operation(NodeChange, returns=Node, wrapper="node")
def update_node(params: Loaded) -> Statement:
    """Replace a node's data; absent data stays as it is."""
    return one("update_node", params, "node", thing="node")


@operation(NodeId)
def delete_node(params: Loaded) -> Statement:
    """Delete a node with its relationships."""
    return one("delete_node", params, thing="node")


@operation(NodeList, returns=Node, wrapper="nodes")
def list_nodes(params: Loaded) -> Statement:
    """List a tenant's nodes, newest first; a query filters, sorts and shortens them."""
    return page("list_nodes", params, filters=("node_type_id",), members=MEMBERS)
