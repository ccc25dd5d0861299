"""Tenants: the root of all data; what hangs on one is seen by no other."""

from functools import partial

from marshmallow import Schema

from flexdb.plan import Statement
from flexdb.contract.fields import CREATED_AT, NEW_ID, UPDATED_AT, Id, Text
from flexdb.contract.operation import Loaded, one, operation
from flexdb.query.paging import ListParams, page, pagination
from flexdb.contract.params import Params

ID = partial(Id, "The tenant's id.")
SLUG = partial(Text, "A short unique name.", example="acme-corp")
NAME = partial(Text, "The full name.", example="Acme Corporation")
STATUS = partial(Text, "`active`, or what the application makes of it.", example="active")


class Tenant(Schema):
    """A tenant."""

    id = ID()
    slug = SLUG()
    name = NAME()
    status = STATUS()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


class NewTenant(Params):
    slug = SLUG(required=True)
    name = NAME(required=True)
    id = NEW_ID()


class TenantId(Params):
    id = ID(required=True)


class TenantChange(Params):
    id = ID(required=True)
    slug = SLUG(load_default=None)
    name = NAME(load_default=None)
    status = STATUS(load_default=None)


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
