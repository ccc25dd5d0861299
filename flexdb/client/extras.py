"""Packages that an installation need not have, and the extra that brings them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Say which extra brings what is imported within the block, where that is not installed.

    :raises ImportError: in the place of the error
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(f"{error.name} is not installed: pip install 'flexdb-service[{name}]' "
                          "brings it", name=error.name) from error
