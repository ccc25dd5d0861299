"""Relationships: typed edges between two nodes of a tenant, with data of their own."""

from dataclasses import replace
from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Text
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.json_fields import PATCH, JsonText
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
from flexdb.documents.patches import Change, Replacement
from flexdb.documents.schemas import Compiled
from flexdb.documents.sizes import fits
from flexdb.errors import InvalidParams, NotFound
from flexdb.operations.contracts import THING, held_schema, held_schemas, known_schema
from flexdb.operations.statements import check_state, one_object, step
from flexdb.operations.versions import AS_OF, AT_VERSION, MOMENT, state_then
from flexdb.plan import Plan, Result, Row, Statement, Steps, Walk
from flexdb.query.explains import EXPLAIN, Explanation
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, FIELDS, FILTER, ONLY_IF, SORT
from flexdb.query.updates import UPDATE, change_of

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
    data = DATA(load_default=b"{}")
    id = NEW_ID()


class RelationshipId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class RelationshipQuery(RelationshipId):
    version = AT_VERSION()
    as_of = AS_OF()


class RelationshipVersion(RelationshipId):
    version = ASKED_VERSION()
    only_if = ONLY_IF()


class RelationshipChange(RelationshipId):
    relationship_type = RELATIONSHIP_TYPE(load_default=None)
    data = DATA(load_default=None, replaces=True)
    version = ASKED_VERSION()
    only_if = ONLY_IF()


class RelationshipPatch(Params):
    tenant_id = TENANT_ID(required=True)
    id = ID(required=True)
    patch = PATCH()
    version = ASKED_VERSION()
    update = UPDATE()
    only_if = ONLY_IF()


class RelationshipChoice(Params):
    """Which relationships are meant."""

    tenant_id = TENANT_ID(required=True)
    source_node_id = Id("Only relationships that start from this node.")
    target_node_id = Id("Only relationships that lead to this node.")
    relationship_type = Text("Only relationships of this type.")


CHOSEN_BY = ("source_node_id", "target_node_id", "relationship_type")


class RelationshipList(RelationshipChoice):
    pagination = pagination()
    filter = FILTER()
    sort = SORT()
    fields = FIELDS()  # type: ignore[assignment]
    count = COUNT()
    explain = EXPLAIN()


@operation(NewRelationship, gives=one(Relationship, "relationship"),
           effect=CREATES, of=TENANT, access=Access.WRITE, rules=Heed.HELD)
def create_relationship(context: Context, params: Loaded) -> Plan:
    """Create a relationship between two nodes of a tenant.

    Where there is a relationship type of its name, it must keep that contract.
    """
    steps = Steps("create_relationship", partial(_create_checked, context, params))
    known = known_schema(context, params["tenant_id"], params["relationship_type"])
    try:
        # What an older schema refuses, the one of today may take.
        if known and known.violations(params["data"]):
            return steps
    except InvalidParams:
        # Or what took too long to check against it.
        return steps
    return _unless(steps, _insert(context, params, known))


def _create_checked(context: Context, params: Loaded) -> Walk:
    name = params["relationship_type"]
    held = yield from held_schemas(context, params["tenant_id"], [name])
    if name in held:
        held[name].check(params["data"], THING)
    statement = _insert(context, params, held.get(name))
    return statement.result((yield statement))


def _insert(context: Context, params: Loaded, compiled: Compiled | None) -> Statement:
    return one_object(context, "create_relationship", params | _checked(compiled), "relationship")


def _checked(compiled: Compiled | None) -> Loaded:
    """Return the argument that says which schema data was checked against."""
    return {"schema_version": compiled.version if compiled else ""}


def _unless(steps: Steps, statement: Statement) -> Statement:
    """Return a statement that leads to steps where the schema of the type is another."""
    place = statement.query.columns.index("is_checked")

    def read(row: Row | None) -> Result | Steps:
        return steps if row and row[place] is False else statement.read(row)

    return replace(statement, read=read)


@operation(RelationshipQuery, gives=one(Relationship, "relationship"),
           effect=READS, of=TENANT, access=Access.READ, rules=Heed.HELD)
def get_relationship(context: Context, params: Loaded) -> Statement:
    """Get a relationship by its id; or what it was."""
    if not params.keys().isdisjoint(MOMENT):
        return state_then(context, "get_relationship_at", params, "relationship")
    return one_object(context, "get_relationship", params, "relationship", thing="relationship")


@operation(RelationshipChange, gives=one(Relationship, "relationship"),
           effect=CHANGES, of=TENANT, access=Access.WRITE, rules=Heed.HELD)
def update_relationship(context: Context, params: Loaded) -> Plan:
    """Change a relationship's type or data; what is absent stays as it is."""
    data, limits = params["data"], context.limits
    steps = Steps("update_relationship", partial(
        _change, context, params, None if data is None else Replacement(data)))
    if data is None or fits(data, limits.max_json_bytes, limits.max_depth):
        return _unless(steps, _update(context, params, None))
    # It is not larger than what is there, perhaps.
    return steps


@operation(RelationshipPatch, gives=one(Relationship, "relationship"),
           effect=CHANGES, of=TENANT, access=Access.WRITE, rules=Heed.HELD)
def patch_relationship(context: Context, params: Loaded) -> Plan:
    """Patch a relationship's data: an object is a merge patch, an array a JSON Patch.

    Or change it in place, by the operators of an update.
    """
    return Steps("patch_relationship", partial(
        _change, context, params | {"relationship_type": None}, change_of(params)))


def _change(context: Context, params: Loaded, change: Change | None) -> Walk:
    row = yield step(context, "get_relationship_to_change", params)
    if row is None:
        raise NotFound.of("id", "relationship")
    version, tag, data, name, schema_version = row
    check_state(context, params, version, tag)
    limits = context.limits
    changed = (change.apply(data or b"{}", limits.max_json_bytes, limits.max_depth) if change
               else None)
    compiled = yield from held_schema(context, params["tenant_id"], name, schema_version)
    # What neither changes its data nor its type leaves it as it is.
    if compiled and (change or params["relationship_type"]):
        compiled.check(changed or data or b"{}", THING)
    statement = _update(context, params | {"data": changed}, compiled)
    return statement.result((yield statement))


def _update(context: Context, params: Loaded, compiled: Compiled | None) -> Statement:
    return one_object(context, "update_relationship", params | _checked(compiled), "relationship",
                      thing="relationship")


@operation(RelationshipVersion, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.WRITE, rules=Heed.HELD)
def delete_relationship(context: Context, params: Loaded) -> Statement:
    """Delete a relationship; its nodes stay."""
    return one_object(context, "delete_relationship", params, thing="relationship")


@operation(RelationshipList, gives=paged(Relationship, "relationships", Explanation),
           effect=READS, of=TENANT, access=Access.READ, rules=Heed.HELD)
def list_relationships(context: Context, params: Loaded) -> Statement:
    """List a tenant's relationships, newest first; a query filters, sorts and shortens them."""
    return page(context, "list_relationships", params, CHOSEN_BY, members=MEMBERS)
