"""Sorting: the keys that a list is ordered by, each of which PostgreSQL can compare in a keyset.

A place in JSON may hold any type, so it becomes three keys: the rank of its type, and its value
as a number and as a text, of which all but one are the same wherever the rank is the same.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from flexdb.contract.fields import Id
from flexdb.contract.json_fields import JsonText
from flexdb.errors import InvalidParams
from flexdb.query.paths import Members, column_of, split
from flexdb.query.values import reader_of
from flexdb.sql.pages import Key

MOST_KEYS = 3
# Texts are ordered by so many characters, so that a page token, which holds them, stays short.
TEXT_PREFIX = 128
# No number that a request may store has as many decimals before its first digit, nor as many
# digits. What is stored beyond is ordered as if it were that large.
_DECIMALS, _LARGEST = 340, "1e340::numeric"
# As the columns have it: a value of a filter may be larger.
_KEY_TYPES = {"numeric": "bigint"}
# What stands for what is not set: no key of a page may be null.
_UNSET = {"text": "''", "timestamptz": "'-infinity'", "uuid": "flexdb_nil()"}


def sort_keys(sort: list[str], members: Members, alias: str, prefix: str = "s",
              unique: str = "id") -> tuple[tuple[Key, ...], dict[str, Any]]:
    """Return the keys of an order, which together are unique where the members have an id, and the
    named arguments in them.

    :param sort: paths; one that begins with ``-`` is descending
    :param members: the members of the object that a row is
    :param alias: the row's alias in the SQL
    :param prefix: what the names of the arguments begin with
    :param unique: the member that no two rows have in common, which is a UUID
    :raises InvalidParams: naming the path that is wrong
    """
    keys: list[Key] = []
    arguments: dict[str, Any] = {}
    seen: set[tuple[str, ...]] = set()
    direction = "DESC"
    for place, text in enumerate(sort):
        path = text.removeprefix("-")
        direction = "DESC" if text.startswith("-") else "ASC"
        try:
            if place >= MOST_KEYS:
                raise ValueError(f"is one too many: a list is sorted by at most {MOST_KEYS} paths")
            name, parts = split(path, members)
            if (name, *parts) in seen:
                raise ValueError("names a path again")
            is_json = isinstance(members[name], JsonText)
            type = "" if is_json else reader_of(members[name])[0]
            type = _KEY_TYPES.get(type, type)
        except ValueError as error:
            field = f"sort.{place}"
            raise InvalidParams(fields={field: [str(error)]}) from None
        seen.add((name, *parts))
        if is_json:
            arguments[f"{prefix}{place}"] = parts
            keys += _json_keys(column_of(name, members, alias),
                               f"%({prefix}{place})s::text[]", place, direction)
        else:
            keys.append(_key(name, members[name], type, alias, place, direction))
    if isinstance(members.get(unique), Id) and (unique,) not in seen:
        keys.append(Key(unique, "uuid", direction))
    return tuple(keys), arguments


def _key(name: str, field: fields.Field[Any], type: str, alias: str, place: int, direction: str
         ) -> Key:
    column = f"{alias}.{name}"
    if field.allow_none:
        column = f"coalesce({column}, {_UNSET[type]})"
    elif type != "text":
        return Key(name, type, direction)
    # A computed key has a name of its own.
    return Key(f"value_{place}", type, direction, _prefix(column) if type == "text" else column)


def _json_keys(column: str, path: str, place: int, direction: str) -> list[Key]:
    value, text = f"({column} #> {path})", f"({column} #>> {path})"
    # What is missing comes last in both directions.
    last = 6 if direction == "ASC" else -1
    kind = f"jsonb_typeof({value})"
    number = f"{text}::numeric"
    return [
        Key(f"rank_{place}", "smallint", direction,
            f"(CASE {kind} WHEN 'null' THEN 0 WHEN 'boolean' THEN CASE {text} WHEN 'false' THEN 1 "
            f"ELSE 2 END WHEN 'number' THEN 3 WHEN 'string' THEN 4 WHEN 'array' THEN 5 "
            f"WHEN 'object' THEN 5 ELSE {last} END)::smallint"),
        Key(f"number_{place}", "numeric", direction,
            f"CASE {kind} WHEN 'number' THEN greatest(-{_LARGEST}, least({_LARGEST}, "
            f"CASE WHEN scale({number}) > {_DECIMALS} THEN round({number}, {_DECIMALS}) "
            f"ELSE {number} END)) ELSE 0 END"),
        Key(f"text_{place}", "text", direction,
            f"CASE {kind} WHEN 'string' THEN {_prefix(text)} ELSE '' END"),
    ]


def _prefix(text: str) -> str:
    return f'left({text}, {TEXT_PREFIX}) COLLATE "C"'
