"""Relationship types: the contract that relationships of a name keep, where a tenant made one."""

from __future__ import annotations

from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Boolean, Choice, Id, Text
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
from flexdb.contract.objects import Items
from flexdb.contract.operation import CHANGES, CREATES, DELETES, READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents.declarations import NOTHING as NOTHING_DECLARED
from flexdb.documents.declarations import declarations_of
from flexdb.documents.schemas import compile_schema
from flexdb.documents.text import parse_stored
from flexdb.errors import InvalidParams
from flexdb.operations.node_types import check_node_types
from flexdb.operations.statements import one_object, step
from flexdb.plan import Plan, Statement, Steps, Walk
from flexdb.query.paging import page, pagination

# How many a tenant may have, how many node types one may name, and how large its schema may be: the
# limits of a tenant do not count them.
MOST_RELATIONSHIP_TYPES, MOST_NODE_TYPES, MOST_BYTES = 1000, 100, 65_536
CARDINALITIES = ("n:m", "n:1", "1:n", "1:1")
CLEARABLE = ("description", "source_node_type_ids", "target_node_type_ids", "schema")
_ENDS = ("source_node_type_ids", "target_node_type_ids")

ID = partial(Id, "The relationship type's id.")
NAME = partial(Text, "A name that is unique within the tenant: the `relationship_type` of the "
               "relationships that keep the contract.", example="belongs_to")
DESCRIPTION = partial(Text, "What the relationships are for; null for none.", blank=True,
                      allow_none=True, example="The project that a task is part of")
SOURCE_NODE_TYPE_IDS = partial(
    Items, "The node types whose nodes they may start from; null for all.",
    Id("A node type's id."), MOST_NODE_TYPES, allow_none=True)
TARGET_NODE_TYPE_IDS = partial(
    Items, "The node types whose nodes they may lead to; null for all.",
    Id("A node type's id."), MOST_NODE_TYPES, allow_none=True)
CARDINALITY = partial(Choice, "How many sources to how many targets: with `n:1` a node is the "
                      "source of one such relationship at most, with `1:n` the target of one, with "
                      "`1:1` both.", choices=CARDINALITIES, example="n:1")
UNIQUE_PAIR = partial(Boolean, "Whether at most one leads from one node to another.")
ACYCLIC = partial(Boolean, "Whether none may lead back to where it starts, be it over others.")
ON_DELETE = partial(Choice, "What becomes of one whose target is deleted: `cascade`, it is deleted "
                    "too; `restrict`, the node is not deleted as long as the source stays.",
                    choices=("cascade", "restrict"), example="restrict")
SCHEMA = partial(JsonText, "A JSON Schema that their data must fit; null for none.",
                 kinds=("object", "boolean"), allow_none=True,
                 example={"type": "object", "properties": {"since": {"type": "string"}}})


class RelationshipType(Schema):
    """A relationship type of a tenant: the contract that relationships of its name keep."""

    id = ID()
    tenant_id = TENANT_ID()
    name = NAME()
    description = DESCRIPTION()
    source_node_type_ids = SOURCE_NODE_TYPE_IDS()
    target_node_type_ids = TARGET_NODE_TYPE_IDS()
    cardinality = CARDINALITY()
    unique_pair = UNIQUE_PAIR()
    acyclic = ACYCLIC()
    on_delete = ON_DELETE()
    schema = SCHEMA()
    version = VERSION()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


class NewRelationshipType(Params):
    tenant_id = TENANT_ID(required=True)
    name = NAME(required=True)
    description = DESCRIPTION(load_default=None)
    source_node_type_ids = SOURCE_NODE_TYPE_IDS(load_default=None)
    target_node_type_ids = TARGET_NODE_TYPE_IDS(load_default=None)
    cardinality = CARDINALITY(load_default="n:m")
    unique_pair = UNIQUE_PAIR(load_default=False)
    acyclic = ACYCLIC(load_default=False)
    on_delete = ON_DELETE(load_default="cascade")
    schema = SCHEMA(load_default=None)
    id = NEW_ID()


class RelationshipTypeId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class RelationshipTypeVersion(RelationshipTypeId):
    version = ASKED_VERSION()


class RelationshipTypeChange(RelationshipTypeId):
    name = NAME(load_default=None)
    description = DESCRIPTION()
    source_node_type_ids = SOURCE_NODE_TYPE_IDS()
    target_node_type_ids = TARGET_NODE_TYPE_IDS()
    cardinality = CARDINALITY(load_default=None)
    unique_pair = UNIQUE_PAIR(load_default=None)
    acyclic = ACYCLIC(load_default=None)
    on_delete = ON_DELETE(load_default=None)
    schema = SCHEMA()
    version = ASKED_VERSION()


class RelationshipTypeList(Params):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()


@operation(NewRelationshipType, gives=one(RelationshipType, "relationship_type"), effect=CREATES,
           of=TENANT, access=Access.SCHEMA, rules=Heed.REFUSED, long=True)
def create_relationship_type(context: Context, params: Loaded) -> Plan:
    """Create a relationship type, whose contract the relationships of its name must keep.

    Those that are there already are looked at too: where some break it, it is refused, and tells
    up to 100 of them.
    """
    return _changed(context, "create_relationship_type", params | {
        "most": MOST_RELATIONSHIP_TYPES,
        "wrong": f"is one too many: a tenant may have {MOST_RELATIONSHIP_TYPES:,} relationship "
                 "types"}, "tenant_id")


@operation(RelationshipTypeId, gives=one(RelationshipType, "relationship_type"),
           effect=READS, of=TENANT, access=Access.READ, rules=Heed.FREE)
def get_relationship_type(context: Context, params: Loaded) -> Statement:
    """Get a relationship type by its id."""
    return one_object(context, "get_relationship_type", params, "relationship_type",
                      thing="relationship type")


@operation(RelationshipTypeChange, gives=one(RelationshipType, "relationship_type"),
           effect=CHANGES, of=TENANT, access=Access.SCHEMA, rules=Heed.REFUSED, long=True)
def update_relationship_type(context: Context, params: Loaded) -> Plan:
    """Change a relationship type; what is absent stays as it is, null clears what may be null.

    Where the contract is another by that, it must be kept by the relationships that are there.
    """
    clearable = {name: params.get(name) for name in CLEARABLE} | {
        f"has_{name}": name in params for name in CLEARABLE}
    return _changed(context, "update_relationship_type", params | clearable, "id")


@operation(RelationshipTypeVersion, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.SCHEMA, rules=Heed.REFUSED, long=True)
def delete_relationship_type(context: Context, params: Loaded) -> Plan:
    """Delete a relationship type; the relationships of its name stay, and are free."""
    def steps() -> Walk:
        yield step(context, "lock_contracts", params)
        statement = one_object(context, "delete_relationship_type", params,
                               thing="relationship type")
        return statement.result((yield statement))

    return Steps("delete_relationship_type", steps)


@operation(RelationshipTypeList, gives=paged(RelationshipType, "relationship_types"),
           effect=READS, of=TENANT, access=Access.READ, rules=Heed.FREE)
def list_relationship_types(context: Context, params: Loaded) -> Statement:
    """List a tenant's relationship types, newest first."""
    return page(context, "list_relationship_types", params)


def _changed(context: Context, name: str, params: Loaded, missing: str) -> Steps:
    """Return the steps that write a contract, while no relationship of the tenant is written."""
    if params["schema"] and len(params["schema"]) > MOST_BYTES:
        raise InvalidParams(fields={"schema": [
            f"may have at most {MOST_BYTES:,} bytes, not {len(params['schema']):,}"]})
    compile_schema(params["schema"])
    if params["schema"] and declarations_of(parse_stored(params["schema"])) != NOTHING_DECLARED:
        raise InvalidParams(fields={"schema": [
            "declares by x-unique, x-search, x-index or x-defaults what holds for nodes alone"]})

    def steps() -> Walk:
        yield step(context, "lock_contracts", params)
        yield from check_node_types(context, params, _ENDS)
        statement = one_object(context, name, params, "relationship_type", missing,
                               "" if missing == "tenant_id" else "relationship type")
        return statement.result((yield statement))

    return Steps(name, steps)
