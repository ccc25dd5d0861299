"""Nodes: a tenant's records, each of a node type."""

from marshmallow import Schema

from flexdb.db.statement import Statement
from flexdb.services.fields import Id, Integer, JsonText, Params, Time
from flexdb.services.ids import new_id
from flexdb.services.operation import Loaded, one, operation
from flexdb.services.paging import ListParams, page, pagination

ID = "The node's id."
TENANT_ID = "The tenant's id."
NODE_TYPE_ID = "The id of the node's type."
DATA = "The record: a JSON object, kept to the digit."


class Node(Schema):
    """A node: a JSON record of a node type."""

    id = Id(ID)
    tenant_id = Id(TENANT_ID)
    node_type_id = Id(NODE_TYPE_ID)
    data = JsonText(DATA)
    version = Integer("1 at first, raised by every change.", least=1)
    created_at = Time("When it was created.")
    updated_at = Time("When it was last changed.")


class NewNode(Params):
    tenant_id = Id(TENANT_ID, required=True)
    node_type_id = Id(NODE_TYPE_ID, required=True)
    data = JsonText(DATA, load_default="{}")
    id = Id("The id to give it; made by the server when absent.", load_default=new_id)


class NodeId(Params):
    id = Id(ID, required=True)
    tenant_id = Id(TENANT_ID, required=True)


class NodeChange(NodeId):
    data = JsonText(DATA, load_default=None)


class NodeList(ListParams):
    tenant_id = Id(TENANT_ID, required=True)
    node_type_id = Id("Only nodes of this type.")
    pagination = pagination()


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
    """List a tenant's nodes, newest first."""
    return page("list_nodes", params, filters=("node_type_id",))
