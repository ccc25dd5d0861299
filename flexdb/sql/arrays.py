"""Arrays as PostgreSQL reads them."""

from __future__ import annotations

from collections.abc import Iterable


def array(values: Iterable[object]) -> str:
    """Return values as the text of an array.

    :param values: names, ids and numbers, in whose text nothing has to be quoted
    """
    return "{%s}" % ",".join(map(str, values))
