"""What calls tell before they are planned: whose they are, whether the caller may make them, and
whether what they read may be a moment old.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flexdb.access.callers import Caller
from flexdb.contract.fields import is_uuid
from flexdb.contract.operation import CALLS, OPERATIONS, READS, Loaded, Operation
from flexdb.errors import NotFound


def check_caller(called: Operation, params: Any, caller: Caller) -> None:
    """Refuse a call that the caller may not make, whatever else is to be said of it.

    :param params: by name or by position, as they came, so they may be anything
    :raises PermissionDenied: naming the operation and the role that may
    :raises NotFound: when the caller does not see the tenant
    """
    by_name, bound = called.admit(_by_name(called, params), caller)
    if bound is None and is_uuid(by_name.get(called.tenant or "")):
        raise NotFound.of(str(called.tenant), "tenant")


def tenants_of(called: Operation, params: Any, caller: Caller) -> Iterator[str]:
    """Give the tenants that a call names, or that the caller is bound to.

    :param params: as for :func:`check_caller`
    """
    by_name = _by_name(called, params)
    if called.of is CALLS:
        for inner, given in _within(called, by_name):
            yield from tenants_of(inner, given, caller)
        return
    by_name, _ = called.within(by_name, caller)
    if is_uuid(tenant := by_name.get(called.tenant or "")):
        yield str(tenant).lower()


def may_lag(called: Operation, params: Any) -> bool:
    """Tell whether a call may be answered with what was there a moment ago: it only reads, and
    nothing that has to be fresh.

    :param params: as for :func:`check_caller`
    """
    if called.of is CALLS:
        return all(may_lag(*call) for call in _within(called, _by_name(called, params)))
    return called.effect is READS and not called.fresh


def _within(called: Operation, by_name: Loaded) -> Iterator[tuple[Operation, Any]]:
    """Give the calls that a call is made of, each with its parameters as they came."""
    calls = by_name.get("calls")
    for call in calls if isinstance(calls, list) else ():
        method = call.get("method") if isinstance(call, dict) else None
        inner = OPERATIONS.get(method) if isinstance(method, str) else None
        if inner and inner is not called:
            yield inner, call.get("params")


def _by_name(called: Operation, params: Any) -> Loaded:
    if isinstance(params, list):
        return dict(zip(called.fields, params))
    return params if isinstance(params, dict) else {}
