"""Which stored rows a call will write, as far as its parameters say so before it is planned."""

from __future__ import annotations

from typing import Any

from flexdb.access.callers import ANYONE, Caller
from flexdb.contract.fields import is_uuid
from flexdb.contract.operation import CREATES, DELETES, READS, TENANT, Operation
from flexdb.plan import Lock

_KINDS = {"tenants", "users", "node_types", "nodes", "relationships"}


def lock_of(called: Operation, params: Any, caller: Caller = ANYONE) -> Lock | None:
    """Return the row that a call will write; None where its parameters name none.

    :param params: by name or by position, as they came, so they may be anything
    :param caller: of whose tenants alone a row is told
    """
    if (table := table_of(called)) is None:
        return None
    if isinstance(params, list):
        params = dict(zip(called.fields, params))
    if not isinstance(params, dict):
        return None
    params, bound = called.within(params, caller)
    if bound is None:
        return None
    id = params.get("user_id" if table == "tenant_users" else "id")
    tenant_id = params.get("tenant_id") if "tenant_id" in called.fields else ""
    if not is_uuid(id) or tenant_id != "" and not is_uuid(tenant_id):
        return None
    return Lock(table, str(tenant_id).lower(), str(id).lower(), called.effect is DELETES)


def table_of(called: Operation) -> str | None:
    """Return the table of the one stored row that an operation writes; None where it is no one."""
    if called.effect is READS:
        return None
    if called.kind == "users" and called.of is TENANT:
        return "tenant_users"
    if called.kind in _KINDS and "id" in called.fields and called.effect is not CREATES:
        return called.kind
    return None
