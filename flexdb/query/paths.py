"""Paths: how a member of an object, or a place inside its JSON, is named in a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from flexdb.contract.fields import TEXT_LENGTH
from flexdb.contract.json_fields import JsonText

Members = Mapping[str, fields.Field[Any]]

MOST_PARTS = 20


def split(path: str, members: Members) -> tuple[str, list[str]]:
    """Split a path into a member of the object and the names below it.

    :param path: a member such as ``version``, or a place inside a JSON one such as ``data.a.b``
    :param members: the object's members
    :raises ValueError: when there is no such place; the message says what would be right
    """
    if len(path) > TEXT_LENGTH:
        raise ValueError(f"may have at most {TEXT_LENGTH} characters, not {len(path)}")
    if "\0" in path:
        raise ValueError("may not contain the character U+0000")
    name, *parts = path.split(".")
    if name not in members:
        places = [f"{known}.…" if isinstance(field, JsonText) else known
                  for known, field in members.items()]
        raise ValueError(f"names no member: there are {', '.join(places)}")
    if parts and not isinstance(members[name], JsonText):
        raise ValueError(f"names something below {name}, which holds no JSON")
    if not all(parts):
        raise ValueError("has an empty part between its dots")
    if len(parts) > MOST_PARTS:
        raise ValueError(f"may have at most {MOST_PARTS} parts below {name}, not {len(parts)}")
    return name, parts
