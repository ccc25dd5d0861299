"""The memory of a process, as far as the C library says what becomes of it."""

from __future__ import annotations

import ctypes

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 256 * 1024


def keep_little() -> None:
    """Have large pieces of memory given back to the system as soon as they are free, and the rest
    taken from one place by all threads that begin from now on.

    glibc keeps what it has seen once, as much as 32 MiB a piece, for each of its arenas, of which
    threads have many; answers then leave holes that hold several times what is in use. Threads that
    have Python's lock in turn hardly meet in one arena. Where there is another C library, nothing
    happens.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _LARGE)
        set_option(_TRIM_THRESHOLD, 4 * _LARGE)
        set_option(_ARENA_MAX, 1)
