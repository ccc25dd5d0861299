"""The memory of the processes: what they share, and what becomes of what is free."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flexdb.config import Settings

# Parameters of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 256 * 1024


@contextmanager
def without_collection() -> Iterator[None]:
    """Look for no garbage within the block.

    Nothing is garbage of what is loaded, through all of which Python would look again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def share_application(settings: Settings) -> None:
    """Load all that the application is made of, once for all workers, which are forked afterwards.

    Loading takes several times as long as making the application. Workers do not look for garbage
    in it either.
    """
    with without_collection():
        from flexdb import application

        application.load(settings)
        gc.freeze()
    # A start by itself looks for no garbage up to here.
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
