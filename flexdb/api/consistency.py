"""How fresh a request wants what it reads: the header ``Consistency-Token``.

A token stands for a position of PostgreSQL's. Every answer to a write has one, and so has every
answer to a request that came with one. Who sends the greatest that it got reads what it wrote
itself, and never an earlier state than it has read; as text, the later of two is the greater.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from zlib import crc32

from flexdb.api.environ import current_environ
from flexdb.contract.callers import may_lag
from flexdb.contract.operation import OPERATIONS
from flexdb.db.positions import Freshness
from flexdb.errors import InvalidParams

HEADER = "Consistency-Token"
# What it is called in WSGI's environment.
VARIABLE = "HTTP_CONSISTENCY_TOKEN"
# In place of a token: any state will do.
ANY = "any"
_TOKEN = re.compile(r"([0-9a-f]{16})([0-9a-f]{4})", re.ASCII)
# Positions are of 64 bits, and as signed ones PostgreSQL counts them.
_MOST = 2**63


def token(position: int) -> str:
    """Return the token that stands for a position."""
    written = f"{position:016x}"
    return written + _check(written)


def freshness(calls: Iterable[tuple[str, Any]]) -> Freshness | None:
    """Return how fresh the current request wants what it reads; None where it does not say.

    :param calls: the method that each call names, and its parameters as they came
    :raises InvalidParams: when what it says is no token
    """
    sent = current_environ().get(VARIABLE)
    return None if sent is None else read(sent, calls)


def read(sent: str, calls: Iterable[tuple[str, Any]]) -> Freshness:
    """Return how fresh a token wants what is read.

    :raises InvalidParams: when it is none
    """
    sent = sent.strip()
    by_replica = all(may_lag(OPERATIONS[method], params)
                     for method, params in calls if method in OPERATIONS)
    if sent.lower() == ANY:
        return Freshness(0, by_replica)
    found = _TOKEN.fullmatch(sent)
    if found is None or found[2] != _check(found[1]) or int(found[1], 16) >= _MOST:
        raise InvalidParams(fields={HEADER: [
            f"is a header that must hold a token which an answer gave, or {ANY}"]})
    return Freshness(int(found[1], 16), by_replica)


def _check(written: str) -> str:
    """Return what shows that a token is one of ours, and whole."""
    return f"{crc32(b'flexdb ' + written.encode()) & 0xffff:04x}"
