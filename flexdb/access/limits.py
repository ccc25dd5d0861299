"""How much a tenant may have and ask for, where that is not as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class OwnLimits(NamedTuple):
    """The limits of a tenant's own; None is as the settings say, and 0 none at all.

    :param max_nodes: how many nodes it may have
    :param max_relationships: how many relationships
    :param max_bytes: how much its JSON may weigh, in bytes
    :param calls_per_second: how many calls it may make
    :param burst: how many of them at once
    """

    max_nodes: int | None = None
    max_relationships: int | None = None
    max_bytes: int | None = None
    calls_per_second: int | None = None
    burst: int | None = None


AS_SETTINGS = OwnLimits()
# Gives the limits of a tenant's own by its id.
OwnLimitsOf = Callable[[str], OwnLimits]


def as_settings(tenant_id: str) -> OwnLimits:
    """Return that a tenant has no limit of its own, where no tenant has one."""
    return AS_SETTINGS
