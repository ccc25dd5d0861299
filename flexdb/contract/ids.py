"""Ids made here: time-ordered and increasing within a process."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

_lock = threading.Lock()
_last = 0
# Random numbers of 64 bits to come. Each look for some lets go of Python's lock, so many are had at
# once; another process has others.
_random: list[int] = []
_MANY = 64
os.register_at_fork(after_in_child=_random.clear)


def new_id() -> str:
    """Return a UUID of version 7 that is greater than any this process made before.

    After the 48-bit time in milliseconds come 12 bits of its fraction and 62 random bits (RFC 9562,
    section 5.7 and method 3 of section 6.2); when the clock stands still or goes back, the time
    part counts on by one.
    """
    global _last
    with _lock:
        # 4,096 steps a millisecond
        now = time.time_ns() * 4096 // 1_000_000
        _last = ticks = now if now > _last else _last + 1
        if not _random:
            _random.extend(memoryview(os.urandom(8 * _MANY)).cast("Q"))
        number = _random.pop()
    # UUID() would take several times as long, which counts where there are thousands.
    return "%08x-%04x-7%03x-%04x-%012x" % (
        ticks >> 28, ticks >> 12 & 0xffff, ticks & 0xfff,
        number >> 50 | 0b10 << 14, number & 0xffff_ffff_ffff)


def give_ids(items: list[dict[str, Any]]) -> bool:
    """Give an id to each item that has none, and tell whether none had one."""
    without = [item for item in items if "id" not in item]
    for item in without:
        item["id"] = new_id()
    return len(without) == len(items)
