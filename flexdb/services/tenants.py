"""Tenants: the root of all data; what hangs on one is seen by no other."""

from marshmallow import Schema

from flexdb.db.statement import Statement
from flexdb.services.fields import Id, Params, Text, Time
from flexdb.services.ids import new_id
from flexdb.services.operation import Loaded, one, operation
from flexdb.services.paging import ListParams, page, pagination

ID = "The tenant's id."
SLUG = "A short unique name."
NAME = "The full name."
STATUS = "`active`, or what the application makes of it."


class Tenant(Schema):
    """A tenant."""

    id = Id(ID)
    slug = Text(SLUG)
    name = Text(NAME)
    status = Text(STATUS)
    created_at = Time("When it was created.")
    updated_at = Time("When it was last changed.")


class NewTenant(Params):
    slug = Text(SLUG, required=True)
    name = Text(NAME, required=True)
    id = Id("The id to give it; made by the server when absent.", load_default=new_id)


class TenantId(Params):
    id = Id(ID, required=True)


class TenantChange(Params):
    id = Id(ID, required=True)
    slug = Text(SLUG, load_default=None)
    name = Text(NAME, load_default=None)
    status = Text(STATUS, load_default=None)


class TenantList(ListParams):
    pagination = pagination()


@operation(NewTenant, returns=Tenant, wrapper="tenant")
def create_tenant(params: Loaded) -> Statement:
    """Create a tenant."""
    return one("create_tenant", params, "tenant")


@operation(TenantId, returns=Tenant, wrapper="tenant")
def get_tenant(params: Loaded) -> Statement:
    """Get a tenant by its id."""
    return one("get_tenant", params, "tenant", thing="tenant")


@operation(TenantChange, returns=Tenant, wrapper="tenant")
def update_tenant(params: Loaded) -> Statement:
    """Change a tenant; what is absent stays as it is."""
    return one("update_tenant", params, "tenant", thing="tenant")


@operation(TenantId)
def delete_tenant(params: Loaded) -> Statement:
    """Delete a tenant with its members, node types, nodes and relationships."""
    return one("delete_tenant", params, thing="tenant", long=True)


@operation(TenantList, returns=Tenant, wrapper="tenants")
def list_tenants(params: Loaded) -> Statement:
    """List the tenants, newest first."""
    return page("list_tenants", params)
