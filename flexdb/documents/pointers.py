"""JSON Pointers (RFC 6901): the way to a place in a JSON value, as one text."""

from __future__ import annotations

from collections.abc import Iterable


def pointer_of(names: Iterable[str | int]) -> str:
    """Return the pointer to a place.

    :param names: the names and numbers that lead there
    """
    return "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in names)


def names_of(pointer: str) -> list[str]:
    """Return the names and numbers that lead to a place; none for the whole.

    :param pointer: "", or a text that begins with a slash
    """
    return [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]
