"""Users, who are global, and their membership in tenants."""

from functools import partial

from marshmallow import Schema

from flexdb.plan import Statement
from flexdb.sql import BY_USER
from flexdb.contract.fields import CREATED_AT, NEW_ID, TENANT_ID, UPDATED_AT, Email, Id, Text
from flexdb.contract.operation import Loaded, one, operation
from flexdb.query.paging import ListParams, page, pagination
from flexdb.contract.params import Params

ID = partial(Id, "The user's id.")
EMAIL = partial(Email, "The unique e-mail address.", example="john@example.com")
DISPLAY_NAME = partial(Text, "The name to show.", example="John Doe")
ROLE = partial(Text, "The user's role in the tenant.", example="admin")


class User(Schema):
    """A user, who may be a member of many tenants."""

    id = ID()
    email = EMAIL()
    display_name = DISPLAY_NAME()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


class TenantUser(Schema):
    """A user's membership in a tenant."""

    tenant_id = TENANT_ID()
    user_id = ID()
    role = ROLE()
    status = Text("`active`, or what the application makes of it.")


class NewUser(Params):
    email = EMAIL(required=True)
    display_name = DISPLAY_NAME(required=True)
    id = NEW_ID()


class UserId(Params):
    id = ID(required=True)


class UserChange(Params):
    id = ID(required=True)
    email = EMAIL(load_default=None)
    display_name = DISPLAY_NAME(load_default=None)


class UserList(ListParams):
    pagination = pagination()


class Membership(Params):
    tenant_id = TENANT_ID(required=True)
    user_id = ID(required=True)


class NewMembership(Membership):
    role = ROLE(load_default="member")


class TenantUserList(ListParams):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()


@operation(NewUser, returns=User, wrapper="user")
def create_user(params: Loaded) -> Statement:
    """Create a user."""
    return one("create_user", params, "user")


@operation(UserId, returns=User, wrapper="user")
def get_user(params: Loaded) -> Statement:
    """Get a user by the id."""
    return one("get_user", params, "user", thing="user")


@operation(UserChange, returns=User, wrapper="user")
def update_user(params: Loaded) -> Statement:
    """Change a user; what is absent stays as it is."""
    return one("update_user", params, "user", thing="user")


@operation(UserId)
def delete_user(params: Loaded) -> Statement:
    """Delete a user with all memberships."""
    return one("delete_user", params, thing="user")


@operation(UserList, returns=User, wrapper="users")
def list_users(params: Loaded) -> Statement:
    """List the users, newest first."""
    return page("list_users", params)


@operation(NewMembership, returns=TenantUser, wrapper="tenant_user")
def add_user_to_tenant(params: Loaded) -> Statement:
    """Add a user to a tenant, or change the role of one who is there."""
    return one("add_user_to_tenant", params, "tenant_user")


@operation(Membership)
def remove_user_from_tenant(params: Loaded) -> Statement:
    """Remove a user from a tenant; the user stays."""
    return one("remove_user_from_tenant", params, missing="user_id", thing="user in the tenant")


@operation(TenantUserList, returns=TenantUser, wrapper="tenant_users")
def list_tenant_users(params: Loaded) -> Statement:
    """List the members of a tenant by user id."""
    return page("list_tenant_users", params, order=BY_USER)
