"""Node types: what kinds of nodes a tenant has."""

from marshmallow import Schema

from flexdb.db.statement import Statement
from flexdb.services.fields import Id, Integer, JsonText, Params, Text, Time
from flexdb.services.ids import new_id
from flexdb.services.operation import Loaded, one, operation
from flexdb.services.paging import ListParams, page, pagination

ID = "The node type's id."
TENANT_ID = "The tenant's id."
NAME = "A name that is unique within the tenant."
DESCRIPTION = "What the node type is for; null for none."
SCHEMA = "A JSON Schema for the nodes' data: an object or a boolean; null for none."


class NodeType(Schema):
    """A node type of a tenant."""

    id = Id(ID)
    tenant_id = Id(TENANT_ID)
    name = Text(NAME)
    description = Text(DESCRIPTION, allow_none=True)
    schema = JsonText(SCHEMA, boolean=True, allow_none=True)
    version = Integer("1 at first, raised by every change.", least=1)
    created_at = Time("When it was created.")
    updated_at = Time("When it was last changed.")


class NewNodeType(Params):
    tenant_id = Id(TENANT_ID, required=True)
    name = Text(NAME, required=True)
    description = Text(DESCRIPTION, blank=True, allow_none=True, load_default=None)
    schema = JsonText(SCHEMA, boolean=True, allow_none=True, load_default=None)
    id = Id("The id to give it; made by the server when absent.", load_default=new_id)


class NodeTypeId(Params):
    id = Id(ID, required=True)
    tenant_id = Id(TENANT_ID, required=True)


class NodeTypeChange(NodeTypeId):
    name = Text(NAME, load_default=None)
    description = Text(DESCRIPTION, blank=True, allow_none=True)
    schema = JsonText(SCHEMA, boolean=True, allow_none=True)


class NodeTypeList(ListParams):
    tenant_id = Id(TENANT_ID, required=True)
    pagination = pagination()


@operation(NewNodeType, returns=NodeType, wrapper="node_type")
def create_node_type(params: Loaded) -> Statement:
    """Create a node type in a tenant."""
    return one("create_node_type", params, "node_type", missing="tenant_id")


@operation(NodeTypeId, returns=NodeType, wrapper="node_type")
def get_node_type(params: Loaded) -> Statement:
    """Get a node type by its id."""
    return one("get_node_type", params, "node_type", thing="node type")


@operation(NodeTypeChange, returns=NodeType, wrapper="node_type")
def update_node_type(params: Loaded) -> Statement:
    """Change a node type; what is absent stays as it is, null clears description and schema."""
    clearable = {
        "description": params.get("description"), "has_description": "description" in params,
        "schema": params.get("schema"), "has_schema": "schema" in params,
    }
    return one("update_node_type", params | clearable, "node_type", thing="node type")


@operation(NodeTypeId)
def delete_node_type(params: Loaded) -> Statement:
    """Delete a node type with its nodes and their relationships."""
    return one("delete_node_type", params, thing="node type", long=True)


@operation(NodeTypeList, returns=NodeType, wrapper="node_types")
def list_node_types(params: Loaded) -> Statement:
    """List a tenant's node types, newest first."""
    return page("list_node_types", params)
