"""The defaults of a schema's members, which stand in for absent ones where a type says so."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from msgspec import Raw

from flexdb.documents import text as json_text
from flexdb.documents.declarations import Path, members_of
from flexdb.documents.pointers import pointer_of
from flexdb.documents.sizes import check_stored
from flexdb.documents.validators import Violation

# How many a type may have.
MOST_DEFAULTS = 100


class Default(NamedTuple):
    """The default of a member, as JSON text."""

    path: Path
    text: bytes

    def document(self) -> bytes:
        """Return a document that has nothing but this default, as JSON text."""
        made = self.text
        for name in reversed(self.path):
            made = b"{%b:%b}" % (orjson.dumps(name), made)
        return made

    def wrong(self, violations: list[Violation]) -> str:
        """Return what a schema refuses of this default; "" where that is nothing.

        :param violations: what it refuses of the document
        """
        place = pointer_of(self.path)
        return next((violation["message"] for violation in violations
                     if f"{violation['path']}/".startswith(f"{place}/")), "")


class Member(NamedTuple):
    """A member with a default, or with members that have one.

    :param text: the default as JSON text
    """

    text: bytes | None
    members: dict[str, Member]


def defaults_of(text: bytes) -> list[Default]:
    """Return the defaults of a schema's members, to the digit.

    :param text: the schema as JSON text
    :raises ValueError: when these are too many
    """
    found = [Default(path, json_text.dump_exactly(member["default"]))
             for path, member in members_of(json_text.parse_exactly(text)) if "default" in member]
    if len(found) > MOST_DEFAULTS:
        raise ValueError(f"/x-defaults: there may be {MOST_DEFAULTS} defaults, not {len(found)}")
    return found


def tree_of(defaults: list[Default]) -> dict[str, Member]:
    """Return defaults by the names that lead to them."""
    tree: dict[str, Member] = {}
    for default in defaults:
        members = tree
        for name in default.path[:-1]:
            members = members.setdefault(name, Member(None, {})).members
        name = default.path[-1]
        members[name] = Member(default.text, members[name].members if name in members else {})
    return tree


def filled(data: bytes, members: dict[str, Member], most_bytes: int, max_depth: int) -> bytes:
    """Return a document with the defaults of what is absent in it and in the objects in it.

    :param data: the JSON text of an object
    :raises ValueError: when it becomes larger or deeper than it may be
    """
    made = _filled(data, members)
    if made is not data:
        json_text.check_depth(made, max_depth)
        check_stored(made, most_bytes)
    return made


def _filled(data: bytes, members: dict[str, Member]) -> bytes:
    found: dict[str, Any] = json_text.members(data)
    changed = False
    for name, member in members.items():
        there = bytes(found[name]) if name in found else None
        if there is None:
            made = member.text
        else:
            made = _filled(there, member.members) if member.members and _is_object(there) else there
        if made is not None and made is not there:
            found[name] = Raw(made)
            changed = True
    if not changed:
        return data
    return orjson.dumps({name: orjson.Fragment(bytes(text)) for name, text in found.items()})


def _is_object(text: bytes) -> bool:
    return text.lstrip().startswith(b"{")
