"""What a record is called where there is no room for all of it."""

from __future__ import annotations

from typing import Any

from flexdb.documents.text import Number
from flexdb.web.console.words import cut, short

# The members that name a record, first come, first taken.
NAMING = ("title", "name", "label", "slug", "email", "subject")


def label(node: dict[str, Any], order: list[str] | None = None) -> str:
    """Return what a record is called: the first text of its naming members, else of any, else
    the end of its id.

    :param node: as a call gave it; without ``data`` its id is its label
    :param order: the members of its schema in their order; else those of ``data`` are taken
    """
    data = node.get("data")
    if isinstance(data, dict):
        for name in (*NAMING, *(data if order is None else order)):
            value = data.get(name)
            # A number is a text too, which keeps its digits.
            if isinstance(value, str) and not isinstance(value, Number) and value.strip():
                return cut(value)
    return short(node["id"])
