"""What calls tell before they are planned: whose they are, and whether the caller may make them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flexdb.access.callers import Caller
from flexdb.contract.fields import is_uuid
from flexdb.contract.operation import CALLS, OPERATIONS, Loaded, Operation
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
        calls = by_name.get("calls")
        for call in calls if isinstance(calls, list) else ():
            method = call.get("method") if isinstance(call, dict) else None
            inner = OPERATIONS.get(method) if isinstance(method, str) else None
            if inner and inner is not called:
                yield from tenants_of(inner, call.get("params"), caller)
        return
    by_name, _ = called.within(by_name, caller)
    if is_uuid(tenant := by_name.get(called.tenant or "")):
        yield str(tenant).lower()


def _by_name(called: Operation, params: Any) -> Loaded:
    if isinstance(params, list):
        return dict(zip(called.fields, params))
    return params if isinstance(params, dict) else {}
