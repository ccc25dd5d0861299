"""Keys as the machine's own user makes them, beside those that callers make over the wire."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from flexdb.access.callers import Caller
from flexdb.config import Settings
from flexdb.context import Context, Limits
from flexdb.contract.fields import is_uuid
from flexdb.contract.ids import new_id
from flexdb.contract.operation import OPERATIONS, Function, Loaded
from flexdb.db.commands import running
from flexdb.errors import FlexdbError, NotFound
from flexdb.operations import keys, operator_keys
from flexdb.operations.events import noted
from flexdb.operations.statements import one_object
from flexdb.plan import Plan

logger = logging.getLogger(__name__)

_CONTEXT = Context(caller=Caller("command"))
# How many keys are listed at once.
_MOST = 1000


def create_key(settings: Settings, tenant: str | None, role: str, name: str, days: int,
               operations: tuple[str, ...]) -> str:
    """Make a key and return its secret, which is kept nowhere.

    :param tenant: the id or slug of the tenant whose it is; None for an operator's
    :param role: of a tenant's key
    :param days: for how long it is good
    :param operations: the names that it is for; all of the role's when there is none
    :raises FlexdbError: when there is no such tenant or operation
    """
    end = datetime.now(timezone.utc) + timedelta(days=days)
    params = {
        "name": name, "role": role if tenant else "operator",
        "operations": list(operations) or None, "replaces": None, "overlap": 0, "attributes": None,
        "expires_at": end.isoformat(timespec="microseconds"), "id": new_id()}
    with answering(settings) as run:
        params["tenant_id"] = tenant_id_of(run, tenant)
        made = run(_noted(settings, keys.create_key, params))
    return str(made["key"]["secret"])


def list_keys(settings: Settings, tenant: str | None) -> list[dict[str, Any]]:
    """Return the keys of a tenant or, without one, of operators: the newest 1,000.

    :raises NotFound: when there is no such tenant
    """
    with answering(settings) as run:
        if tenant is None:
            params = {"pagination": {"page_size": _MOST}}
            return list(run(operator_keys.list_operator_keys(_CONTEXT, params))["operator_keys"])
        of_tenant = {"tenant_id": tenant_id_of(run, tenant), "pagination": {"page_size": _MOST}}
        return list(run(keys.list_keys(_CONTEXT, of_tenant))["keys"])


def delete_key(settings: Settings, tenant: str | None, id: str) -> None:
    """Delete a key of a tenant or, without one, of an operator.

    :raises NotFound: when there is no such tenant or key
    """
    with answering(settings) as run:
        params = {"tenant_id": tenant_id_of(run, tenant), "id": id}
        if not is_uuid(id):
            raise NotFound(f"there is no key {id}: `flexdb list-keys` lists their ids")
        run(_noted(settings, keys.delete_key, params))


def tell_missing_key(settings: Settings) -> None:
    """Warn, where all need a key, when there is none of an operator to begin with."""
    try:
        with answering(settings) as run:
            found = run(one_object(_CONTEXT, "has_operator_key", {}, "found"))["found"]
    except FlexdbError as error:
        logger.warning("It is not known whether there is an operator's key: %s", error)
        return
    if not found:
        logger.warning("Nobody can call yet, since all need a key and there is none of an "
                       "operator: make one with `python -m flexdb create-key`")


def _noted(settings: Settings, function: Function, params: Loaded) -> Plan:
    """Return the plan of an operation, which notes that a command did it."""
    context = replace(_CONTEXT, limits=Limits.of(settings))
    return noted(OPERATIONS[function.__name__], context, params, function(context, params))


@contextmanager
def answering(settings: Settings) -> Iterator[Any]:
    """Give what runs a plan and returns its answer, parsed."""
    with running(settings) as result:
        yield lambda plan: orjson.loads(result(plan).text)


def tenant_id_of(run: Any, tenant: str | None) -> str | None:
    """Return the id of a tenant; None for none.

    :param run: what :func:`answering` gives
    :param tenant: its id or slug
    :raises NotFound: when there is no such tenant
    """
    if tenant is None:
        return None
    try:
        found = run(one_object(_CONTEXT, "find_tenant", {"tenant": tenant}, "tenant_id"))
    except NotFound:
        raise NotFound(f"there is no tenant with the slug or id {tenant}") from None
    return str(found["tenant_id"])
