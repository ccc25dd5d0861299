"""JSON that is nested deeper than the parsers go, taken apart and put together without recursion.

The parsers end at some 1,000 levels, and orjson writes 254; a jsonb may have more than 10,000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_STRING + r'|[][{},:]|[^][{},:"\s]+')
_MARK = re.compile((_STRING + r"|[][{},]").encode())
_MEMBER = re.compile((r"\s*(" + _STRING + r")\s*:\s*").encode())
_WORDS = {"true": True, "false": False, "null": None}


def parse(text: str, number: Callable[[str], Any]) -> Any:
    """Parse valid JSON.

    :param number: what becomes of a number's text
    """
    whole: list[Any] = []
    container: Any = whole
    around: list[Any] = []
    name: str | None = None
    for found in _TOKEN.finditer(text):
        token = found[0]
        first = token[0]
        if first in ",:":
            continue
        if first in "]}":
            container = around.pop()
            continue
        value: Any
        if first == '"':
            value = json.loads(token)
            if name is None and isinstance(container, dict):
                name = value
                continue
        elif first in "[{":
            value = [] if first == "[" else {}
        else:
            value = _WORDS[token] if token in _WORDS else number(token)
        if isinstance(container, dict):
            container[name] = value
            name = None
        else:
            container.append(value)
        if first in "[{":
            around.append(container)
            container = value
    return whole[0]


def dump(value: Any, default: Callable[[Any], Any]) -> bytes:
    """Return the JSON text of a value.

    :param default: makes of what is no plain JSON value something that orjson writes
    """
    written: list[bytes] = []
    # What is still to be written, the next at the end; bytes are text already.
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, bytes):
            written.append(item)
        elif isinstance(item, dict):
            pending.append(b"}")
            for place, name in reversed(list(enumerate(item))):
                pending += [item[name], (b"," if place else b"") + orjson.dumps(name) + b":"]
            pending.append(b"{")
        elif isinstance(item, list):
            pending.append(b"]")
            for place in range(len(item) - 1, -1, -1):
                pending += [item[place], b"," if place else b""]
            pending.append(b"[")
        else:
            written.append(orjson.dumps(item, option=orjson.OPT_PASSTHROUGH_SUBCLASS,
                                        default=default))
    return b"".join(written)


def members(text: bytes) -> dict[str, bytes]:
    """Return the members of an object, each as the text that it came as.

    :param text: JSON of which the brackets and the strings are known to be right
    :raises ValueError: when it is no object
    """
    found = {}
    for part in _parts(text, b"{"):
        member = _MEMBER.match(part)
        if member is None:
            raise ValueError("must be an object")
        found[json.loads(member[1])] = part[member.end():].strip()
    return found


def items(text: bytes) -> list[bytes]:
    """Return the items of an array, each as the text that it came as.

    :raises ValueError: when it is no array
    """
    return [part.strip() for part in _parts(text, b"[")]


def _parts(text: bytes, opening: bytes) -> Iterator[bytes]:
    """Give what stands between the commas of an object or an array, but not deeper."""
    if not text.lstrip().startswith(opening):
        raise ValueError("is something else")
    depth, start = 0, 0
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark in (b"[", b"{"):
            depth += 1
            start = found.end() if depth == 1 else start
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth == 0:
                if part := text[start:found.start()].strip():
                    yield part
                if text[found.end():].strip():
                    raise ValueError("goes on behind its end")
                return
        elif mark == b"," and depth == 1:
            yield text[start:found.start()]
            start = found.end()
    raise ValueError("ends too early")
