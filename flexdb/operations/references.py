"""References in the calls of a transaction: to a member of what an earlier call gave, by its path.

``$name.id`` stands in the place of an id: of a parameter, in a list of ids, and of the items to
create. Where the transaction says so, ``{"$result": "name.id"}`` stands for any value anywhere in a
call's parameters, and ``{"$literal": …}`` for what is in it, in which nothing is looked for.
"""

from __future__ import annotations

from typing import Any

import orjson
from msgspec import Raw

from flexdb.contract.fields import BaseField, Id
from flexdb.contract.objects import Items, Objects, fields_of
from flexdb.contract.operation import Operation
from flexdb.contract.violations import NAME_LENGTH
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.operations.given import Given

RESULT, LITERAL = "$result", "$literal"
# How often all of a call's parameters may be looked through for references: once for each level
# that they are nested. What is small may be looked through as often as it is deep.
_MOST_LOOKS, _SMALL_CALL = 16, 1_000_000


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
    resolver = _Resolver(given, max(_MOST_LOOKS * len(text), _SMALL_CALL))
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
    """Puts what references mean in their place, and gathers those that mean nothing.

    :param most: how much may be looked through for them, in bytes
    """

    def __init__(self, given: Given, most: int) -> None:
        self.given, self.left = given, most
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
        self.left -= len(text)
        if b"$" not in text and rb"\u" not in text:
            return raw
        if self.left < 0:
            self.wrong[place] = ["is nested too deep for references to be looked for in so much"]
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
