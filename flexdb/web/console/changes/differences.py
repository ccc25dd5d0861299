"""What a change did to data, member by member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from flexdb.documents.differences import difference
from flexdb.documents.pointers import names_of
from flexdb.documents.text import dump_exactly, parse_exactly
from flexdb.web.console.forms.values import ABSENT, value_at
from flexdb.web.console.words import as_json

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


def steps(patch: list[dict[str, Any]], before: Any) -> Iterator[Step]:
    """Return what a patch of :func:`flexdb.documents.differences.difference` does, in which no item
    of an array moves before it is named.

    :param before: the data that it was made for, ABSENT where that is not known
    """
    for step in patch:
        was = ABSENT if step["op"] == "add" else value_at(before, names_of(step["path"]))
        yield Step(step["path"], step["op"], text_of(was), text_of(step.get("value", ABSENT)))


def text_of(value: Any) -> str | None:
    """Return a value as JSON; None where there is none."""
    return None if value is ABSENT else as_json(value)
