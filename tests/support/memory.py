"""A folder in memory, for data that need not outlive the tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Linux keeps it in memory; a container may have little of it, and other systems have none.
_MEMORY = Path("/dev/shm")
_NEEDED = 2**30
_PREFIX = "flexdb-tests-"


@contextmanager
def memory_folder() -> Iterator[Path | None]:
    """Give a folder in memory that is removed at the end, or None where there is no room for it.

    What tests left that were killed is removed first.
    """
    if not _MEMORY.is_dir():
        yield None
        return
    for left in _MEMORY.glob(f"{_PREFIX}*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    if shutil.disk_usage(_MEMORY).free < _NEEDED:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
