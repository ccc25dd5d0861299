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

from flexdb.plan import Query

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
    """A column that a list is ordered by.

    :param expression: what it is computed of, where the rows do not have it; it is never null
    """

    column: str
    type: str
    direction: str
    expression: str = ""


NEWEST_FIRST = (Key("created_at", "timestamptz", "DESC"), Key("id", "uuid", "DESC"))
BY_USER = (Key("user_id", "uuid", "ASC"),)
# A list is not there when what it is of is not.
_SCOPES = {
    "tenant": "WHERE EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s)",
    "node": "WHERE EXISTS (SELECT FROM nodes n WHERE n.tenant_id = %(tenant_id)s"
            " AND n.id = %(id)s)",
}


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


def _query(name: str, text: str, lasting: bool, **slots: str) -> Query:
    return Query(name, _expand(text, "value", slots).encode(),
                 _expand(text, "string", slots).encode(), lasting)


@lru_cache(maxsize=256)
def filtered_query(name: str, condition: str) -> Query:
    """Return a statement that heeds a condition on a node, whose alias is ``n``.

    :param name: the statement's name; its text has the slot ``{condition}``
    :param condition: SQL; TRUE for none
    """
    filtered = "FALSE" if condition == "TRUE" else "TRUE"
    return _query(name, _STATEMENTS[name], False, condition=condition, filtered=filtered)


STATEMENTS = {name: _query(name, text, True) for name, text in _STATEMENTS.items()}

# By the kind of line, in the order of a file.
_KINDS = ("tenant", "user", "tenant_user", "node_type", "node", "relationship")
EXPORTS = {kind: "SELECT row_to_json(line) FROM ({}) line".format(
    _expand(_TEMPLATES[f"export_{kind}"], "value", {})).encode() for kind in _KINDS}
IMPORTS = {kind: _TEMPLATES[f"import_{kind}"].encode() for kind in _KINDS}


def columns(thing: str) -> dict[str, str]:
    """Return the columns of an object with their SQL, in their order."""
    listed = re.findall(r"((?:\{\w+ )?\w\.(\w+)\}?(?: AS \w+)?)[,\s]", OBJECTS[thing])
    return {name: text for text, name in listed}


@lru_cache(maxsize=256)
def page_query(
    name: str, filters: tuple[str, ...], total: str, order: tuple[Key, ...], first: bool,
    condition: str = "", thing: str = "", of: str = "tenant",
) -> Query:
    """Return the statement that gives one page of a list.

    :param name: the list's name
    :param filters: the columns that must equal the arguments of the same names
    :param total: the SQL expression of the list's total count; ``{rows}`` in it stands for all
        rows of the list
    :param order: the keys of the list's order, which together are unique
    :param first: whether it is the first page; if not, arguments ``after_<key>`` say where it
        begins
    :param condition: a further condition on a row
    :param thing: what each row becomes, where it is not the whole object
    :param of: what must be there for the list to be there: a ``tenant`` or one of its nodes
    """
    listing = LISTS[name]
    row = listing.alias
    rows = listing.rows + "".join(f"\nAND {row}.{column} = %({column})s" for column in filters)
    rows += f"\nAND ({condition})" if condition else ""
    computed = "".join(f", {key.expression} AS {key.column}" for key in order if key.expression)
    return _query(
        name,
        _TEMPLATES["page"],
        not (condition or thing or computed),
        object=thing or OBJECTS[listing.object],
        row=row,
        list=f"SELECT {row}.*{computed} FROM ({rows}) {row}" if computed else rows,
        rows=f"({rows}) {row}",
        total=total,
        after="" if first else f"WHERE {_after(order, row)}",
        order=", ".join(f"{row}.{key.column} {key.direction}" for key in order),
        last=", ".join(
            f"CASE WHEN count(*) > count(*) FILTER (WHERE {row}.shown) THEN"
            f" (array_agg({row}.{key.column}) FILTER (WHERE {row}.shown))"
            f"[count(*) FILTER (WHERE {row}.shown)] END AS last_{key.column}"
            for key in order
        ),
        next=", ".join(f"page.last_{key.column}::text" for key in order),
        scope=_SCOPES[of] if "%(tenant_id)s" in rows else "",
    )


# The SQL of queries, of whose shapes there is no end, may not push that of the plain lists out.
queried_page_query = lru_cache(maxsize=256)(page_query.__wrapped__)


def _after(order: tuple[Key, ...], row: str) -> str:
    """Return the condition that a row comes after the arguments ``after_<key>``."""
    signs = {"ASC": ">", "DESC": "<"}
    columns = [f"{row}.{key.column}" for key in order]
    values = [f"%(after_{key.column})s::{key.type}" for key in order]
    if len({key.direction for key in order}) == 1:
        sign = signs[order[0].direction]
        return f"({', '.join(columns)}) {sign} ({', '.join(values)})"
    condition = "FALSE"
    for key, column, value in list(zip(order, columns, values))[::-1]:
        sign = signs[key.direction]
        condition = f"({column} {sign} {value} OR ({column} = {value} AND {condition}))"
    return condition
