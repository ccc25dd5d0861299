"""Node types: what kinds of nodes a tenant has."""

from functools import partial

from marshmallow import Schema

from flexdb.plan import Statement
from flexdb.contract.fields import (
    ASKED_VERSION, CREATED_AT, NEW_ID, TENANT_ID, UPDATED_AT, VERSION, Id, Text)
from flexdb.contract.json_fields import JsonText
from flexdb.contract.operation import Loaded, one, operation, versioned
from flexdb.query.paging import ListParams, page, pagination
from flexdb.contract.params import Params
from flexdb.documents.schemas import compile_schema

ID = partial(Id, "The node type's id.")
NAME = partial(Text, "A name that is unique within the tenant.", example="Task")
DESCRIPTION = partial(Text, "What the node type is for; null for none.", blank=True,
                      allow_none=True, example="A task node type")
SCHEMA = partial(JsonText, "A JSON Schema that the nodes' data must fit; null for none.",
                 kinds=("object", "boolean"), allow_none=True,
                 example={"type": "object", "properties": {"title": {"type": "string"}}})


class NodeType(Schema):
    """A node type of a tenant."""

    id = ID()
    tenant_id = TENANT_ID()
    name = NAME()
    description = DESCRIPTION()
    schema = SCHEMA()
    version = VERSION()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


class NewNodeType(Params):
    tenant_id = TENANT_ID(required=True)
    name = NAME(required=True)
    description = DESCRIPTION(load_default=None)
    schema = SCHEMA(load_default=None)
    id = NEW_ID()


class NodeTypeId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class NodeTypeVersion(NodeTypeId):
    version = ASKED_VERSION()


class NodeTypeChange(NodeTypeId):
    name = NAME(load_default=None)
    description = DESCRIPTION()
    schema = SCHEMA()
    version = ASKED_VERSION()


class NodeTypeList(ListParams):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()


@operation(NewNodeType, returns=NodeType, wrapper="node_type")
def create_node_type(params: Loaded) -> Statement:
    """Create a node type in a tenant."""
    compile_schema(params["schema"])
    return one("create_node_type", params, "node_type", missing="tenant_id")


@operation(NodeTypeId, returns=NodeType, wrapper="node_type")
def get_node_type(params: Loaded) -> Statement:
    """Get a node type by its id."""
    return versioned("get_node_type", params, "node_type", "node type")


@operation(NodeTypeChange, returns=NodeType, wrapper="node_type")
def update_node_type(params: Loaded) -> Statement:
    """Change a node type; what is absent stays as it is, null clears description and schema."""
    compile_schema(params.get("schema"))
    clearable = {
        "description": params.get("description"), "has_description": "description" in params,
        "schema": params.get("schema"), "has_schema": "schema" in params,
    }
    return versioned("update_node_type", params | clearable, "node_type", "node type")


@operation(NodeTypeVersion)
def delete_node_type(params: Loaded) -> Statement:
    """Delete a node type with its nodes and their relationships."""
    return versioned("delete_node_type", params, thing="node type", long=True)


@operation(NodeTypeList, returns=NodeType, wrapper="node_types")
def list_node_types(params: Loaded) -> Statement:
    """List a tenant's node types, newest first."""
    return page("list_node_types", params)
