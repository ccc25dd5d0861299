"""Which tenant a call is about, and how many calls it counts as."""

from __future__ import annotations

from functools import cache
from typing import Any

from flexdb.context import Context
from flexdb.contract.fields import is_uuid
from flexdb.contract.objects import Objects
from flexdb.contract.operation import CALLS, OPERATIONS, Loaded, Operation, guard
from flexdb.documents import text as json_text
from flexdb.plan import Plan
from flexdb.telemetry import watch

# So many rows that are written at once count as one call more.
_ROWS = 100


@guard(applies=lambda called: called.tenant is not None or called.of is CALLS)
def note_tenant(called: Operation, context: Context, loaded: Loaded, plan: Plan) -> Plan:
    """Let what is watched of the request know the tenant before the call is run."""
    tenant, calls = _of_calls(loaded["calls"]) if called.of is CALLS else (
        loaded.get(called.tenant or "") or "", 1 + _rows(called, loaded) // _ROWS)
    watch.current().see(tenant, calls)
    return plan


def _rows(called: Operation, params: Loaded) -> int:
    """Return how many objects to write parameters hold."""
    return sum([len(params.get(name) or ()) for name in _lists(called.name)])


@cache
def _lists(operation: str) -> list[str]:
    """Return the parameters of an operation that hold objects to write."""
    fields = OPERATIONS[operation].fields
    return [name for name, field in fields.items() if isinstance(field, Objects)]


def _of_calls(calls: list[Loaded]) -> tuple[str, int]:
    """Return the first tenant that calls of a transaction name, and how many calls they are."""
    tenant, count = "", len(calls)
    for call in calls:
        called = OPERATIONS[call["method"]]
        lists = _lists(called.name)
        if tenant and not lists or called.tenant is None:
            continue
        params = _members(called, call["params"])
        if not tenant and called.tenant in params:
            id = json_text.parse(bytes(params[called.tenant]))
            tenant = id.lower() if is_uuid(id) else ""
        count += sum(len(json_text.items(bytes(params[name]))) for name in lists
                     if name in params and bytes(params[name]).startswith(b"[")) // _ROWS
    return tenant, count


def _members(called: Operation, text: bytes) -> dict[str, Any]:
    """Return the text of each parameter of a call in a transaction."""
    if text.startswith(b"["):
        return dict(zip(called.fields, json_text.items(text)))
    return json_text.members(text)
