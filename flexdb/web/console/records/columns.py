"""The members of records of a type: which there are, what they hold, and which are columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

from flexdb.documents.paths import parts_of, split_list
from flexdb.documents.text import Number
from flexdb.web.console.forms.shapes import ordered, shape
from flexdb.web.console.words import cut

# So many members of a schema are offered, so deep; and so many are columns unless others are asked.
_MOST_MEMBERS, _DEEPEST, _MOST_COLUMNS, _MOST_CHOICES = 200, 4, 10, 100
_PLACE = re.compile(r"[+-]?[0-9]+")


class TableColumn(NamedTuple):
    """A member of a record, or a place in its data.

    :param path: as queries name it
    :param parts: the names on the way to it
    :param name: what it is called on the page
    :param kind: that of a shape, besides integer, time and id; any where nothing is known
    :param schema: what the schema says of it
    :param is_nullable: whether it may be null
    :param options: what may stand there, where there is a choice
    """

    path: str
    parts: tuple[str, ...]
    name: str
    kind: str = "any"
    schema: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    is_nullable: bool = True
    options: tuple[Any, ...] = ()

    @property
    def is_number(self) -> bool:
        """Tell whether it holds numbers."""
        return self.kind in ("integer", "number")

    @property
    def is_data(self) -> bool:
        """Tell whether it is a place in the data, which may be changed."""
        return self.parts[0] == "data" and len(self.parts) > 1

    @property
    def asked(self) -> str:
        """Return the path that is asked for: in an array a list gives the named places alone,
        so that none would stand where it is.
        """
        for place, part in enumerate(self.parts):
            if _PLACE.fullmatch(part):
                return path_of(self.parts[:place])
        return self.path

    def choices(self) -> list[str]:
        """Return what may stand there, where there is a choice of not too many texts or numbers."""
        if self.kind == "boolean":
            return ["true", "false"]
        listed = [one for one in self.options if one is not None]
        is_short = len(listed) <= _MOST_CHOICES and all(isinstance(one, str) for one in listed)
        return listed if is_short else []


OWN = (TableColumn("version", ("version",), "Version", "integer"),
       TableColumn("updated_at", ("updated_at",), "Updated", "time"),
       TableColumn("created_at", ("created_at",), "Created", "time"),
       TableColumn("id", ("id",), "Id", "id"))


def path_of(parts: Iterable[str]) -> str:
    """Return the path with these names, each in quotes where it needs them."""
    return ".".join(
        part if part and not part.startswith('"') and "." not in part and "," not in part
        else orjson.dumps(part).decode() for part in parts)


def members(schema: Any, nodes: list[dict[str, Any]]) -> list[TableColumn]:
    """Return the members that records of a type have.

    :param schema: that of the type; where it names none, those that some records have are taken
    """
    found = list(islice(_of_schema(shape(schema, schema).schema, schema, ("data",)),
                        _MOST_MEMBERS))
    return found or list(islice(_of_nodes(nodes), _MOST_MEMBERS))


def _of_schema(schema: Any, root: Any, above: tuple[str, ...]) -> Iterator[TableColumn]:
    for name in ordered(schema):
        found = shape(schema["properties"][name], root)
        parts, title = (*above, name), found.schema.get("title")
        called = cut(title if isinstance(title, str) and title else ".".join(parts[1:]))
        kind = "integer" if found.schema.get("type") == "integer" else found.kind
        yield TableColumn(path_of(parts), parts, called, kind, found.schema, found.is_nullable,
                          tuple(option.value for option in found.options))
        if found.kind == "object" and len(parts) <= _DEEPEST:
            yield from _of_schema(found.schema, root, parts)


def _of_nodes(nodes: list[dict[str, Any]]) -> Iterator[TableColumn]:
    found: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node.get("data"), dict):
            for name, value in node["data"].items():
                found.setdefault(name, set()).add(
                    "number" if isinstance(value, Number) else "other")
    for name, kinds in found.items():
        yield TableColumn(path_of(("data", name)), ("data", name), cut(name),
                          "number" if kinds == {"number"} else "any")


def chosen(known: list[TableColumn], fields: str) -> list[TableColumn]:
    """Return the columns that a list of paths names; without one the first members of data.

    :param fields: paths between commas, as a list takes them
    """
    if not fields:
        return [
            one for one in known if len(one.parts) == 2 and one.kind != "object"
        ][:_MOST_COLUMNS] + list(OWN[:2])
    return [column(known, path) for path in split_list(fields) if is_path(path)]


def column(known: list[TableColumn], path: str) -> TableColumn:
    """Return the column of a path."""
    for one in (*known, *OWN):
        if one.path == path:
            return one
    parts = tuple(parts_of(path))
    return TableColumn(path, parts, cut(".".join(parts[1:] if len(parts) > 1 else parts)))


def is_path(path: str) -> bool:
    """Tell whether a text is written as a path is."""
    try:
        return bool(list(parts_of(path)))
    except ValueError:
        return False
