"""Users, who are global, and their membership in tenants."""

from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Text
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.members import CREATED_AT, NEW_ID, TENANT_ID, UPDATED_AT
from flexdb.contract.names import Email, email_change, new_email
from flexdb.contract.operation import (
    CHANGES,
    CREATES,
    DELETES,
    READS,
    SERVICE,
    TENANT,
    Loaded,
    operation,
)
from flexdb.contract.params import Params
from flexdb.errors import NotFound, PermissionDenied
from flexdb.operations.statements import one_object, step
from flexdb.plan import Plan, Statement, Steps, Walk
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, MEMBERS_FIELDS, MEMBERS_FILTER, MEMBERS_SORT
from flexdb.sql.pages import BY_TENANT, BY_USER

ID = partial(Id, "The user's id.")
EMAIL = "john@example.com"
NEW_EMAIL = partial(Email, "The unique e-mail address (RFC 5321). Its domain is kept in lower case "
                    "and in Unicode, the part before its @ as it is written.", example=EMAIL)
DISPLAY_NAME = partial(Text, "The name to show.", example="John Doe")
ROLE = partial(Text, "The user's role in the tenant.", example="admin")


class User(Schema):
    """A user, who may be a member of many tenants."""

    id = ID()
    # Whatever it is: what was stored before there was a rule stays.
    email = Text("The unique e-mail address.", example=EMAIL)
    display_name = DISPLAY_NAME()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


class TenantUser(Schema):
    """A user's membership in a tenant."""

    tenant_id = TENANT_ID()
    user_id = ID()
    role = ROLE()
    status = Text("`active`, or what the application makes of it.")


class TenantMember(TenantUser):
    """A member of a tenant, by name and e-mail address."""

    email = Text("The user's e-mail address.", example=EMAIL)
    display_name = DISPLAY_NAME()


class UserTenant(TenantUser):
    """A tenant of a user, by its slug and name."""

    slug = Text("The tenant's slug.", example="acme-corp")
    name = Text("The tenant's name.", example="Acme Corporation")


MEMBERS, MEMBERS_OF_MEMBER = User().fields, TenantMember().fields
MEMBERS_OF_TENANT = UserTenant().fields


class NewUser(Params):
    email = NEW_EMAIL(required=True)
    display_name = DISPLAY_NAME(required=True)
    id = NEW_ID()


class UserId(Params):
    id = ID(required=True)


class UserName(Params):
    id = ID()
    email = NEW_EMAIL(held=True)
    either = ("id", "email")


class UserChange(Params):
    id = ID(required=True)
    email = NEW_EMAIL(held=True, load_default=None)
    display_name = DISPLAY_NAME(load_default=None)


class UserList(Params):
    pagination = pagination()
    filter = MEMBERS_FILTER()
    sort = MEMBERS_SORT()
    fields = MEMBERS_FIELDS()  # type: ignore[assignment]
    count = COUNT()


class Membership(Params):
    tenant_id = TENANT_ID(required=True)
    user_id = ID(required=True)


class NewMembership(Membership):
    role = ROLE(load_default="member")


class TenantUserList(Params):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()
    filter = MEMBERS_FILTER(example={"email": {"$iendswith": "@example.com"}})
    sort = MEMBERS_SORT(example=["display_name"])
    fields = MEMBERS_FIELDS(example=["user_id", "email"])  # type: ignore[assignment]
    count = COUNT()


class UserTenantList(Params):
    user_id = ID(required=True)
    pagination = pagination()
    filter = MEMBERS_FILTER(example={"role": "admin"})
    sort = MEMBERS_SORT(example=["slug"])
    fields = MEMBERS_FIELDS(example=["tenant_id", "slug"])  # type: ignore[assignment]
    count = COUNT()


@operation(NewUser, gives=one(User, "user"), effect=CREATES, of=SERVICE,
           access=Access.PLATFORM, rules=Heed.REFUSED)
def create_user(context: Context, params: Loaded) -> Statement:
    """Create a user."""
    return one_object(context, "create_user", params | new_email(params["email"]), "user")


@operation(UserName, gives=one(User, "user"), effect=READS, of=SERVICE,
           access=Access.PEOPLE, rules=Heed.FREE)
def get_user(context: Context, params: Loaded) -> Statement:
    """Get a user by the id or the e-mail address.

    Who sees some tenants only finds their members alone.
    """
    seen = context.caller.tenants_of(Access.PEOPLE)
    name = "get_user" if seen is None else "get_member"
    within = {} if seen is None else {"tenant_ids": list(seen)}
    if "id" in params:
        return one_object(context, name, params | within, "user", thing="user")
    return one_object(context, f"{name}_by_email", email_change(params["email"]) | within, "user",
                      missing="email", thing="user")


@operation(UserChange, gives=one(User, "user"), effect=CHANGES, of=SERVICE,
           access=Access.PLATFORM, rules=Heed.REFUSED)
def update_user(context: Context, params: Loaded) -> Statement:
    """Change a user; what is absent stays as it is."""
    return one_object(context, "update_user", params | email_change(params["email"]), "user",
                      thing="user")


@operation(UserId, gives=NOTHING, effect=DELETES, of=SERVICE,
           access=Access.PLATFORM, rules=Heed.REFUSED)
def delete_user(context: Context, params: Loaded) -> Statement:
    """Delete a user with all memberships."""
    return one_object(context, "delete_user", params, thing="user")


@operation(UserList, gives=paged(User, "users"), effect=READS, of=SERVICE,
           access=Access.PLATFORM, rules=Heed.REFUSED)
def list_users(context: Context, params: Loaded) -> Statement:
    """List the users, newest first."""
    return page(context, "list_users", params, members=MEMBERS)


@operation(NewMembership, gives=one(TenantUser, "tenant_user"),
           effect=CREATES, of=TENANT, access=Access.MANAGE, rules=Heed.REFUSED)
def add_user_to_tenant(context: Context, params: Loaded) -> Plan:
    """Add a user to a tenant, or change the role of one who is there.

    Who is bound to the tenant knows its members alone, and gives and takes no role above the own.
    """
    return _within_role(context, params, one_object(
        context, "add_user_to_tenant", params, "tenant_user"))


@operation(Membership, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def remove_user_from_tenant(context: Context, params: Loaded) -> Plan:
    """Remove a user from a tenant; the user stays."""
    return _within_role(context, params, one_object(
        context, "remove_user_from_tenant", params, missing="user_id", thing="user in the tenant"))


@operation(TenantUserList, gives=paged(TenantMember, "tenant_users"),
           effect=READS, of=TENANT, access=Access.PEOPLE, rules=Heed.FREE)
def list_tenant_users(context: Context, params: Loaded) -> Statement:
    """List the members of a tenant by user id."""
    return page(context, "list_tenant_users", params, order=BY_USER, members=MEMBERS_OF_MEMBER)


@operation(UserTenantList, gives=paged(UserTenant, "user_tenants"),
           effect=READS, of=SERVICE, access=Access.READ, rules=Heed.FREE)
def list_user_tenants(context: Context, params: Loaded) -> Statement:
    """List the tenants of a user by their ids: the own ones, or to an operator anyone's."""
    caller = context.caller
    if not (caller.sees_all or caller.name.lower() == f"user:{params['user_id']}"):
        # To others there is no such user, be there one or not.
        raise NotFound.of("user_id")
    seen = caller.tenants
    return page(context, "list_user_tenants",
                params | {"tenant_ids": None if seen is None else list(seen)}, order=BY_TENANT,
                members=MEMBERS_OF_TENANT, of="user", takes=("user_id", "tenant_ids"))


def _within_role(context: Context, params: Loaded, statement: Statement) -> Plan:
    """Return the plan of a change of a membership, with no role above the caller's."""
    caller = context.caller
    if caller.sees_all:
        return statement

    def steps() -> Walk:
        row = yield step(context, "get_role_of_member", params)
        if row is None:
            raise NotFound.of("user_id", "user in the tenant")
        for role in (row[0], params.get("role")):
            if role in caller.above:
                raise PermissionDenied(f"a caller with the role {caller.role} gives and takes no "
                                       f"role {role}")
        return statement.result((yield statement))

    return Steps(statement.query.name, steps)
