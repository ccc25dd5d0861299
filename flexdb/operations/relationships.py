"""Relationships: typed edges between two nodes of a tenant, with data of their own."""

from collections.abc import Generator
from functools import partial

from marshmallow import Schema

from flexdb.plan import Plan, Result, Row, Statement, Steps
from flexdb.contract.fields import (
    ASKED_VERSION, CREATED_AT, NEW_ID, TENANT_ID, UPDATED_AT, VERSION, Id, Text)
from flexdb.contract.json_fields import PATCH, DataParams, JsonText
from flexdb.contract.operation import (
    Loaded, ask, check_version, not_found, one, operation, versioned)
from flexdb.query.paging import ListParams, page, pagination
from flexdb.contract.params import Params
from flexdb.documents.patches import check_patch, patched
from flexdb.query.parameters import COUNT, FIELDS, FILTER, SORT

ID = partial(Id, "The relationship's id.")
SOURCE_NODE_ID = partial(Id, "The id of the node it starts from.")
TARGET_NODE_ID = partial(Id, "The id of the node it leads to.")
RELATIONSHIP_TYPE = partial(Text, "What kind of relationship it is.", example="depends_on")
DATA = partial(JsonText, "What is to be said of it: a JSON object, kept to the digit.",
               example={"priority": 1})


class Relationship(Schema):
    """A relationship from one node to another."""

    id = ID()
    tenant_id = TENANT_ID()
    source_node_id = SOURCE_NODE_ID()
    target_node_id = TARGET_NODE_ID()
    relationship_type = RELATIONSHIP_TYPE()
    data = DATA()
    version = VERSION()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


MEMBERS = Relationship().fields


class NewRelationship(Params):
    tenant_id = TENANT_ID(required=True)
    source_node_id = SOURCE_NODE_ID(required=True)
    target_node_id = TARGET_NODE_ID(required=True)
    relationship_type = RELATIONSHIP_TYPE(required=True)
    data = DATA(load_default="{}")
    id = NEW_ID()


class RelationshipId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class RelationshipVersion(RelationshipId):
    version = ASKED_VERSION()


class RelationshipChange(RelationshipId):
    relationship_type = RELATIONSHIP_TYPE(load_default=None)
    data = DATA(load_default=None)
    version = ASKED_VERSION()


class RelationshipPatch(DataParams):
    tenant_id = TENANT_ID(required=True)
    id = ID(required=True)
    patch = PATCH(required=True)
    version = ASKED_VERSION()


class RelationshipList(ListParams):
    tenant_id = TENANT_ID(required=True)
    source_node_id = Id("Only relationships that start from this node.")
    target_node_id = Id("Only relationships that lead to this node.")
    relationship_type = Text("Only relationships of this type.")
    pagination = pagination()
    filter = FILTER()
    sort = SORT()
    fields = FIELDS()  # type: ignore[assignment]
    count = COUNT()


@operation(NewRelationship, returns=Relationship, wrapper="relationship")
def create_relationship(params: Loaded) -> Statement:
    """Create a relationship between two nodes of a tenant."""
    return one("create_relationship", params, "relationship")


@operation(RelationshipId, returns=Relationship, wrapper="relationship")
def get_relationship(params: Loaded) -> Statement:
    """Get a relationship by its id."""
    return versioned("get_relationship", params, "relationship", "relationship")


@operation(RelationshipChange, returns=Relationship, wrapper="relationship")
def update_relationship(params: Loaded) -> Statement:
    """Change a relationship's type or data; what is absent stays as it is."""
    return versioned("update_relationship", params, "relationship", "relationship")


@operation(RelationshipPatch, returns=Relationship, wrapper="relationship")
def patch_relationship(params: Loaded) -> Plan:
    """Patch a relationship's data: an object is a merge patch, an array a JSON Patch."""
    check_patch(params["patch"])

    def steps() -> Generator[Statement, Row | None, Result]:
        row = yield ask("lock_relationship", params)
        if row is None:
            raise not_found("id", "relationship")
        version, data = row
        check_version(params, version)
        changed = patched((data or "{}").encode(), params["patch"], params["settings"])
        statement = versioned("update_relationship", params | {
            "data": changed.decode(), "relationship_type": None}, "relationship", "relationship")
        return statement.read((yield statement))

    return Steps("patch_relationship", steps)


@operation(RelationshipVersion)
def delete_relationship(params: Loaded) -> Statement:
    """Delete a relationship; its nodes stay."""
    return versioned("delete_relationship", params, thing="relationship")


@operation(RelationshipList, returns=Relationship, wrapper="relationships")
def list_relationships(params: Loaded) -> Statement:
    """List a tenant's relationships, newest first; a query filters, sorts and shortens them."""
    return page("list_relationships", params,
                filters=("source_node_id", "target_node_id", "relationship_type"),
                members=MEMBERS)
