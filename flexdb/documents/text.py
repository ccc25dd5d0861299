"""JSON that is stored as it came: checked as text, never rebuilt, so that every digit survives."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import accumulate
from typing import Any

import msgspec
import orjson
from msgspec import Raw
from msgspec.json import Decoder

_members: Decoder[dict[str, Raw]] = Decoder(dict[str, Raw])
_items: Decoder[list[Raw]] = Decoder(list[Raw])
# A number here may lie outside a double's range, or be written out in many more digits than came:
# 1e308 is 5 bytes in and 309 out, 1e-16000 8 and 16,002.
_SUSPICIOUS = re.compile(rb"[0-9][eE][+-]?[0-9]{2}|[0-9]{200}")
_STRING = re.compile(rb'"[^"]*"?')
_NUMBER = re.compile(rb"-?([0-9]+(?:\.[0-9]+)?)(?:[eE]([+-]?[0-9]+))?")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
# PostgreSQL keeps at most this many digits behind the point (numeric's largest scale).
_MOST_DECIMALS = 16383


def depth(text: bytes, limit: int) -> int:
    """Return how deep a JSON text is nested, or 0 where it is sure to be within the limit.

    The text need not be valid; of one that is not, the answer is a guess.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return 0
    brackets = _without_strings(text).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def parse(text: bytes) -> Any:
    """Parse JSON strictly (RFC 8259): no NaN, no lone surrogate, no byte order mark.

    :raises ValueError: with a message that says where and why, and quotes nothing of the text
    """
    return orjson.loads(text)


def members(text: bytes | Raw) -> dict[str, Raw]:
    """Return the members of an object, each as the text that it came as.

    :param text: valid JSON
    :raises ValueError: when it is no object
    """
    try:
        return _members.decode(text)
    except msgspec.ValidationError as error:
        raise ValueError("must be an object") from error


def items(text: bytes | Raw) -> list[Raw]:
    """Return the items of an array, each as the text that it came as.

    :param text: the JSON text of an array
    """
    return _items.decode(text)


class Number(str):
    """A JSON number as it was written; equal to another of the same value, never to a string."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and Decimal(self) == Decimal(other)

    def __hash__(self) -> int:
        return hash(Decimal(self))


def parse_exactly(text: bytes) -> Any:
    """Parse valid JSON; each number is a :class:`Number`."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def dump_exactly(value: Any) -> bytes:
    """Return the JSON text of what :func:`parse_exactly` gave."""
    return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS,
                        default=lambda number: orjson.Fragment(str(number)))


def check_depth(text: bytes, most: int) -> None:
    """Refuse JSON text that is nested too deep.

    :raises ValueError: saying so
    """
    if depth(text, most) > most:
        raise ValueError(f"may be nested at most {most} deep")


def check_stored(text: bytes, limit: int) -> None:
    """Refuse valid JSON text that is too long, or that PostgreSQL could not keep unchanged.

    :param limit: the most bytes
    :raises ValueError: saying why
    """
    if len(text) > limit:
        raise ValueError(f"may have at most {limit} bytes as JSON text, not {len(text)}")
    if wrong := _fault(text, limit):
        raise ValueError(wrong)


def _without_strings(text: bytes) -> bytes:
    """Leave the strings out, in linear time whatever the text is: it need not be valid."""
    return _STRING.sub(b'""', text.replace(b"\\\\", b"").replace(b'\\"', b""))


def _fault(text: bytes, limit: int) -> str | None:
    """Say why PostgreSQL could not keep a valid JSON text unchanged, or return None.

    :param limit: how many bytes it may have when its numbers are written out
    """
    if rb"\u0000" in text and _ESCAPED_NUL.search(text):
        return "may not contain the character U+0000"
    if _SUSPICIOUS.search(text):
        written = len(text)
        for digits, exponent in _NUMBER.findall(_without_strings(text)):
            # int() refuses thousands of digits.
            if len(exponent) > 9 or not _is_kept(digits, int(exponent or b"0")):
                return "may only contain numbers within the range of a double (IEEE 754)"
            written += abs(int(exponent or b"0"))
        if written > limit:
            return f"may have at most {limit} bytes when its numbers are written out in full"
    return None


def _is_kept(digits: bytes, exponent: int) -> bool:
    if abs(exponent) > 400 or len(digits.partition(b".")[2]) - exponent > _MOST_DECIMALS:
        return False
    is_zero = not digits.strip(b"0.")
    return is_zero or 0 < abs(float(b"%se%d" % (digits, exponent))) < float("inf")
