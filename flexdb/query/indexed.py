"""Indexes that node types declare by ``x-index``: which of them may serve a list of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from flexdb.contract.operation import Loaded
from flexdb.documents.text import dump_exactly
from flexdb.query.paths import Members, split
from flexdb.query.sorts import TEXT_PREFIX
from flexdb.query.values import COMPARISONS, is_number, is_text
from flexdb.sql.pages import Key

# How many are tried, one after the other, before all nodes of the type are looked at.
_MOST_TRIED = 2
# The rank of what can be compared, and the value that it is ordered by, which is no more exact
# than that of sorts: so what is equal is looked at too.
_BOUNDS = {
    "number": "i.rank = 3 AND i.number {}= (SELECT k.number FROM flexdb_index_keys("
              "%({})s::jsonb, '{{}}') k)",
    "text": f'i.rank = 4 AND i.text {{}}= left(%({{}})s::text, {TEXT_PREFIX}) COLLATE "C"',
}
_COLUMNS = (("index_rank", "smallint"), ("index_number", "numeric"), ("index_text", "text"))


class Index(NamedTuple):
    """An index that may be there, and what of it a list asks for.

    :param condition: which of its rows ``i`` may fit
    :param arguments: the path of its member, and those of the condition
    :param direction: of the list's order, where that begins with the member; else ""
    """

    condition: str
    arguments: dict[str, Any]
    direction: str = ""

    @property
    def bounds(self) -> bool:
        """Tell whether it leaves out what does not fit."""
        return self.condition != "TRUE"

    def order(self, order: tuple[Key, ...]) -> tuple[Key, ...]:
        """Return the keys of an order as the index has them."""
        if not self.direction:
            return order
        return (*(Key(name, type, self.direction) for name, type in _COLUMNS),
                *order[len(_COLUMNS):])

    def place(self, first: bool) -> str:
        """Return which rows a page begins with, and that each node is among them once.

        :param first: whether it is the first page
        """
        if not self.direction:
            return self.condition
        sign, end = (">=", "i.rank >= 0") if self.direction == "ASC" else ("<=", "i.rank <= 5")
        begins = "" if first else " AND (i.rank, i.number, i.text) {} ({})".format(sign, ", ".join(
            f"%(after_{name})s::{type}" for name, type in _COLUMNS))
        return f"{self.condition} AND {end}{begins}"


def indexes_for(params: Loaded, members: Members) -> list[Index]:
    """Return the indexes that may serve a list of the nodes of a type, the best first.

    :param params: valid parameters
    :param members: those of a node
    """
    if "node_type_id" not in params:
        return []
    ranges = {path: bounds for path, bounds in _ranges(params.get("filter"), members)
              if path and bounds}
    directions = {}
    if "sort" in params:
        first = params["sort"][0]
        if path := _path(first.removeprefix("-"), members):
            directions[path] = "DESC" if first.startswith("-") else "ASC"
    directions |= {path: "" for path in ranges if path not in directions}
    return [_index(path, ranges.get(path, []), direction)
            for path, direction in list(directions.items())[:_MOST_TRIED]]


def _index(path: tuple[str, ...], bounds: list[tuple[str, Any]], direction: str) -> Index:
    arguments: dict[str, Any] = {
        "index_path": list(path), "index_member": ".".join(("data", *path))}
    conditions = []
    for number, (operator, value) in enumerate(bounds):
        name = f"index_bound{number}"
        kind = "number" if is_number(value) else "text"
        arguments[name] = dump_exactly(value) if kind == "number" else value
        conditions.append(_BOUNDS[kind].format(COMPARISONS[operator][0], name))
    return Index(" AND ".join(conditions) or "TRUE", arguments, direction)


def _ranges(filter: Any, members: Members
            ) -> Iterator[tuple[tuple[str, ...], list[tuple[str, Any]]]]:
    """Give the members that a filter as a whole bounds, with their bounds."""
    for name, wanted in (filter.items() if isinstance(filter, dict) else ()):
        if isinstance(wanted, dict) and not name.startswith("$"):
            yield _path(name, members), [
                (operator, value) for operator, value in wanted.items()
                if operator in COMPARISONS and (is_number(value) or is_text(value))]


def _path(text: str, members: Members) -> tuple[str, ...]:
    """Return a path below ``data``; empty where it is another."""
    try:
        name, parts = split(text, members)
    except ValueError:
        return ()
    return tuple(parts) if name == "data" else ()
