"""Roles that a tenant makes: which of its records, of which types, they let read and write."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import orjson
from marshmallow import Schema

from flexdb.access.callers import ROLES, Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Choice, Id, Json, JsonForm, Text
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
from flexdb.contract.objects import Items, Object, Objects
from flexdb.contract.operation import CHANGES, CREATES, DELETES, READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams, NotFound
from flexdb.operations import nodes
from flexdb.operations.statements import one_object, step
from flexdb.plan import Statement, Steps, Walk
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, MEMBERS_FIELDS, MEMBERS_FILTER, MEMBERS_SORT
from flexdb.query.rules import check_filter

# How many roles a tenant may have, and how much one may say.
MOST_ROLES, MOST_GRANTS, MOST_BYTES = 100, 100, 16_384


class Let(JsonText):
    """What a grant says of reading or writing: all, nothing, or what fits a filter."""

    def _form(self, given: JsonForm | None) -> Json:
        # As it is told, whatever form other JSON is given in.
        return super()._form(None)

    def _may_be_null(self, given: JsonForm | None) -> bool:
        return False


LET = partial(Let, kinds=("boolean", "object"))
READ = partial(LET, "Which nodes may be read: `true` for all, `false` for none, or a filter, in "
               'which `{"$caller": "id"}` or `{"$caller": "attributes.team"}` stands for what is '
               "known of the caller.", example=True)
WRITE = partial(LET, "Which of them may be written, before it and after it, likewise.",
                example={"data.owner": {"$caller": "id"}})
GRANTS = "What it lets read and write of each node type; of types without a grant, nothing."
ID = partial(Id, "The role's id.")
NAME = partial(Text, "By which keys and members have it; none of `viewer`, `member`, `admin`, "
               "`owner`, `operator`.", length=64, example="editor")
BASED_ON = partial(Choice, "The role whose methods it lets call, those aside that are not for "
                   "callers with rules.", choices=ROLES[:3], example="member")


class Grant(Schema):
    """What a role lets do with the nodes of a type."""

    node_type_id = Id("The type; null for all that have no grant of their own.", allow_none=True)
    read = READ()
    write = WRITE()


class Role(Schema):
    """A role that a tenant made."""

    id = ID()
    tenant_id = TENANT_ID()
    name = NAME()
    based_on = BASED_ON()
    grants = Items(GRANTS, Object(Grant, "A grant."))
    version = VERSION()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


MEMBERS = Role().fields


class NewGrant(Params):
    node_type_id = Id("The type; absent for all that have no grant of their own.",
                      load_default=None)
    read = READ(load_default=b"true")
    write = WRITE(load_default=b"false")


NEW_GRANTS = partial(Objects, GRANTS, NewGrant, MOST_GRANTS, example=[
    {"read": True, "write": {"data.owner": {"$caller": "id"}}}])


class NewRole(Params):
    tenant_id = TENANT_ID(required=True)
    name = NAME(required=True)
    grants = NEW_GRANTS(required=True)
    based_on = BASED_ON(load_default="member")
    id = NEW_ID()


class RoleId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class RoleVersion(RoleId):
    version = ASKED_VERSION()


class RoleChange(RoleId):
    grants = NEW_GRANTS(load_default=None)
    based_on = BASED_ON(load_default=None)
    version = ASKED_VERSION()


class RoleList(Params):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()
    filter = MEMBERS_FILTER()
    sort = MEMBERS_SORT()
    fields = MEMBERS_FIELDS()  # type: ignore[assignment]
    count = COUNT()


@operation(NewRole, gives=one(Role, "role"), effect=CREATES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def create_role(context: Context, params: Loaded) -> Statement:
    """Make a role, which keys and members may have; it lets do at most what its base does."""
    if params["name"] in ROLES:
        raise InvalidParams(fields={"name": ["is a role that there is already"]})
    full = f"is one too many: a tenant may have {MOST_ROLES} roles"
    return one_object(context, "create_role", params | {
        "grants": _kept(params["grants"]), "most": MOST_ROLES, "wrong": full}, "role",
        missing="tenant_id")


@operation(RoleId, gives=one(Role, "role"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def get_role(context: Context, params: Loaded) -> Statement:
    """Get a role by its id."""
    return one_object(context, "get_role", params, "role", thing="role")


@operation(RoleChange, gives=one(Role, "role"), effect=CHANGES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def update_role(context: Context, params: Loaded) -> Statement:
    """Change what a role lets do, a second later for all who have it; what is absent stays."""
    grants = params["grants"] and _kept(params["grants"])
    return one_object(context, "update_role", params | {"grants": grants}, "role", thing="role")


@operation(RoleVersion, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def delete_role(context: Context, params: Loaded) -> Steps:
    """Delete a role that no key, no member and nobody who is invited has."""
    def steps() -> Walk:
        row = yield step(context, "lock_role", params)
        if row is None:
            raise NotFound.of("id", "role")
        keys, members, invited = yield step(context, "count_role", params | {"name": row[0]})
        if keys or members or invited:
            raise InvalidParams(fields={"id": [
                f"is the role of {keys} keys, {members} members and {invited} who are invited: "
                "give them another, or take them away, first"]})
        statement = one_object(context, "delete_role", params, thing="role")
        return statement.result((yield statement))

    return Steps("delete_role", steps)


@operation(RoleList, gives=paged(Role, "roles"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def list_roles(context: Context, params: Loaded) -> Statement:
    """List the roles that a tenant made, newest first."""
    return page(context, "list_roles", params, members=MEMBERS)


def _kept(grants: list[Loaded]) -> bytes:
    """Return grants as they are kept.

    :raises InvalidParams: naming the place in them that is wrong
    """
    wrong = dict(_faults(grants))
    text = orjson.dumps([{
        "node_type_id": grant["node_type_id"], "read": orjson.Fragment(grant["read"]),
        "write": orjson.Fragment(grant["write"])} for grant in grants])
    if not wrong and len(text) > MOST_BYTES:
        wrong = {"grants": f"may have at most {MOST_BYTES:,} bytes, not {len(text):,}"}
    if wrong:
        raise InvalidParams(fields={place: [told] for place, told in wrong.items()})
    return text


def _faults(grants: list[Loaded]) -> Iterable[tuple[str, Any]]:
    known: set[str | None] = set()
    for place, grant in enumerate(grants):
        if grant["node_type_id"] in known:
            yield f"grants.{place}.node_type_id", "has a grant before this one"
        known.add(grant["node_type_id"])
        for what in ("read", "write"):
            filter = json_text.parse_exactly(grant[what])
            try:
                if not isinstance(filter, bool):
                    check_filter(filter, nodes.MEMBERS)
            except InvalidParams as error:
                for inner, (told, *_) in error.data["fields"].items():
                    yield f"grants.{place}.{what}{inner.removeprefix('filter')}", told
