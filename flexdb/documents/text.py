"""JSON that is stored as it came: checked as text, never rebuilt, so that every digit survives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cache
from itertools import accumulate
from typing import Any

import msgspec
import orjson
from msgspec import Raw
from msgspec.json import Decoder

from flexdb.documents import deep

_members: Decoder[dict[str, Raw]] = Decoder(dict[str, Raw])
_items: Decoder[list[Raw]] = Decoder(list[Raw])
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
# Numbers that a double may not hold to the digit.
_LONG_NUMBER = re.compile(rb"[0-9.]{17}")
# How a number is written (RFC 8259, section 6).
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# What int() takes.
_MOST_DIGITS = 4300
# How many texts are parsed at once.
_TOGETHER = 100


def depth(text: bytes, limit: int) -> int:
    """Return how deep a JSON text is nested, or 0 where it is sure to be within the limit.

    The text need not be valid; of one that is not, the answer is a guess.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return 0
    brackets = without_strings(text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def parse(text: bytes) -> Any:
    """Parse JSON strictly (RFC 8259): no NaN, no lone surrogate, no byte order mark.

    :raises ValueError: with a message that says where and why, and quotes nothing of the text
    """
    return orjson.loads(text)


def parse_stored(text: bytes) -> Any:
    """Parse what a jsonb may hold: nested however deep, and with numbers of however many digits.

    A number that a double may not hold is a whole one or a Decimal, with every digit.
    """
    if not _LONG_NUMBER.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # It is nested deeper than that parser goes.
    try:
        return _decoder(_number).decode(text.decode())
    except RecursionError:
        return deep.parse(text.decode(), _number)


def parse_each(texts: Sequence[bytes]) -> Iterator[Any]:
    """Parse texts as :func:`parse_stored` does; where none needs more, some of them at once."""
    for first in range(0, len(texts), _TOGETHER):
        some = texts[first:first + _TOGETHER]
        whole = b"[%b]" % b",".join(some)
        if not _LONG_NUMBER.search(whole):
            with suppress(orjson.JSONDecodeError):  # One is nested deeper than that parser goes.
                yield from orjson.loads(whole)
                continue
        yield from map(parse_stored, some)


def _number(text: str) -> Any:
    is_short = text.lstrip("-").isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_short else Decimal(text)


def members(text: bytes | Raw) -> dict[str, Raw]:
    """Return the members of an object, each as the text that it came as.

    :param text: valid JSON
    :raises ValueError: when it is no object
    """
    try:
        return _members.decode(text)
    except msgspec.ValidationError as error:
        raise ValueError("must be an object") from error
    except RecursionError:
        return {name: Raw(member) for name, member in deep.members(bytes(text)).items()}


def items(text: bytes | Raw) -> list[Raw]:
    """Return the items of an array, each as the text that it came as.

    :param text: the JSON text of an array
    """
    try:
        return _items.decode(text)
    except RecursionError:
        return [Raw(item) for item in deep.items(bytes(text))]


class Number(str):
    """A JSON number as it was written; equal to another of the same value, never to a string."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and Decimal(self) == Decimal(other)

    def __hash__(self) -> int:
        return hash(Decimal(self))

    def __deepcopy__(self, memo: object) -> Number:
        return self


def parse_exactly(text: bytes, number: Callable[[str], Any] = Number) -> Any:
    """Parse valid JSON.

    :param number: makes of a number, as it was written, a :class:`Number` or bytes
    """
    try:
        return _decoder(number).decode(text.decode())
    except RecursionError:
        return deep.parse(text.decode(), number)


@cache
def _decoder(number: Callable[[str], Any]) -> json.JSONDecoder:
    """Return what parses; json.loads would make one for each text."""
    return json.JSONDecoder(parse_int=number, parse_float=number)


def dump_exactly(value: Any, indents: bool = False) -> bytes:
    """Return the JSON text of what :func:`parse_exactly` gave.

    :param indents: whether it is on many lines, unless it is very deep
    """
    option = orjson.OPT_PASSTHROUGH_SUBCLASS | (orjson.OPT_INDENT_2 if indents else 0)
    try:
        return orjson.dumps(value, option=option, default=_written)
    except TypeError:
        return deep.dump(value, _written)


def _written(number: Number | bytes) -> orjson.Fragment:
    return orjson.Fragment(number if isinstance(number, bytes) else str(number))


def check_depth(text: bytes, most: int) -> None:
    """Refuse JSON text that is nested too deep.

    :raises ValueError: saying so
    """
    if depth(text, most) > most:
        raise ValueError(f"may be nested at most {most} deep")


def without_strings(text: bytes) -> bytes:
    """Leave the strings out, in linear time whatever the text is: it need not be valid."""
    return b'""'.join(text.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
