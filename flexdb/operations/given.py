"""What the calls of a transaction gave, looked into as far as later ones refer to it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from msgspec import Raw

from flexdb.context import Context
from flexdb.contract.json_fields import JsonText
from flexdb.contract.named_objects import WORD
from flexdb.contract.objects import fields_of, kinds_in
from flexdb.contract.operation import Operation
from flexdb.contract.violations import NAME_LENGTH
from flexdb.documents import text as json_text
from flexdb.query.paths import is_place, split_inside

_REFERENCE = re.compile(rf"\A({WORD})\.(.+)\Z", re.DOTALL)
# No array has more elements than such a number says.
_PLACE_LENGTH = 9
# What is about as short as a reference makes nothing larger, in bytes.
_SMALL = 64
# How many members may be taken apart to follow references: each is many times its text.
_MOST_MEMBERS = 200_000


class Given:
    """What the calls of a transaction gave, by their names, looked into as far as it is asked.

    :param everywhere: whether ``$result`` and ``$literal`` mean something
    """

    def __init__(self, context: Context, everywhere: bool) -> None:
        self.everywhere = everywhere
        self.max_depth = context.limits.max_depth
        # A few references to what is large make more than there is memory.
        self.most = self.left = context.limits.max_answer_bytes
        self._members_left = _MOST_MEMBERS
        self._is_text = context.json_fields == "string"
        self._by_name: dict[str, _Value] = {}

    def keep(self, name: str, called: Operation, result: bytes) -> None:
        """Keep what a call gave: of a result with one object that, and else the whole.

        :param result: the result as JSON text
        """
        gives = called.gives
        as_text: Collection[str] = ()
        if self._is_text and gives.schema:
            as_text = {member for kind in kinds_in(gives.schema)
                       for member, field in fields_of(kind()).items()
                       if isinstance(field, JsonText)}
        value = _Value(Raw(result), as_text)
        value.take_apart()
        only = value.member(gives.wrapper) if gives.wrapper and not gives.many else None
        self._by_name[name] = only or value

    def find(self, reference: str) -> Raw:
        """Return the text of what a reference leads to: a call's name and a path, as ``p.id``.

        :raises ValueError: when that is nothing; the message says what is wrong
        """
        match = _REFERENCE.match(reference)
        if match is None:
            raise ValueError("is no reference: write the name of an earlier call, a dot and a path "
                             "in what it gave, such as task.id")
        name, path = match[1], match[2]
        value = self._by_name.get(name)
        if value is None:
            raise ValueError(f"refers to {name[:NAME_LENGTH]}, which is no earlier call's name")
        for part in split_inside(path):
            self._members_left -= value.take_apart()
            if self._members_left < 0:
                raise ValueError("is one too many: to follow all references of a transaction, at "
                                 f"most {_MOST_MEMBERS:,} members may be looked at")
            if (value := value.member(part)) is None:
                raise ValueError(f"refers to {path[:NAME_LENGTH]}, which {name[:NAME_LENGTH]} "
                                 "has not")
        size = len(bytes(value.text))
        self.left -= size if size > _SMALL else 0
        if self.left < 0:
            raise ValueError("is one too many: what all references of a transaction stand for may "
                             f"weigh at most {self.most:,} bytes")
        return value.text


class _Value:
    """A JSON value as text, taken apart once it is asked for a member.

    :param as_text: the names of members in which JSON may stand as a string
    """

    __slots__ = ("text", "_as_text", "_members")

    def __init__(self, text: Raw, as_text: Collection[str]) -> None:
        self.text = text
        self._as_text = as_text
        self._members: dict[str, Raw | _Value] | list[Raw | _Value] | None = None

    def take_apart(self) -> int:
        """Find the members, unless they are known, and return how many were found."""
        if self._members is not None:
            return 0
        text = bytes(self.text)
        self._members = ([*json_text.items(text)] if text.startswith(b"[") else
                         {**json_text.members(text)} if text.startswith(b"{") else {})
        return len(self._members)

    def member(self, name: str) -> _Value | None:
        """Return what has a name in an object or a place in an array; None where nothing has."""
        members: Any = self._members
        place: Any = name
        if isinstance(members, list):
            if len(name) > _PLACE_LENGTH or not is_place(name):
                return None
            place = int(name)
            if not -len(members) <= place < len(members):
                return None
        elif name not in members:
            return None
        if not isinstance(members[place], _Value):
            members[place] = self._of_member(name, members[place])
        found: _Value = members[place]
        return found

    def _of_member(self, name: str, member: Raw) -> _Value:
        if name not in self._as_text:
            return _Value(member, self._as_text)
        if bytes(member).startswith(b'"'):
            member = Raw(json_text.parse(bytes(member)).encode() or b"null")
        return _Value(member, ())
