"""How a place inside JSON is named: the names on the way to it, between dots."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

# A quoted part, as a string of JSON, or what stands between two dots.
_PART = re.compile(r'"(?:[^"\\]|\\.)*"(?=\.|\Z)|[^."][^.]*|', re.DOTALL)
# In a list of paths, what is quoted may hold a comma.
_LISTED = re.compile(r'(?:(?:^|(?<=\.))"(?:[^"\\]|\\.)*"|[^,.]+|\.)*', re.DOTALL)


def parts_of(path: str, start: int = 0) -> Iterator[str]:
    """Give the names in a path; one that is empty, has dots or begins with a quote is quoted.

    :param start: where in the text the path begins
    :raises ValueError: when it is none; the message says what would be right
    """
    while True:
        match = _PART.match(path, start)
        part = match[0] if match else ""
        if part.startswith('"'):
            try:
                yield orjson.loads(part)
            except ValueError:
                raise ValueError(f"has a quoted part that is no string of JSON: {part[:64]}"
                                 ) from None
        elif part:
            yield part
        elif path.startswith('"', start):
            raise ValueError('has a quote that is not closed before the next dot: a name with '
                             r'quotes is written as JSON does, "\"a\""')
        else:
            raise ValueError('has an empty part between its dots: the empty name is written ""')
        start += len(part) + 1
        if start > len(path):
            return


def split_list(paths: str) -> list[str]:
    """Split a text of paths at the commas that are not quoted."""
    found, start = [], 0
    while True:
        end = match.end() if (match := _LISTED.match(paths, start)) else start
        found.append(paths[start:end])
        if end == len(paths):
            return found
        start = end + 1
