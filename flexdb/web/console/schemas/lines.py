"""The line of a place in a JSON text."""

from __future__ import annotations

import re

import orjson

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def line_of(text: str, pointer: str) -> int:
    """Return the line of a place in a JSON text, from 1; of the nearest above it that is there.

    :param text: valid JSON
    :param pointer: a JSON Pointer (RFC 6901)
    """
    wanted = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    path: list[str | int] = []
    is_name, best, depth = False, 1, 0
    for token in _TOKEN.finditer(text):
        word, is_begun = token.group(), False
        if word in "]}":
            path.pop()
        elif word == ",":
            is_name = isinstance(path[-1], str)
            if not is_name:
                path[-1] = int(path[-1]) + 1
        elif is_name:
            path[-1], is_name, is_begun = str(orjson.loads(word)), False, True
        elif word != ":":
            is_begun = bool(path) and isinstance(path[-1], int)
        if is_begun and len(path) > depth and [*map(str, path)] == wanted[:len(path)]:
            best, depth = text.count("\n", 0, token.start()) + 1, len(path)
        if word in "[{":
            path.append("" if word == "{" else 0)
            is_name = word == "{"
    return best
