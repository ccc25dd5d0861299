"""Projections: the object of a row with only those of its members that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flexdb.config import JsonFields
from flexdb.errors import InvalidParams
from flexdb.query.paths import Members, is_place, split
from flexdb.sql.loader import OBJECTS
from flexdb.sql.objects import JsonMember, member, written

MOST_PATHS = 50
NONE: Mapping[str, str] = {}
_OBJECT = ("coalesce(jsonb_object_agg(m.name, m.value) FILTER (WHERE m.value IS NOT NULL), "
           "jsonb_build_object())")
_ARRAY = ("coalesce(jsonb_agg(m.value ORDER BY m.place) FILTER (WHERE m.value IS NOT NULL), "
          "jsonb_build_array())")


def projection(paths: list[str] | None, members: Members, thing: str, alias: str,
               form: JsonFields, prefix: str = "p", further: Mapping[str, str] = NONE
               ) -> tuple[str, dict[str, Any]]:
    """Return the SQL that writes an object with some of its members, and the arguments in it.

    Inside JSON the shape is kept: ``data.a.b`` gives ``{"data": {"a": {"b": …}}}``, and where a is
    an array ``data.a.0`` gives ``{"data": {"a": […]}}`` with that item alone. What is missing is
    left out.

    :param paths: which members, or places inside the JSON ones; None for all
    :param members: the members that there are
    :param thing: the object's name in the SQL
    :param alias: the row's alias in the SQL
    :param form: how JSON columns are given back
    :param prefix: what the names of the arguments begin with
    :param further: the SQL of the JSON that it has beside these, by name
    :raises InvalidParams: naming the path that is wrong
    """
    if paths is None:
        return _whole(thing, alias, form, tuple(further.items())), {}
    wanted: dict[str, Any] = {}
    for place, path in enumerate(paths):
        try:
            if place >= MOST_PATHS:
                raise ValueError(f"is one too many: there may be at most {MOST_PATHS} paths")
            name, parts = split(path, members)
        except ValueError as error:
            field = f"fields.{place}"
            raise InvalidParams(fields={field: [str(error)]}) from None
        _add(wanted, [name, *parts])
    arguments: dict[str, Any] = {}
    chosen, picked = [], []
    for of in OBJECTS[thing]:
        if of.name not in wanted:
            continue
        source = alias
        if "json" in of.words and wanted[of.name]:
            made = _members(f"{alias}.{of.name}", [], wanted[of.name], prefix, arguments)
            picked.append(f"{made} AS {of.name}")
            source = "picked"
        chosen.append(member(source, of, form))
    sql = written([*chosen, *_further(further)])
    return f"(SELECT {sql} FROM (SELECT {', '.join(picked)}) picked)" if picked else sql, arguments


@lru_cache(maxsize=64)
def _whole(thing: str, alias: str, form: JsonFields, further: tuple[tuple[str, str], ...]) -> str:
    return written([*(member(alias, of, form) for of in OBJECTS[thing]),
                    *_further(dict(further))])


def _further(further: Mapping[str, str]) -> list[JsonMember]:
    return [JsonMember(name, f"coalesce({sql}::text, 'null')") for name, sql in further.items()]


def _add(tree: dict[str, Any], parts: list[str]) -> None:
    """Add a path to a tree, in which an empty tree stands for all that is below."""
    for place, part in enumerate(parts):
        known = part in tree
        below = tree.setdefault(part, {})
        if known and not below:
            return
        if place == len(parts) - 1:
            below.clear()
        tree = below


def _members(column: str, path: list[str], tree: dict[str, Any], prefix: str,
             arguments: dict[str, Any]) -> str:
    """Return the SQL of what is at a path with some of its members or items, or of NULL."""
    def argument(value: Any) -> str:
        name = f"{prefix}{len(arguments)}"
        arguments[name] = value
        return f"%({name})s"

    value = f"({column} #> {argument(path)}::text[])"
    rows = []
    for place, name in enumerate(sorted(tree, key=_order)):
        inner = [*path, name]
        found = (_members(column, inner, tree[name], prefix, arguments) if tree[name] else
                 f"{column} #> {argument(inner)}::text[]")
        rows.append(f"({argument(name)}::text, {place}, {found})")
    made = _OBJECT if not any(map(is_place, tree)) else (
        f"CASE jsonb_typeof({value}) WHEN 'object' THEN {_OBJECT} ELSE {_ARRAY} END")
    kinds = "('object')" if made == _OBJECT else "('object', 'array')"
    # OFFSET 0 keeps PostgreSQL from putting what is nested in both places where m.value stands,
    # which would double it at every depth.
    return (f"CASE WHEN jsonb_typeof({value}) IN {kinds} THEN (SELECT {made} "
            f"FROM (VALUES {', '.join(rows)} OFFSET 0) m (name, place, value)) END")


def _order(name: str) -> tuple[bool, int]:
    """Return what orders the places in an array; those behind any array's end hold nothing."""
    place = int(name) if is_place(name) and len(name) < 20 else 0
    return place < 0, place
