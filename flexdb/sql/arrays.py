"""Arrays as PostgreSQL reads them."""

from __future__ import annotations

from collections.abc import Iterable


def array(values: Iterable[object]) -> str:
    """Return values as the text of an array.

    :param values: names, ids and numbers, in whose text nothing has to be quoted
    """
    return "{%s}" % ",".join(map(str, values))


def array_of_texts(values: Iterable[str]) -> str:
    """Return any texts as the text of an array."""
    return array('"%s"' % value.replace("\\", r"\\").replace('"', r'\"') for value in values)
