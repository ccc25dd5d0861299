"""Values of filters: what an operator takes, read as PostgreSQL takes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from marshmallow import ValidationError, fields

from flexdb.contract.fields import Choice, Id, Integer, Text, Time
from flexdb.documents.text import Number

COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
# RFC 3339, section 5.6, with as many digits of a second as PostgreSQL keeps.
_TIME = re.compile(r"\A\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)\Z",
                   re.ASCII)
# No array is longer, in what a request may hold.
_MOST_ITEMS = 2**31 - 1
_id = Id("")


class NotComparable(ValueError):
    """A value that an operand cannot be compared with; the message says what would be right.

    :param index: its place, where there are several
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


def is_simple(value: Any) -> bool:
    """Tell whether a value is a number, a text, true or false."""
    return value is not None and not isinstance(value, (dict, list))


def is_number(value: Any) -> bool:
    """Tell whether a value is a number."""
    return isinstance(value, (int, float, Number)) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Tell whether a value is a text."""
    return isinstance(value, str) and not isinstance(value, Number)


def read_flag(value: Any) -> bool:
    """Return what is true or false.

    :raises NotComparable: when it is neither
    """
    if not isinstance(value, bool):
        raise NotComparable("must be true or false")
    return value


def read_text(value: Any) -> str:
    """Return a text.

    :raises NotComparable: when it is none
    """
    if not is_text(value):
        raise NotComparable("must be a text")
    return str(value)


def read_size(value: Any) -> int:
    """Return how many items an array is to have.

    :raises NotComparable: when no array has so many
    """
    if not is_number(value) or not re.fullmatch(r"[0-9]{1,10}", str(value)) or (
            int(value) > _MOST_ITEMS):
        raise NotComparable("must be a whole number, from 0 on")
    return int(value)


def _read_id(value: Any) -> str:
    try:
        return str(_id.deserialize(read_text(value)))
    except (NotComparable, ValidationError):
        raise NotComparable("must be a UUID of 36 characters with hyphens") from None


def _read_time(value: Any) -> str:
    try:
        if _TIME.match(text := read_text(value)):
            text = text.upper().replace("Z", "+00:00")
            if "." in text:
                # Python 3.10 reads three or six digits.
                seconds, digits = text[:20], text[20:-6]
                text = f"{seconds}{digits:0<6}{text[-6:]}"
            return datetime.fromisoformat(text).astimezone(timezone.utc).isoformat()
    except (ValueError, OverflowError):
        pass
    raise NotComparable("must be a time with its offset, such as 2026-01-01T12:00:00Z (RFC 3339)")


def _read_whole(value: Any) -> str:
    if not is_number(value) or not re.fullmatch(r"-?[0-9]+", str(value)):
        raise NotComparable("must be a whole number")
    return str(value)


_READERS: dict[type, tuple[str, Callable[[Any], str]]] = {
    Id: ("uuid", _read_id), Time: ("timestamptz", _read_time), Integer: ("numeric", _read_whole),
    Text: ("text", read_text), Choice: ("text", read_text)}


def reader_of(field: fields.Field[Any]) -> tuple[str, Callable[[Any], str]]:
    """Return the type of a column that is no JSON, and what reads a value of it.

    :raises ValueError: when no value compares with it
    """
    for kind, reader in _READERS.items():
        if isinstance(field, kind):
            return reader
    raise ValueError("names a member that no list is filtered or sorted by")
