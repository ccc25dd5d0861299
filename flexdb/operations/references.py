"""References in the calls of a transaction: to a member of what an earlier call gave, by its path.

``$name.id`` stands in the place of an id: of a parameter, in a list of ids, and of the items to
create. Where the transaction says so, ``{"$result": "name.id"}`` stands for any value anywhere in a
call's parameters, and ``{"$literal": …}`` for what is in it, in which nothing is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import orjson
from msgspec import Raw

from flexdb.context import Context
from flexdb.contract.fields import BaseField, Id
from flexdb.contract.json_fields import JsonText
from flexdb.contract.objects import Items, Objects, fields_of, kinds_in
from flexdb.contract.operation import Operation
from flexdb.contract.violations import NAME_LENGTH
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.query.paths import is_place, split_inside

RESULT, LITERAL = "$result", "$literal"
_REFERENCE = re.compile(r"\A([A-Za-z_][A-Za-z0-9_]*)\.(.+)\Z", re.DOTALL)
# No array has more elements than such a number says.
_PLACE_LENGTH = 9
_SMALL = 64


class Given:
    """What the calls of a transaction gave, by their names, looked into as far as it is asked.

    :param everywhere: whether ``$result`` and ``$literal`` mean something
    """

    def __init__(self, context: Context, everywhere: bool) -> None:
        self.everywhere = everywhere
        self.max_depth = context.limits.max_depth
        # A few references to what is large make more than there is memory.
        self.most = self.left = context.limits.max_answer_bytes
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
            if (value := value.member(part)) is None:
                raise ValueError(f"refers to {path[:NAME_LENGTH]}, which {name[:NAME_LENGTH]} "
                                 "has not")
        # What is about as short as the reference makes nothing larger.
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

    def __init__(self, text: Raw, as_text: Collection[str]) -> None:
        self.text = text
        self._as_text = as_text
        self._members: dict[str, _Value] | list[_Value] | None = None

    def member(self, name: str) -> _Value | None:
        """Return what has a name in an object or a place in an array; None where nothing has."""
        if self._members is None:
            self._members = self._taken_apart()
        if isinstance(self._members, dict):
            return self._members.get(name)
        if len(name) > _PLACE_LENGTH or not is_place(name):
            return None
        place = int(name)
        return self._members[place] if -len(self._members) <= place < len(self._members) else None

    def _taken_apart(self) -> dict[str, _Value] | list[_Value]:
        text = bytes(self.text)
        if text.startswith(b"["):
            return [_Value(item, self._as_text) for item in json_text.items(text)]
        if not text.startswith(b"{"):
            return {}
        return {name: self._of_member(name, member)
                for name, member in json_text.members(text).items()}

    def _of_member(self, name: str, member: Raw) -> _Value:
        if name not in self._as_text:
            return _Value(member, self._as_text)
        if bytes(member).startswith(b'"'):
            member = Raw(json_text.parse(bytes(member)).encode() or b"null")
        return _Value(member, ())


def resolve(text: bytes, called: Operation, given: Given) -> tuple[Any, bytes]:
    """Return a call's parameters, parsed and as text, with what references mean in their place.

    :param text: parameters by name or by position
    :raises InvalidParams: naming each reference that names nothing
    """
    parsed = json_text.parse(text)
    signs = (b"$", rb"\u") if given.everywhere else (b'"$', rb"\u0024")
    if not any(sign in text for sign in signs):
        return parsed, text
    by_position = isinstance(parsed, list)
    fields = dict(enumerate(called.fields.values())) if by_position else called.fields
    texts: dict[Any, Raw] = (dict(enumerate(json_text.items(text))) if by_position else
                             json_text.members(text))
    resolver = _Resolver(given)
    names = list(called.fields)
    for key, raw in texts.items():
        field = fields.get(key)
        place = names[key] if by_position and field else str(key)
        # Ids first: what stands for something is not read as a reference once more.
        value = resolver.ids(place, field, parsed[key], raw)
        if given.everywhere:
            value = resolver.everywhere(place, value)
        if value is not raw:
            texts[key], parsed[key] = value, resolver.parsed(place, value)
    if resolver.wrong:
        raise InvalidParams(fields=resolver.wrong)
    return parsed, _dump(list(texts.values()) if by_position else texts)


class _Resolver:
    """Puts what references mean in their place, and gathers those that mean nothing."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.wrong: dict[str, list[str]] = {}

    def ids(self, place: str, field: BaseField | None, value: Any, raw: Raw) -> Raw:
        """Return a value's text with the references in the places of ids resolved.

        :param place: where it stands, for the error
        :return: the same text where there are none
        """
        if isinstance(field, Id) and isinstance(value, str) and value.startswith("$"):
            found = self._found(place, value[1:], raw)
            if not bytes(found).startswith(b'"'):
                self.wrong[place] = [f"refers to {value[:NAME_LENGTH]}, which is no id"]
            return found
        if not isinstance(value, list):
            return raw
        if isinstance(field, Items) and isinstance(field.item, Id):
            inner = [self.ids(f"{place}.{index}", field.item, one, text)
                     for index, (one, text) in enumerate(zip(value, json_text.items(raw)))]
        elif isinstance(field, Objects):
            members = fields_of(field.item())
            inner = [self._item(f"{place}.{index}", members, one, text)
                     for index, (one, text) in enumerate(zip(value, json_text.items(raw)))]
        else:
            return raw
        return Raw(_dump(inner))

    def _item(self, place: str, members: dict[str, BaseField], value: Any, raw: Raw) -> Raw:
        if not isinstance(value, dict):
            return raw
        return Raw(_dump({name: self.ids(f"{place}.{name}", members.get(name), value[name], text)
                          for name, text in json_text.members(raw).items()}))

    def everywhere(self, place: str, raw: Raw) -> Raw:
        """Return a value's text with every ``$result`` and ``$literal`` in it resolved."""
        text = bytes(raw)
        if b"$" not in text and rb"\u" not in text:
            return raw
        if text.startswith(b"["):
            return Raw(_dump([self.everywhere(f"{place}.{index}", item)
                              for index, item in enumerate(json_text.items(text))]))
        if not text.startswith(b"{"):
            return raw
        members = json_text.members(text)
        if RESULT not in members and LITERAL not in members:
            return Raw(_dump({name: self.everywhere(f"{place}.{name[:NAME_LENGTH]}", member)
                              for name, member in members.items()}))
        if len(members) > 1:
            self.wrong[place] = [f"must have no member beside {RESULT} or {LITERAL}"]
            return raw
        if LITERAL in members:
            return members[LITERAL]
        reference = json_text.parse(bytes(members[RESULT]))
        if not isinstance(reference, str):
            self.wrong[place] = [f"must have a text as {RESULT}, such as task.id"]
            return raw
        return self._found(place, reference, raw)

    def parsed(self, place: str, value: Raw) -> Any:
        """Parse a value in which something was put; what is wrong with it is gathered."""
        text = bytes(value)
        try:
            json_text.check_depth(text, self.given.max_depth)
            return json_text.parse(text)
        except ValueError as error:
            self.wrong[place] = [f"{error}, with what references in it stand for"]

    def _found(self, place: str, reference: str, raw: Raw) -> Raw:
        try:
            return self.given.find(reference)
        except ValueError as error:
            self.wrong[place] = [str(error)]
            return raw


def _dump(texts: dict[Any, Raw] | list[Raw]) -> bytes:
    """Return the JSON text of an object or an array of texts."""
    if isinstance(texts, list):
        return orjson.dumps([orjson.Fragment(bytes(text)) for text in texts])
    return orjson.dumps({name: orjson.Fragment(bytes(text)) for name, text in texts.items()})
