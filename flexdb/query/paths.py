"""Paths: how a member of an object, or a place inside its JSON, is named in a query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from flexdb.contract.json_fields import JsonText
from flexdb.documents.paths import parts_of

Members = Mapping[str, fields.Field[Any]]

PATH_LENGTH, MOST_PARTS = 10_000, 20
# What PostgreSQL's #> takes as the place in an array.
_INDEX = re.compile(r"\s*[+-]?[0-9]+")


class Computed(JsonText):
    """JSON that is computed for each row, and stands in a column of another name.

    :param column: with the alias of the row
    """

    def __init__(self, column: str) -> None:
        super().__init__("")
        self.column = column


def split(path: str, members: Members) -> tuple[str, list[str]]:
    """Split a path into a member of the object and the names below it.

    :param path: a member such as ``version``, or a place inside a JSON one such as ``data.a.b``,
        where a name that is empty, has dots or begins with a quote is written as JSON writes it:
        ``data."a.b".c``
    :param members: the object's members
    :raises ValueError: when there is no such place; the message says what would be right
    """
    _check_length(path)
    name, _, below = path.partition(".")
    if name not in members:
        places = [f"{known}.…" if isinstance(field, JsonText) else known
                  for known, field in members.items()]
        raise ValueError(f"names no member: there are {', '.join(places)}")
    parts = list(parts_of(path, len(name) + 1)) if len(name) < len(path) else []
    if parts and not isinstance(members[name], JsonText):
        raise ValueError(f"names something below {name}, which holds no JSON")
    _check_parts(parts, f" below {name}")
    return name, parts


def split_inside(path: str) -> list[str]:
    """Split a path that begins inside a JSON document into its names: ``a.b``, ``"a.b".c``.

    :raises ValueError: when it is none; the message says what would be right
    """
    _check_length(path)
    parts = list(parts_of(path))
    _check_parts(parts)
    return parts


def _check_length(path: str) -> None:
    if len(path) > PATH_LENGTH:
        raise ValueError(f"may have at most {PATH_LENGTH:,} characters, not {len(path):,}")


def _check_parts(parts: list[str], where: str = "") -> None:
    if len(parts) > MOST_PARTS:
        raise ValueError(f"may have at most {MOST_PARTS} parts{where}, not {len(parts)}")
    if any("\0" in part for part in parts):
        raise ValueError("may not contain the character U+0000")


def column_of(name: str, members: Members, alias: str) -> str:
    """Return the SQL of the column that holds a member.

    :param alias: the row's alias
    """
    member = members[name]
    return member.column if isinstance(member, Computed) else f"{alias}.{name}"


def is_place(part: str) -> bool:
    """Tell whether a part of a path means a place in an array, where there is one."""
    return _INDEX.fullmatch(part) is not None
