"""Tenants: the root of all data; what hangs on one is seen by no other."""

from collections.abc import Iterable
from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Id, Text
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.members import CREATED_AT, NEW_ID, UPDATED_AT
from flexdb.contract.names import Slug, new_slug, slug_change
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
from flexdb.errors import PermissionDenied
from flexdb.operations.statements import one_object
from flexdb.plan import Result, Row, Statement
from flexdb.query.paging import page, pagination
from flexdb.query.parameters import COUNT, MEMBERS_FIELDS, MEMBERS_FILTER, MEMBERS_SORT
from flexdb.sql.loader import STATEMENTS

ID = partial(Id, "The tenant's id.")
SLUG = "acme-corp"
NEW_SLUG = partial(Slug, "A short unique name, with no white space at its ends, nothing that "
                   "is not seen, and no UUID. One that differs in case alone is the same.",
                   example=SLUG)
NAME = partial(Text, "The full name.", example="Acme Corporation")
STATUS = partial(Text, "`active`, or what the application makes of it.", example="active")


class Tenant(Schema):
    """A tenant."""

    id = ID()
    # Whatever it is: what was stored before there was a rule stays.
    slug = Text("The short unique name.", example=SLUG)
    name = NAME()
    status = STATUS()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()


MEMBERS = Tenant().fields


class NewTenant(Params):
    slug = NEW_SLUG(required=True)
    name = NAME(required=True)
    id = NEW_ID()


class TenantId(Params):
    id = ID(required=True)


class TenantName(Params):
    id = ID()
    slug = NEW_SLUG(held=True)
    either = ("id", "slug")


class TenantChange(Params):
    id = ID(required=True)
    slug = NEW_SLUG(held=True, load_default=None)
    name = NAME(load_default=None)
    status = STATUS(load_default=None)


class TenantList(Params):
    pagination = pagination()
    filter = MEMBERS_FILTER(example={"slug": "acme-corp"})
    sort = MEMBERS_SORT(example=["name"])
    fields = MEMBERS_FIELDS(example=["id", "slug"])  # type: ignore[assignment]
    count = COUNT()


@operation(NewTenant, gives=one(Tenant, "tenant"),
           effect=CREATES, of=SERVICE, access=Access.PLATFORM, rules=Heed.REFUSED)
def create_tenant(context: Context, params: Loaded) -> Statement:
    """Create a tenant, whose slug none has and none that looks the same."""
    return one_object(context, "create_tenant", params | new_slug(params["slug"]), "tenant")


@operation(TenantName, gives=one(Tenant, "tenant"), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.FREE)
def get_tenant(context: Context, params: Loaded) -> Statement:
    """Get a tenant by its id, or by its slug in whatever case."""
    if "id" in params:
        return one_object(context, "get_tenant", params, "tenant", thing="tenant")
    seen = context.caller.tenants_of(Access.READ)
    return one_object(context, "get_tenant_by_slug", slug_change(params["slug"]) | {
        "tenant_ids": None if seen is None else list(seen)}, "tenant", missing="slug",
        thing="tenant")


@operation(TenantChange, gives=one(Tenant, "tenant"), effect=CHANGES, of=TENANT,
           access=Access.OWN, rules=Heed.REFUSED)
def update_tenant(context: Context, params: Loaded) -> Statement:
    """Change a tenant; what is absent stays as it is.

    Callers that are bound to the tenant change its name alone.
    """
    if not context.caller.sees_all and (params["slug"] is not None or params["status"] is not None):
        raise PermissionDenied("only an operator changes a tenant's slug or status")
    return one_object(context, "update_tenant", params | slug_change(params["slug"]), "tenant",
                      thing="tenant")


@operation(TenantId, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.PLATFORM, rules=Heed.REFUSED, long=True)
def delete_tenant(context: Context, params: Loaded) -> Statement:
    """Delete a tenant with its members, node types, nodes and relationships."""
    return one_object(context, "delete_tenant", params, thing="tenant")


@operation(TenantList, gives=paged(Tenant, "tenants"),
           effect=READS, of=SERVICE, access=Access.PLATFORM, rules=Heed.REFUSED)
def list_tenants(context: Context, params: Loaded) -> Statement:
    """List the tenants, newest first."""
    return page(context, "list_tenants", params, members=MEMBERS)


def find_absent_tenants(ids: Iterable[str]) -> Statement:
    """Return the statement whose result is a JSON array of those tenants that are not there."""
    def read(row: Row | None) -> Result:
        return Result(row[0] if row else b"[]")

    return Statement(STATEMENTS["value"]["find_absent_tenants"], {"ids": ids}, read)
