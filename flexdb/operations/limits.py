"""Limits: how much a tenant may have and ask for, and how much it has."""

from __future__ import annotations

from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.limits import OwnLimits
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Choice, Integer, Text
from flexdb.contract.gives import one
from flexdb.contract.members import TENANT_ID
from flexdb.contract.objects import Items
from flexdb.contract.operation import (
    CHANGES,
    CREATES,
    READS,
    TENANT,
    Loaded,
    Operation,
    guard,
    operation,
)
from flexdb.contract.params import Params
from flexdb.errors import QuotaExceeded
from flexdb.operations.statements import one_object
from flexdb.plan import Plan, Result, Row, Statement, Steps, Walk, as_steps
from flexdb.sql.loader import STATEMENTS

QUOTAS = ("max_nodes", "max_relationships", "max_bytes")
MOST_WHOLE, MOST_RATE = 2**53 - 1, 1_000_000
NODES = partial(Integer, "How many nodes it may have; 0 for any number.", least=0)
RELATIONSHIPS = partial(Integer, "How many relationships it may have; 0 for any number.", least=0)
BYTES = partial(Integer, "How much the JSON of its node types, nodes and relationships may weigh, "
                "in bytes, as PostgreSQL writes it; 0 for any number.", least=0)
RATE = partial(Integer, "How many calls a second it may make; 0 for any number.", least=0)
BURST = partial(Integer, "How many of them at once.", least=0)


class TenantLimits(Schema):
    """What a tenant may have and ask for, and how much it has."""

    tenant_id = TENANT_ID()
    max_nodes = NODES()
    max_relationships = RELATIONSHIPS()
    max_bytes = BYTES()
    calls_per_second = RATE(allow_none=True)
    burst = BURST(allow_none=True)
    own = Items("Which of these are the tenant's own; the others are the service's.",
                Text("A name.", example="max_nodes"))
    used_nodes = Integer("How many nodes it has.", least=0)
    used_relationships = Integer("How many relationships it has.", least=0)
    used_bytes = Integer("How much its JSON weighs, in bytes.", least=0)


class OfTenant(Params):
    tenant_id = TENANT_ID(required=True)


class LimitsChange(Params):
    tenant_id = TENANT_ID(required=True)
    max_nodes = NODES(most=MOST_WHOLE, load_default=None)
    max_relationships = RELATIONSHIPS(most=MOST_WHOLE, load_default=None)
    max_bytes = BYTES(most=MOST_WHOLE, load_default=None)
    calls_per_second = RATE(most=MOST_RATE, load_default=None)
    burst = BURST(most=MOST_RATE, load_default=None)
    reset = Items("Which of them are to be none of the tenant's own any more.",
                  Choice("A limit.", choices=OwnLimits._fields), most=len(OwnLimits._fields),
                  load_default=None)


@operation(OfTenant, gives=one(TenantLimits, "limits"), effect=READS, of=TENANT,
           access=Access.READ, rules=Heed.REFUSED)
def get_limits(context: Context, params: Loaded) -> Statement:
    """Tell how much a tenant may have and ask for, and how much it has."""
    return one_object(context, "get_limits", params | _of_service(context), "limits",
                      missing="tenant_id")


@operation(LimitsChange, gives=one(TenantLimits, "limits"), effect=CHANGES, of=TENANT,
           access=Access.PLATFORM, rules=Heed.REFUSED)
def update_limits(context: Context, params: Loaded) -> Statement:
    """Change the limits of a tenant's own; what is absent stays as it is.

    They hold within a second. What a tenant has above a lower limit stays: it may have no more.
    """
    own = {f"own_{name}": params[name] for name in OwnLimits._fields}
    reset = {"reset": params["reset"] or []}
    return one_object(context, "update_limits", own | params | reset | _of_service(context),
                      "limits", missing="tenant_id")


def _of_service(context: Context) -> Loaded:
    return {name: getattr(context.limits, name) for name in QUOTAS}


def _may_add(called: Operation) -> bool:
    """Tell whether an operation makes a tenant's JSON more."""
    return called.effect in (CREATES, CHANGES) and called.kind in (
        "node_types", "nodes", "relationships", "bulk", "updates", "upserts", "restores")


@guard(_may_add)
def keep_quota(called: Operation, context: Context, params: Loaded, plan: Plan) -> Plan:
    """Have a transaction that makes more of a tenant's things ask at its end whether it may.

    A tenant that has no such limit is asked for nothing.
    """
    tenant_id = params["tenant_id"]
    usual, own = _of_service(context), context.own_limits(tenant_id)
    most = {name: usual[name] if (of_own := getattr(own, name)) is None else of_own
            for name in QUOTAS}
    # What is restored may be there again.
    makes_more = called.effect is CREATES or called.kind == "restores"
    if not (any(most.values()) if makes_more else most["max_bytes"]):
        return plan
    check = Statement(STATEMENTS["value"]["check_quota"], {"tenant_id": tenant_id} | usual,
                      _refuse_more)

    def steps() -> Walk:
        yield check
        result: Result = yield as_steps(plan)
        return result

    return Steps(plan.name, steps)


def _refuse_more(row: Row | None) -> Result:
    if row is None:
        return Result(b"")
    exceeded, most, used, added = row
    raise QuotaExceeded(
        f"the tenant may have {most:,} {exceeded}: it has {used:,}, and this would make it "
        f"{used + added:,}", limit=exceeded, most=most, used=used)
