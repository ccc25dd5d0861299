"""The rows of a table of records, as markup: by one function, since a macro a cell costs much.

What is joined is text that was escaped here, and becomes Markup once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape as escape_all
from typing import Any

from markupsafe import Markup

from flexdb.documents.text import Number
from flexdb.web.console.labels import NAMING, label
from flexdb.web.console.records.columns import TableColumn
from flexdb.web.console.words import CELL, as_json, cut, short

MISSING: Any = object()
# Where a word stands in a text: its first character, and how many there are.
Marks = list[tuple[int, int]]
# How much of a text is shown before a word that was searched for.
_BEFORE = 20
_CELL, _NUMBER, _TIME = "<td>", '<td class="number">', '<td class="time">'
# A column, what reads its value, how its cells begin, and whether they lead to the record.
_Read = tuple[TableColumn, Callable[[dict[str, Any]], Any], str, bool]
_has_markup = re.compile("[&<>\"']").search


def escape(text: str) -> str:
    """Return a text as markup; most hold nothing to escape, which one look tells."""
    return escape_all(text) if _has_markup(text) else text


def value_of(node: dict[str, Any], parts: tuple[str, ...]) -> Any:
    """Return what stands at a place in a record; ``MISSING`` where nothing does."""
    found: Any = node
    for part in parts:
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, TypeError, ValueError):
            return MISSING
    return found


def _reader(parts: tuple[str, ...]) -> Callable[[dict[str, Any]], Any]:
    """Return what reads a place in many records: nearly always a member of an object."""
    if len(parts) != 2:
        return lambda node: value_of(node, parts)
    above, name = parts

    def read(node: dict[str, Any]) -> Any:
        try:
            return node[above][name]
        except (KeyError, TypeError):
            return value_of(node, parts)

    return read


def rows(nodes: list[dict[str, Any]], columns: list[TableColumn], url: str,
         expanded: Sequence[str] = (), suffix: str = "") -> Markup:
    """Return the rows of a table, each of which leads to its record.

    :param nodes: as ``list_nodes`` gave them
    :param url: what the id of a record follows in its URL
    :param expanded: the names of what they bring along
    :param suffix: what follows the id there
    """
    if not columns:
        return Markup()
    # By its name a record is opened, wherever that stands.
    linked = next((one for one in columns if one.parts[-1] in NAMING), columns[0])
    read = [(one, _reader(one.parts), _TIME if one.kind == "time" else _CELL, one is linked)
            for one in columns]
    url, suffix = escape(url), escape(suffix)
    return Markup("\n".join([_row(node, read, url, expanded, suffix) for node in nodes]))


def _row(node: dict[str, Any], columns: list[_Read], url: str, expanded: Sequence[str],
         suffix: str) -> str:
    id = escape(node["id"])
    marks = _marks(node) if "highlights" in node else {}
    cells = ['<tr><td><input type="checkbox" name="id" value="', id, '" aria-label="Choose ',
             escape(label(node)), '">']
    for column, read, begin, is_linked in columns:
        value = read(node)
        if value.__class__ is Number:
            begin, shown = _NUMBER, value if len(value) <= CELL else cut(value)
        else:
            shown = cell(value, column, marks)
        cells.append(begin)
        cells.append(f'<a href="{url}{id}{suffix}">{shown or escape(short(node["id"]))}</a>'
                     if is_linked else shown)
    for name in expanded:
        cells += ["<td>", _brought(node, name, url)]
    return "".join(cells)


def cell(value: Any, column: TableColumn, marks: dict[str, Marks]) -> str:
    """Return the markup of a value: null and what is missing are told apart."""
    if value.__class__ is Number:
        return cut(value)
    if isinstance(value, str):
        if column.kind == "time":
            return escape(value[:19].replace("T", " "))
        if column.kind == "choice":
            return f'<span class="tag">{escape(cut(value))}</span>'
        if column.path in marks:
            return _marked(value, marks[column.path])
        return escape(value if len(value) <= CELL else cut(value))
    if value is MISSING:
        return ""
    if value is None:
        return '<i class="dim">null</i>'
    if value is True:
        return '<span class="tag good">true</span>'
    if value is False:
        return '<span class="tag">false</span>'
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        found = [place for place in range(len(value)) if f"{column.path}.{place}" in marks]
        if found:
            return ", ".join(_marked(value[place], marks[f"{column.path}.{place}"])
                             for place in found[:2]) + (" …" if len(value) > 1 else "")
        return escape(cut(", ".join(value)))
    return f'<code>{escape(cut(as_json(value)))}</code>'


def _marks(node: dict[str, Any]) -> dict[str, Marks]:
    found: dict[str, Marks] = {}
    for one in node["highlights"]:
        found.setdefault(one["path"], []).append((int(one["start"]), int(one["length"])))
    return found


def _marked(text: str, marks: Marks) -> str:
    """Return the part of a text around the first word that was searched for, with all in it marked.

    :param marks: in their order; they never overlap
    """
    start = max(marks[0][0] - _BEFORE, 0) if marks[0][0] + marks[0][1] > CELL else 0
    end, at, shown = start + CELL, start, ["…" if start else ""]
    for place, length in marks:
        if place < at or place >= end:
            continue
        word = text[place:min(place + length, end)]
        shown.append(f"{escape(text[at:place])}<mark>{escape(word)}</mark>")
        at = place + len(word)
    shown.append(f"{escape(text[at:end])}{'…' if len(text) > end else ''}")
    return "".join(shown)


def _brought(node: dict[str, Any], name: str, url: str) -> str:
    brought = node.get("expanded", {}).get(name, {})
    shown = ", ".join(f'<a href="{url}{escape(one["id"])}">{escape(label(one))}</a>'
                      for one in brought.get("nodes", ()))
    total = brought.get("total_count")
    more = int(total) - len(brought["nodes"]) if total else 0
    return shown + (f' <span class="dim">and {more:,} more</span>' if more else
                    ' <span class="dim">and more</span>' if brought.get("truncated") else "")
