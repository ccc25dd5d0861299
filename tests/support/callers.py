"""Callers with keys of every role."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flexdb.access.callers import ROLES
from flexdb.config import Settings
from flexdb.server import keys
from tests.support.service import Service

# What a worker asks and tells on its own, beside the call that it comes after.
SERVICE_S_OWN = ("find_key", "note_key", "list_own_limits", "exchange_rates", "add_usage")


def closed(settings: Settings) -> Service:
    """Return the service on a database, where everyone needs a key."""
    return Service.of(replace(settings, auth="required"))


def with_key(service: Service, secret: str, door: str = "jsonrpc") -> Service:
    """Return the same service, as who has a key reaches it."""
    return replace(service, secret=secret, door=door)


def operator_key(service: Service) -> Any:
    """Make a key of an operator, as is done on the machine, and return it without its secret."""
    keys.create_key(service.settings, None, "", "An operator", 1, ())
    return service.call("list_operator_keys", pagination={"page_size": 1})["operator_keys"][0]


def secrets_of(settings: Settings, tenant: dict[str, Any]) -> dict[str, str]:
    """Return the secret of a key of each role, those below operator of a tenant."""
    return {role: keys.create_key(settings, None if role == "operator" else tenant["id"], role,
                                  role, 1, ()) for role in ROLES}
