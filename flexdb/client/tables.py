"""Records as tables: for pandas, polars and notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, TypeVar

from flexdb.client.shapes import plain

T = TypeVar("T")
_COLUMNS = ("id", "version", "created_at", "updated_at")
# What a relationship is beside that.
_ENDS = ("source_node_id", "relationship_type", "target_node_id")
# How much of a value a notebook shows, in characters.
_SHOWN = 60


def rows(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each node or relationship: what it is, and each member of its data.

    A member that has the name of what that itself has, such as ``id``, is ``data.id``.
    """
    found = []
    for record in records:
        own = _COLUMNS + _ENDS if _ENDS[0] in record else _COLUMNS
        row = {name: record[name] for name in own if name in record}
        for name, value in record.get("data", {}).items():
            row[f"data.{name}" if name in own else name] = value
        found.append(row)
    return found


class Found(list[T]):
    """What a list gave: in a notebook a table."""

    def _repr_html_(self) -> str:
        found: list[Any] = list(self)
        return html_table(rows(getattr(one, "node", one) for one in found))


class FoundShapes(Found[T]):
    """The same of data as objects of a program's own class, each of which is a row itself."""

    def _repr_html_(self) -> str:
        return html_table([plain(one) for one in self])


def html_table(found: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a table of HTML, in which nothing is taken for HTML itself."""
    names = list(dict.fromkeys(name for row in found for name in row))
    head = "".join(f"<th>{escape(str(name))}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{_shown(row.get(name))}</td>" for name in names) + "</tr>"
                   for row in found)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(value: Any) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= _SHOWN else text[:_SHOWN - 1] + "…")
