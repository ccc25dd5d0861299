"""Ids: which text is one, that of what a call is about, and ids made here."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


def is_id(text: str) -> bool:
    """Tell whether a text is an id, and so no name: none looks like a UUID."""
    return _UUID.match(text) is not None


def id_of(thing: Any) -> str:
    """Return the id of a record, of what a call gave or will give, or of an id itself.

    :raises TypeError: for what has none
    """
    if isinstance(thing, str):
        return thing
    found = thing.get("id") if isinstance(thing, Mapping) else getattr(thing, "id", None)
    if not isinstance(found, str):
        raise TypeError(f"a record or an id is needed, not {thing!r:.80}")
    return found


def new_id() -> str:
    """Return an id that nothing has, in the order of time (RFC 9562, version 7)."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[str]:
    """Return ids that nothing has, in their order."""
    moment = f"{time.time_ns() // 1_000_000:012x}"
    begin, noise = f"{moment[:8]}-{moment[8:]}-7", secrets.token_hex(10 * count)
    return sorted(
        f"{begin}{one[:3]}-{'89ab'[int(one[3], 16) & 3]}{one[4:7]}-{one[7:19]}"
        for one in (noise[place:place + 20] for place in range(0, 20 * count, 20)))
