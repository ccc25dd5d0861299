"""Node types: what kinds of nodes a tenant has."""

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Text
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.json_fields import JsonText
from flexdb.contract.members import (
    ASKED_VERSION,
    CREATED_AT,
    NEW_ID,
    TENANT_ID,
    UPDATED_AT,
    VERSION,
)
from flexdb.contract.operation import CHANGES, CREATES, DELETES, READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents import text as json_text
from flexdb.documents.schemas import Compiled, compile_schema
from flexdb.errors import AlreadyExists, InvalidParams, NotFound
from flexdb.operations.statements import one_object, step
from flexdb.plan import Plan, Result, Statement, Steps, Walk
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, MEMBERS_FIELDS, MEMBERS_FILTER, MEMBERS_SORT

Object = dict[str, Any]

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


MEMBERS = NodeType().fields


class NewNodeType(Params):
    tenant_id = TENANT_ID(required=True)
    name = NAME(required=True)
    description = DESCRIPTION(load_default=None)
    schema = SCHEMA(load_default=None)
    id = NEW_ID()


class NodeTypeId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class NodeTypeName(Params):
    id = ID()
    tenant_id = TENANT_ID(required=True)
    name = NAME()
    either = ("id", "name")


class NodeTypeVersion(NodeTypeId):
    version = ASKED_VERSION()


class NodeTypeChange(NodeTypeId):
    name = NAME(load_default=None)
    description = DESCRIPTION()
    schema = SCHEMA()
    version = ASKED_VERSION()


class NodeTypeList(Params):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()
    filter = MEMBERS_FILTER(example={"name": "Task"})
    sort = MEMBERS_SORT(example=["name"])
    fields = MEMBERS_FIELDS(example=["id", "name"])  # type: ignore[assignment]
    count = COUNT()


@operation(NewNodeType, gives=one(NodeType, "node_type"),
           effect=CREATES, of=TENANT, access=Access.SCHEMA, rules=Heed.REFUSED)
def create_node_type(context: Context, params: Loaded) -> Statement:
    """Create a node type in a tenant."""
    compile_schema(params["schema"])
    return one_object(context, "create_node_type", params, "node_type", missing="tenant_id")


@operation(NodeTypeName, gives=one(NodeType, "node_type"),
           effect=READS, of=TENANT, access=Access.READ, rules=Heed.FREE)
def get_node_type(context: Context, params: Loaded) -> Statement:
    """Get a node type by its id or its name."""
    name, by = (("get_node_type", "id") if "id" in params else ("get_node_type_by_name", "name"))
    return one_object(context, name, params, "node_type", missing=by, thing="node type")


@operation(NodeTypeChange, gives=one(NodeType, "node_type"),
           effect=CHANGES, of=TENANT, access=Access.SCHEMA, rules=Heed.REFUSED)
def update_node_type(context: Context, params: Loaded) -> Plan:
    """Change a node type; what is absent stays as it is, null clears description and schema."""
    compiled = compile_schema(params.get("schema"))
    clearable = {
        "description": params.get("description"), "has_description": "description" in params,
        "schema": params.get("schema"), "has_schema": "schema" in params,
    }
    statement = one_object(context, "update_node_type", params | clearable, "node_type",
                           thing="node type")
    if not compiled.declared.unique:
        return statement
    # Triggers look at all nodes of the type, and make an entry for each.
    return Steps("update_node_type", partial(_declare, context, params, statement), long=True)


def _declare(context: Context, params: Loaded, statement: Statement) -> Walk:
    of_type = {"tenant_id": params["tenant_id"], "node_type_id": params["id"]}
    yield step(context, "lock_node_type", of_type)
    clashes = yield from clashes_with(context, of_type, params["schema"])
    if clashes:
        raise AlreadyExists("nodes of the type have what schema lets only one have", {
            "schema": ["lets only one node have what several have"]}, clashes=clashes)
    result: Result = statement.result((yield statement))
    return result


def clashes_with(context: Context, of_type: Loaded, schema: bytes
                 ) -> Generator[Plan, Any, list[Object]]:
    """Look for nodes that have what a schema lets only one have, and does not yet hold.

    :param of_type: the ids of the tenant and of the type
    :return: up to 100 groups: members, their values, up to 10 ids, and how many nodes there are
    """
    row = yield replace(step(context, "find_clashes", of_type | {"schema": schema}), long=True)
    found: list[Object] = json_text.parse(row[0]) if row and row[0] else []
    return found


@operation(NodeTypeVersion, gives=NOTHING,
           effect=DELETES, of=TENANT, access=Access.SCHEMA, rules=Heed.REFUSED, long=True)
def delete_node_type(context: Context, params: Loaded) -> Statement:
    """Delete a node type with its nodes and their relationships."""
    return one_object(context, "delete_node_type", params, thing="node type")


@operation(NodeTypeList, gives=paged(NodeType, "node_types"),
           effect=READS, of=TENANT, access=Access.READ, rules=Heed.FREE)
def list_node_types(context: Context, params: Loaded) -> Statement:
    """List a tenant's node types, newest first."""
    return page(context, "list_node_types", params, members=MEMBERS)


def stored_schema(context: Context, tenant_id: str, id: str, version: str, text: bytes | None,
                  field: str = "node_type_id", thing: str = "node type") -> Compiled:
    """Return a type's schema as far as it holds for what is written to its nodes.

    :param id: the type's; of a relationship type, its name
    :param version: what names the write that the schema comes from
    :param text: the schema as it was just read
    :param field: the parameter to blame where it is no JSON Schema, as in an adopted database
    :param thing: what it is the schema of
    :raises InvalidParams: when nothing may be written for that
    """
    key = (tenant_id, thing, id)
    if context.enforce_schemas == "none":
        return context.schemas.put(key, version, None)
    try:
        return context.schemas.put(key, version, text)
    except InvalidParams as error:
        if context.enforce_schemas == "valid":
            return context.schemas.put(key, version, None)
        raise unusable_schema(error, id, field, thing) from None


def check_node_types(context: Context, params: Loaded, names: tuple[str, ...]
                     ) -> Generator[Plan, Any, None]:
    """Look whether the node types are there that parameters name, which stay until the commit.

    :param names: the parameters that are arrays of their ids, where they are given
    :raises NotFound: naming the places of those that are not
    """
    if wanted := {id for name in names for id in params.get(name) or ()}:
        row = yield step(context, "get_missing_types", params | {"ids": sorted(wanted)})
        unknown = set(row[0] or ())
        if wrong := {f"{name}.{place}": ["names no node type"] for name in names
                     for place, id in enumerate(params.get(name) or ()) if id in unknown}:
            raise NotFound(fields=wrong)


def unusable_schema(error: InvalidParams, id: str, field: str, thing: str = "node type"
                    ) -> InvalidParams:
    """Say of a schema that was refused that it is a type's own, and what to do.

    :param id: the type's; of a relationship type, its name
    :param field: the parameter to blame, which no caller sent as a schema
    :param thing: what it is the schema of
    """
    (wrong,) = error.data["fields"]["schema"]
    return InvalidParams(fields={field: [
        f"leads to {thing} {id}, whose stored schema {wrong}: give it another, or null, with "
        f"update_{thing.replace(' ', '_')}"]})
