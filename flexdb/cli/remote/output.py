"""What a command over HTTP answers: objects as a table, JSON, NDJSON or CSV."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from flexdb.cli.remote.text import json_text, visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Thing = Mapping[str, Any]
# What a cell of CSV is quoted for.
_QUOTED = re.compile('[",\r\n]')
FORMS = ("table", "json", "ndjson", "csv")
# How many rows a table has where nothing is said.
_ROWS = 100
# How wide a text is in a table at most, and its column at least, in characters.
_WIDE, _NARROW = 200, 12
# What stands between two columns.
_BETWEEN = 3
# What a table of many leaves out where it is the same in every row.
_SAME = ("tenant_id", "node_type_id")
# What comes after what people wrote.
_LAST = ("version", "updated_at")


class Writer:
    """Where a command's answer goes.

    :param form: one of ``FORMS``; a table at a terminal and else NDJSON when absent
    """

    def __init__(self, form: str | None) -> None:
        self.terminal = sys.stdout.isatty()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # JSON is UTF-8 whatever the locale is; a terminal shows what it can.
            sys.stdout.reconfigure(encoding=None if self.terminal else "utf-8",
                                   errors="backslashreplace")
        self._chosen = form is not None
        self.form = form or ("table" if self.terminal else "ndjson")

    def one(self, thing: Thing) -> None:
        """Write one object."""
        if self.form == "table":
            self._members([thing])
        elif self.form == "json":
            self._json(json_text(thing, readable=True))
        else:
            self.many([thing])

    def result(self, found: Any) -> None:
        """Write what a method gives, as JSON where nothing else is chosen."""
        if self.terminal and not self._chosen or not isinstance(found, Mapping):
            self._json(json_text(found, readable=self.terminal))
        else:
            self.one(found)

    def many(self, things: Iterable[Thing], limit: int | None = None) -> None:
        """Write a list; NDJSON and JSON as it comes.

        :param limit: how many at most; a table's own limit, or all, when absent
        """
        if self.form == "table":
            self._table(list(islice(things, (limit or _ROWS) + 1)), limit or _ROWS)
            return
        wanted = islice(things, limit)
        if self.form == "csv":
            self._csv(list(wanted))
        elif self.form == "ndjson":
            for thing in wanted:
                sys.stdout.write(f"{json_text(thing)}\n")
        else:
            self._json(_array(wanted))

    def drawing(self, drawn: RenderableType) -> None:
        """Write what rich draws, for people."""
        _console(self.terminal).print(drawn, soft_wrap=True)

    def _json(self, parts: str | Iterable[str]) -> None:
        written = (parts,) if isinstance(parts, str) else parts
        if not self.terminal:
            sys.stdout.writelines(written)
            sys.stdout.write("\n")
            return
        from rich.highlighter import JSONHighlighter
        console, colours = _console(self.terminal), JSONHighlighter()
        for part in written:
            console.print(colours(part), end="", soft_wrap=True)
        console.print()

    def _csv(self, things: list[Thing]) -> None:
        rows = [_row(thing) for thing in things]
        names = _names(rows)
        shown = visible if self.terminal else str
        for cells in (names, *([_cell(row.get(name, "")) for name in names] for row in rows)):
            sys.stdout.write(_line(list(map(shown, cells))))

    def _table(self, things: list[Thing], limit: int) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text
        rows = [_row(thing) for thing in things[:limit]]
        names = [name for name in _names(rows) if name != "created_at" and not (
            name in _SAME and len({row.get(name) for row in rows}) == 1)]
        names.sort(key=lambda name: name in _LAST)
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        columns, needed = list[list[str]](), -_BETWEEN
        for name in names:
            cells = [_brief(name, row[name]) if name in row else "" for row in rows]
            whole = name == "id" or all(_is_number(row.get(name, 0)) for row in rows)
            least = max(map(cell_len, cells), default=0)
            least = least if whole else min(least, _NARROW)
            table.add_column(Text(visible(name)), overflow="fold", min_width=least,
                             justify="right" if whole and name != "id" else "left")
            columns.append(cells)
            needed += least + _BETWEEN
        for row_cells in zip(*columns):
            table.add_row(*map(Text, row_cells))
        console = _console(self.terminal)
        if needed > console.width:
            self._members(things[:limit])
        elif rows:
            console.print(table)
        else:
            click.echo("There are none.", err=True)
        if len(things) > limit:
            told = "This is the first" if limit == 1 else f"These are the first {limit:,}"
            click.echo(f"{told}: there are more, by --limit.", err=True)

    def _members(self, things: list[Thing]) -> None:
        """Write objects below each other, a line for each member."""
        from rich.table import Table
        from rich.text import Text
        console = _console(self.terminal)
        for place, thing in enumerate(things):
            if place:
                console.print()
            table = Table(box=None, show_header=False, pad_edge=False)
            table.add_column(style="bold")
            table.add_column(overflow="fold")
            for name, value in _row(thing).items():
                table.add_row(Text(visible(name)), Text(_shown(value)))
            console.print(table)


def _console(terminal: bool) -> Console:
    from rich.console import Console

    # Elsewhere than at a terminal nothing is folded.
    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False,
                   width=None if terminal else 1_000_000)


def _array(things: Iterable[Thing]) -> Iterator[str]:
    opening = "["
    for thing in things:
        yield f"{opening}\n  " + json_text(thing, readable=True).replace("\n", "\n  ")
        opening = ","
    yield "\n]" if opening == "," else "[]"


def _row(thing: Thing) -> dict[str, Any]:
    """Return an object with the members of its data beside its own, as tables have them."""
    data = thing.get("data")
    if not isinstance(data, Mapping):
        return dict(thing)
    own = {name: value for name, value in thing.items() if name != "data"}
    return own | {f"data.{name}" if name in own else name: value for name, value in data.items()}


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json_text(value)


def _line(cells: list[str]) -> str:
    """Return a row of CSV (RFC 4180). Python's own leaves a lone carriage return unquoted."""
    alone = cells == [""]
    return ",".join('"' + cell.replace('"', '""') + '"' if alone or _QUOTED.search(cell) else cell
                    for cell in cells) + "\n"


def _shown(value: Any) -> str:
    return visible(value if isinstance(value, str) else json_text(value))


def _brief(name: str, value: Any) -> str:
    """Return what a table of many has of a member: texts are cut, numbers never."""
    text = _shown(value)
    if name == "updated_at":
        # The service's times are all of UTC.
        return f"{text[:19]}Z"
    return text if len(text) <= _WIDE or _is_number(value) else f"{text[:_WIDE - 1]}…"


def _is_number(value: Any) -> bool:
    return not isinstance(value, (str, bool, list, Mapping)) and value is not None
