"""Invitations: people become members of a tenant by their e-mail address, users or not yet.

What is told is the same in both cases, so that a tenant learns of nobody by asking.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Text, Time
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.members import CREATED_AT, NEW_ID, TENANT_ID
from flexdb.contract.names import Email, new_email
from flexdb.contract.operation import CREATES, DELETES, READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.errors import InvalidParams, PermissionDenied
from flexdb.operations.statements import one_object, step
from flexdb.plan import Result, Row, Statement, Steps, Walk
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, MEMBERS_FIELDS, MEMBERS_FILTER, MEMBERS_SORT

MOST_INVITATIONS, DAYS = 1000, 30

ID = partial(Id, "The invitation's id.")
EMAIL = partial(Email, "The e-mail address of who is invited.", example="john@example.com")
ROLE = partial(Text, "The role that the user gets in the tenant.", example="member")


class Invitation(Schema):
    """What makes somebody a member who is no user yet."""

    id = ID()
    tenant_id = TENANT_ID()
    email = EMAIL()
    role = ROLE()
    created_by = Text("Who invited.")
    created_at = CREATED_AT()
    expires_at = Time("When it ends, 30 days later.")


MEMBERS = Invitation().fields


class NewInvitation(Params):
    tenant_id = TENANT_ID(required=True)
    email = EMAIL(required=True)
    role = ROLE(load_default="member")
    id = NEW_ID()


class InvitationId(Params):
    tenant_id = TENANT_ID(required=True)
    id = ID(required=True)


class InvitationList(Params):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()
    filter = MEMBERS_FILTER()
    sort = MEMBERS_SORT()
    fields = MEMBERS_FIELDS()  # type: ignore[assignment]
    count = COUNT()


@operation(NewInvitation, gives=one(Invitation, "invitation"), effect=CREATES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def create_invitation(context: Context, params: Loaded) -> Steps:
    """Make a member of who has an e-mail address: at once, or as soon as there is such a user.

    The answer is the same in both cases. No mail is sent. Who is a member stays what the member is.
    """
    if params["role"] in context.caller.above:
        raise PermissionDenied(f"a caller with the role {context.caller.role} gives no role "
                               f"{params['role']}")
    # An address that is invited already is the same place, and no further one.
    made = _checked(one_object(context, "create_invitation", params | new_email(params["email"]) | {
        "above": list(context.caller.above), "created_by": context.caller.name,
        "most": MOST_INVITATIONS, "days": DAYS}, "invitation", missing="tenant_id"))

    def steps() -> Walk:
        yield step(context, "begin_invitation", params)
        return made.result((yield made))

    return Steps("create_invitation", steps)


@operation(InvitationList, gives=paged(Invitation, "invitations"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def list_invitations(context: Context, params: Loaded) -> Statement:
    """List the invitations of a tenant that are open, newest first."""
    return page(context, "list_invitations", params, members=MEMBERS)


@operation(InvitationId, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def delete_invitation(context: Context, params: Loaded) -> Statement:
    """Take an invitation back that is open."""
    return _checked(one_object(context, "delete_invitation", params | {
        "above": list(context.caller.above)}, thing="invitation"))


def _checked(statement: Statement) -> Statement:
    """Return a statement that may also tell that it was denied, or that there are too many."""
    def read(row: Row | None) -> Result:
        given: dict[str, Any] = dict(zip(statement.query.columns, row or ()))
        if given.get("denied"):
            raise PermissionDenied("the invitation has a role above the caller's")
        if given.get("full") and not given["missing"]:
            raise InvalidParams(fields={"email": [
                f"may be no further one: {MOST_INVITATIONS} invitations are open"]})
        return statement.result(row)

    return replace(statement, read=read)
