"""Differences of JSON documents, as a JSON Patch (RFC 6902) that makes one of the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flexdb.documents.patches import MOST_OPERATIONS
from flexdb.documents.pointers import pointer_of
from flexdb.documents.text import dump_exactly, parse_exactly

_Operation = dict[str, Any]
# One that would be deeper than Python goes is told as a whole.
_DEEPEST = 100
# How many characters all paths may have together: names may be long, and each is told anew.
_LONGEST = 65_536


def difference(before: bytes, after: bytes) -> bytes:
    """Return the JSON text of a patch that makes of one document the other, to the digit.

    Members are compared by their names, the items of an array by their places from both ends. What
    would take more operations than a patch may have, or long paths, is one that replaces the whole.

    :param before: the JSON text of a document
    :param after: likewise
    """
    # A number is the bytes that it is written in, which are compared at once and equal no string.
    old, new = parse_exactly(before, str.encode), parse_exactly(after, str.encode)
    operations: list[_Operation] = []
    length = 0
    for operation in _between(old, new, "", 0):
        operations.append(operation)
        length += len(operation["path"])
        if len(operations) > MOST_OPERATIONS or length > _LONGEST:
            operations = [_replace("", new)]
            break
    return dump_exactly(operations)


def _between(old: Any, new: Any, path: str, depth: int) -> Iterator[_Operation]:
    if depth < _DEEPEST and isinstance(old, dict) and isinstance(new, dict):
        yield from _between_objects(old, new, path, depth)
    elif depth < _DEEPEST and isinstance(old, list) and isinstance(new, list):
        yield from _between_arrays(old, new, path, depth)
    elif not _is_same(old, new):
        yield _replace(path, new)


def _between_objects(old: dict[str, Any], new: dict[str, Any], path: str, depth: int
                     ) -> Iterator[_Operation]:
    for name in old:
        if name not in new:
            yield {"op": "remove", "path": path + pointer_of((name,))}
    for name, value in new.items():
        inner = path + pointer_of((name,))
        if name in old:
            yield from _between(old[name], value, inner, depth + 1)
        else:
            yield {"op": "add", "path": inner, "value": value}


def _between_arrays(old: list[Any], new: list[Any], path: str, depth: int) -> Iterator[_Operation]:
    start, least = 0, min(len(old), len(new))
    while start < least and _is_same(old[start], new[start]):
        start += 1
    end = 0
    while end < least - start and _is_same(old[-1 - end], new[-1 - end]):
        end += 1
    both = least - end
    for place in range(start, both):
        yield from _between(old[place], new[place], f"{path}/{place}", depth + 1)
    for place in range(len(old) - end - 1, both - 1, -1):
        yield {"op": "remove", "path": f"{path}/{place}"}
    for place in range(both, len(new) - end):
        yield {"op": "add", "path": f"{path}/{place}", "value": new[place]}


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are written alike: 1 and 1.0 are not."""
    try:
        return bool(one == other)
    except RecursionError:
        return dump_exactly(one) == dump_exactly(other)


def _replace(path: str, value: Any) -> _Operation:
    return {"op": "replace", "path": path, "value": value}
