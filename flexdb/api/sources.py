"""A package as it is written, where what it has compiled of that cannot be imported.

flask-jsonrpc's wheels for CPython 3.13 and later are compiled, and end at "mypyc classes can't have
__slots__"; the sources lie beside.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class _Sources:
    """Finds the modules of one package, and of those the files that end in ``.py``."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
                  ) -> ModuleSpec | None:
        """Return where a module is, or None when it is of another package or has no such file."""
        if name.partition(".")[0] != self._package:
            return None
        found = (FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)
                 for folder in path or sys.path)
        return next((spec for spec in found if spec and spec.loader), None)


@contextmanager
def sources_of(package: str) -> Iterator[None]:
    """Import a package's modules within the block from their sources, though they be compiled."""
    finder = _Sources(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
