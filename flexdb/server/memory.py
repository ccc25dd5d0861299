"""The memory of a process, as far as the C library says what becomes of it."""

from __future__ import annotations

import ctypes

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 256 * 1024


def return_large_pieces() -> None:
    """Have large pieces of memory given back to the system as soon as they are free.

    glibc keeps what it has seen once, as much as 32 MiB a piece, for each of its arenas, of which
    threads have many; answers then leave holes that hold several times what is in use. Where there
    is another C library, nothing happens.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _LARGE)
        set_option(_TRIM_THRESHOLD, 4 * _LARGE)
