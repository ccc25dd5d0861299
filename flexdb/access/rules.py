"""Rules: which of a tenant's records a caller may read and write, where that is not all."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Heed(Enum):
    """What becomes of an operation when rules hold for its caller."""

    # It tells and changes nothing of nodes and relationships.
    FREE = "free"
    # It reads and writes what the rules let through, as if there were nothing else.
    HELD = "held"
    # It would give the caller, or others, more than the rules do; or does not know of them.
    REFUSED = "refused"


class Rules(NamedTuple):
    """What holds for one caller.

    :param role: the name of the tenant's role whose they are
    :param grants: what that role lets read and write, as JSON text
    :param caller: the id by which filters in them know the caller
    :param attributes: what else they know of the caller, as JSON text
    """

    role: str
    grants: str
    caller: str
    attributes: str
