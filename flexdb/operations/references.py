"""References in the calls of a transaction: ``$name.id`` for a member of what an earlier call gave.

They stand in the place of ids: of a parameter, in a list of ids, and of the items to create.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from msgspec import Raw

from flexdb.contract.fields import BaseField, Id
from flexdb.contract.objects import Items, Objects, fields_of
from flexdb.contract.operation import Operation
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams

_REFERENCE = re.compile(r"\A\$([A-Za-z_][A-Za-z0-9_]*)\.([a-z_]+)\Z")
# What calls gave, by their names.
Given = dict[str, dict[str, Any]]


def resolve(text: bytes, called: Operation, objects: Given) -> tuple[Any, bytes]:
    """Return a call's parameters, parsed and as text, with what references mean in their place.

    :param text: parameters by name or by position
    :raises InvalidParams: naming each reference that names nothing
    """
    parsed = json_text.parse(text)
    if b'"$' not in text and b"\\u0024" not in text:
        return parsed, text
    by_position = isinstance(parsed, list)
    fields = dict(enumerate(called.fields.values())) if by_position else called.fields
    texts: dict[Any, Raw] = (dict(enumerate(json_text.items(text))) if by_position else
                             json_text.members(text))
    resolver = _Resolver(objects)
    names = list(called.fields)
    for key, raw in texts.items():
        field = fields.get(key)
        value = resolver.value(names[key] if by_position and field else str(key), field,
                               parsed[key], raw)
        if value is not raw:
            texts[key], parsed[key] = value, json_text.parse(bytes(value))
    if resolver.wrong:
        raise InvalidParams(fields=resolver.wrong)
    return parsed, _dump(list(texts.values()) if by_position else texts)


class _Resolver:
    """Puts what references mean in their place, and gathers those that mean nothing."""

    def __init__(self, objects: Given) -> None:
        self.objects = objects
        self.wrong: dict[str, list[str]] = {}

    def value(self, place: str, field: BaseField | None, value: Any, raw: Raw) -> Raw:
        """Return a value's text with its references resolved, or the same where it has none.

        :param place: where it stands, for the error
        """
        if isinstance(field, Id) and isinstance(value, str) and value.startswith("$"):
            return self._found(place, value, raw)
        if not isinstance(value, list):
            return raw
        if isinstance(field, Items) and isinstance(field.item, Id):
            inner = [self.value(f"{place}.{index}", field.item, one, text)
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
        return Raw(_dump({name: self.value(f"{place}.{name}", members.get(name), value[name], text)
                          for name, text in json_text.members(raw).items()}))

    def _found(self, place: str, value: str, raw: Raw) -> Raw:
        reference = _REFERENCE.match(value)
        if reference is None:
            wrong = "is no reference: write $name.member"
        elif reference[1] not in self.objects:
            wrong = f"refers to {reference[1][:64]}, which is no earlier call's name"
        elif reference[2] not in self.objects[reference[1]]:
            wrong = f"refers to a member {reference[2][:64]}, which {reference[1][:64]} has not"
        else:
            return Raw(orjson.dumps(self.objects[reference[1]][reference[2]]))
        self.wrong[place] = [wrong]
        return raw


def _dump(texts: dict[Any, Raw] | list[Raw]) -> bytes:
    """Return the JSON text of an object or an array of texts."""
    if isinstance(texts, list):
        return orjson.dumps([orjson.Fragment(bytes(text)) for text in texts])
    return orjson.dumps({name: orjson.Fragment(bytes(text)) for name, text in texts.items()})
