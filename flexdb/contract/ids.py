"""Ids made here: time-ordered and increasing within a process."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a UUID of version 7 that is greater than any this process made before.

    After the 48-bit time in milliseconds come 12 bits of its fraction and 62 random bits (RFC 9562,
    section 5.7 and method 3 of section 6.2); when the clock stands still or goes back, the time
    part counts on by one.
    """
    global _last
    with _lock:
        # 4,096 steps a millisecond
        _last = max(_last + 1, time.time_ns() * 4096 // 1_000_000)
        ticks = _last
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62
    # UUID() would take three times as long, which counts where there are thousands.
    digits = f"{value | int.from_bytes(os.urandom(8), 'big') >> 2:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
