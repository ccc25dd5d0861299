"""Usage: how much each tenant asks for, so that the loud ones of many are known."""

from __future__ import annotations

from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Choice, Integer, Time
from flexdb.contract.gives import many, one
from flexdb.contract.members import TENANT_ID
from flexdb.contract.operation import READS, SERVICE, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.operations.statements import one_object
from flexdb.plan import Result, Row, Statement
from flexdb.sql.loader import STATEMENTS

MEASURES = ("database_ms", "calls", "errors", "rows", "bytes")
MOST_TENANTS = 1000
SINCE = partial(Time, "From the hour of this time on; today's first when absent, in UTC. Hours are "
                "kept for 90 days.", load_default=None)


class TenantUsage(Schema):
    """What a tenant asked for; some seconds may be missing at the end."""

    tenant_id = TENANT_ID()
    since = Time("When the first hour began.")
    calls = Integer("How many calls there were; those of a batch count one by one.", least=0)
    errors = Integer("How many of them were answered with an error.", least=0)
    rows = Integer("How many objects the calls listed or wrote; any other call is one.", least=0)
    bytes = Integer("How much the answers weighed, in bytes.", least=0)
    database_ms = Integer("How long connections to PostgreSQL were held, in milliseconds.",
                          least=0)


class UsageOfTenant(Params):
    tenant_id = TENANT_ID(required=True)
    since = SINCE()


class UsageList(Params):
    since = SINCE()
    by = Choice("What the first ones have most of.", choices=MEASURES, load_default=MEASURES[0])
    limit = Integer("How many tenants to tell of.", least=1, most=MOST_TENANTS, load_default=20)


@operation(UsageOfTenant, gives=one(TenantUsage, "usage"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def get_usage(context: Context, params: Loaded) -> Statement:
    """Tell how much a tenant asked for since an hour."""
    return one_object(context, "get_usage", params, "usage", missing="tenant_id")


@operation(UsageList, gives=many(TenantUsage, "usages"), effect=READS, of=SERVICE,
           access=Access.PLATFORM, rules=Heed.REFUSED)
def list_usage(context: Context, params: Loaded) -> Statement:
    """List the tenants that asked for most since an hour."""
    def read(row: Row | None) -> Result:
        return Result(b'{"usages":%b}' % (row[0] if row else b"[]"))

    return Statement(STATEMENTS[context.json_fields]["list_usage"], params, read)
