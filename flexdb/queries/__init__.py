"""The SQL of flexdb: each statement stands under its operation's name in a ``.sql`` file here.

A file has sections, each begun by a comment line:

``-- object: node``
    how a row becomes the JSON of the answer; ``{node}`` stands for it in any statement
``-- name: create_node``
    a statement
``-- list: list_nodes of node n``
    the rows of a list, each the object ``node`` with the alias ``n``; ``page.sql`` pages it

``{time x}`` writes a timestamp and ``{json x}`` a JSON column, as a value or as text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from flexdb.db.statement import Query

FOLDER = Path(__file__).parent

_SECTION = re.compile(r"^-- (object|name|list|template): (\w+)(?: of (\w+) (\w+))?\n", re.MULTILINE)
_MACRO = re.compile(r"\{(?:(time|json) ([\w.]+)|(\w+))\}")
_TIME = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""


class Listing(NamedTuple):
    """The rows of a list and what each of them is."""

    name: str
    rows: str
    object: str
    alias: str


class Key(NamedTuple):
    """A column that a list is ordered by."""

    column: str
    type: str


NEWEST_FIRST = ((Key("created_at", "timestamptz"), Key("id", "uuid")), "DESC")
BY_USER = ((Key("user_id", "uuid"),), "ASC")


def _read() -> tuple[dict[str, str], dict[str, str], dict[str, Listing], dict[str, str]]:
    objects: dict[str, str] = {}
    statements: dict[str, str] = {}
    lists: dict[str, Listing] = {}
    templates: dict[str, str] = {}
    for file in sorted(FOLDER.glob("*.sql")):
        parts = _SECTION.split(file.read_text(encoding="utf-8"))
        for kind, name, object_name, alias, text in zip(*[iter(parts[1:])] * 5):
            text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE).strip()
            if kind == "object":
                objects[name] = text
            elif kind == "name":
                statements[name] = text
            elif kind == "list":
                lists[name] = Listing(name, text, object_name, alias)
            else:
                templates[name] = text
    return objects, statements, lists, templates


OBJECTS, _STATEMENTS, LISTS, _TEMPLATES = _read()


def _expand(text: str, json_as: str, slots: dict[str, str]) -> str:
    def put(macro: re.Match[str]) -> str:
        kind, column, name = macro.groups()
        if kind == "time":
            return _TIME.format(column)
        if kind == "json":
            return column if json_as == "value" else f"{column}::text"
        return _expand(slots[name] if name in slots else OBJECTS[name], json_as, slots)

    return _MACRO.sub(put, text)


def _query(name: str, text: str, **slots: str) -> Query:
    return Query(name, _expand(text, "value", slots).encode(),
                 _expand(text, "string", slots).encode())


STATEMENTS = {name: _query(name, text) for name, text in _STATEMENTS.items()}

# By the kind of line, in the order of a file.
_KINDS = ("tenant", "user", "tenant_user", "node_type", "node", "relationship")
EXPORTS = {kind: "SELECT row_to_json(line) FROM ({}) line".format(
    _expand(_TEMPLATES[f"export_{kind}"], "value", {})).encode() for kind in _KINDS}
IMPORTS = {kind: _TEMPLATES[f"import_{kind}"].encode() for kind in _KINDS}


@lru_cache(maxsize=256)
def page_query(
    name: str, filters: tuple[str, ...], total: str, order: tuple[tuple[Key, ...], str],
    first: bool,
) -> Query:
    """Return the statement that gives one page of a list.

    :param name: the list's name
    :param filters: the columns that must equal the arguments of the same names
    :param total: the SQL expression of the list's total count; ``{rows}`` in it stands for all
        rows of the list
    :param order: the keys of the list's order, which together are unique, and ASC or DESC
    :param first: whether it is the first page; if not, arguments ``after_<key>`` say where it
        begins
    """
    listing = LISTS[name]
    row, (keys, direction) = listing.alias, order
    rows = listing.rows + "".join(f"\nAND {row}.{column} = %({column})s" for column in filters)
    columns = ", ".join(f"{row}.{key.column}" for key in keys)
    after = ", ".join(f"%(after_{key.column})s::{key.type}" for key in keys)
    comparison = "<" if direction == "DESC" else ">"
    return _query(
        name,
        _TEMPLATES["page"],
        object=OBJECTS[listing.object],
        row=row,
        list=rows,
        rows=f"({rows}) {row}",
        total=total,
        after="" if first else f"WHERE ({columns}) {comparison} ({after})",
        order=", ".join(f"{row}.{key.column} {direction}" for key in keys),
        last=", ".join(
            f"CASE WHEN count(*) > count(*) FILTER (WHERE {row}.shown) THEN"
            f" (array_agg({row}.{key.column}) FILTER (WHERE {row}.shown))"
            f"[count(*) FILTER (WHERE {row}.shown)] END AS last_{key.column}"
            for key in keys
        ),
        next=", ".join(f"page.last_{key.column}::text" for key in keys),
        scope="WHERE EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s)"
        if "%(tenant_id)s" in rows else "",
    )
