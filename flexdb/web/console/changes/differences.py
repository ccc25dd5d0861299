"""What a change did to data, member by member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from flexdb.documents.differences import difference
from flexdb.documents.pointers import names_of
from flexdb.documents.text import dump_exactly, parse_exactly

# How many members a page names of one change; the record itself has all.
MOST = 20


class Step(NamedTuple):
    """One difference.

    :param path: a JSON Pointer; "" for the whole
    :param op: ``add``, ``remove`` or ``replace``
    :param was: what was there, as JSON; None where that is not told
    :param value: what is there now, as JSON; None where nothing is
    """

    path: str
    op: str
    was: str | None
    value: str | None


def between(before: Any, after: Any) -> list[Step]:
    """Return the differences of two states of data."""
    patch = parse_exactly(difference(dump_exactly(before), dump_exactly(after)))
    return list(steps(patch, before))


def steps(patch: list[dict[str, Any]], before: Any = None) -> Iterator[Step]:
    """Return what a JSON Patch does.

    :param before: the data that it was made for, where that is known
    """
    for step in patch:
        was = _at(before, step["path"]) if step["op"] != "add" else None
        value = None if step["op"] == "remove" else dump_exactly(step["value"]).decode()
        yield Step(step["path"], step["op"], was, value)


def _at(document: Any, path: str) -> str | None:
    """Return what stands at a path; items of arrays may have moved in the steps before."""
    for name in names_of(path):
        if not isinstance(document, dict) or name not in document:
            return None
        document = document[name]
    return dump_exactly(document).decode()
