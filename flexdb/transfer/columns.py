"""What the columns of the tables can hold, which is more than what a call may say.

Each reader is given the JSON text of a member and returns what is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from marshmallow import ValidationError, fields

from flexdb.contract.fields import Boolean, Choice, Id, Integer, Text, Time, is_uuid
from flexdb.contract.json_fields import JsonText
from flexdb.contract.objects import Items
from flexdb.documents import text as json_text
from flexdb.documents.sizes import holds_nul

Reader = Callable[[bytes], "str | int | list[str]"]

# From 4713 BC to the year 294276, and the two ends.
_TIMES = (r"[0-9]{4,6}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
          r"(?:Z|[+-][0-9]{2}:[0-9]{2})(?: BC)?|-?infinity")
_TIME = re.compile(_TIMES, re.ASCII)
# As an export writes them, with nothing escaped: these are most of what is read.
_WRITTEN_TIME = re.compile(f'"(?:{_TIMES})"'.encode())
_WRITTEN_UUID = re.compile(rb'"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"')
# Of so many digits no number is beyond a double.
_DIGITS = 15


def reader_of(field: fields.Field[Any]) -> Reader:
    """Return what reads the column of a member.

    :param field: the member's field among those of the object
    """
    if isinstance(field, Choice):
        return partial(_choice, field.choices)
    for kind, reader in _READERS.items():
        if isinstance(field, kind):
            return reader
    raise TypeError(f"no column holds a {type(field).__name__}")


def _string(text: bytes, wanted: str) -> str:
    if not text.startswith(b'"'):
        raise ValidationError(f"must be {wanted}")
    try:
        return orjson.loads(text) if b"\\" in text else text[1:-1].decode()
    except ValueError:
        raise ValidationError("is no valid Unicode") from None


def _uuid(text: bytes) -> str:
    if _WRITTEN_UUID.fullmatch(text):
        return text[1:-1].decode()
    value = _string(text, "a UUID as a string")
    if not is_uuid(value):
        raise ValidationError("must be a UUID of 36 characters with hyphens")
    return value.lower()


def _text(text: bytes) -> str:
    value = _string(text, "a string")
    if "\0" in value:
        raise ValidationError("may not contain the character U+0000")
    return value


def _time(text: bytes) -> str:
    if _WRITTEN_TIME.fullmatch(text):
        return text[1:-1].decode()
    value = _string(text, "a time as a string")
    if not _TIME.fullmatch(value):
        raise ValidationError("must be a time with an offset and at most microseconds, such as "
                              "2026-01-01T12:00:00.000000+00:00, perhaps BC, or infinity")
    return value


def _whole(text: bytes) -> int:
    if len(text) <= _DIGITS and text.isdigit():
        return int(text)
    try:
        value = orjson.loads(text)
        if not isinstance(value, bool) and isinstance(value, (int, float)) and value == int(value):
            return int(value)
    except ValueError:
        pass  # It is beyond a double.
    raise ValidationError("must be a whole number")


def _choice(choices: tuple[str, ...], text: bytes) -> str:
    value = _string(text, "a string")
    if value not in choices:
        raise ValidationError(f"must be one of {', '.join(choices)}")
    return value


def _truth(text: bytes) -> bool:
    if text not in (b"true", b"false"):
        raise ValidationError("must be true or false")
    return text == b"true"


def _uuids(text: bytes) -> list[str]:
    if not text.startswith(b"["):
        raise ValidationError("must be an array of UUIDs")
    return [_uuid(bytes(item)) for item in json_text.items(text)]


def _json(text: bytes) -> str:
    if holds_nul(text):
        raise ValidationError("may not contain the character U+0000")
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise ValidationError("is no valid Unicode") from None


_READERS: dict[type[fields.Field[Any]], Reader] = {
    Id: _uuid, Text: _text, Time: _time, Integer: _whole, JsonText: _json, Boolean: _truth,
    # Of ids, which are the only ones that stand in a column.
    Items: _uuids}
