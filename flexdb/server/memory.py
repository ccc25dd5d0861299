"""The memory of the processes: what they share, and what becomes of what is free."""

from __future__ import annotations

import ctypes
import gc

from flexdb.config import Settings

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 256 * 1024


def share_application(settings: Settings) -> None:
    """Load all that the application is made of, once for all workers, which are forked afterwards.

    Loading takes several times as long as making the application. Nothing of it is garbage, for
    which Python would look through all of it again and again, here and then in each worker.
    """
    gc.disable()
    try:
        from flexdb import application

        application.load(settings)
        gc.freeze()
    finally:
        gc.enable()


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
