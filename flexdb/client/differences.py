"""What was changed in a record, as a JSON Patch (RFC 6902) of just that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Union

from flexdb.client.objects import PatchRemoval, PatchValue
from flexdb.client.wire import encode

Step = Union[PatchValue, PatchRemoval]
Difference = list[Step]
# An array with more changes than that is replaced as a whole.
_MOST = 100
_MISSING = object()


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: 1 is neither true nor 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def same_schema(one: Any, other: Any) -> bool:
    """Tell whether two schemas say the same, however their numbers are written."""
    return same(*(json.loads(encode(schema), parse_int=Decimal, parse_float=Decimal)
                  for schema in (one, other)))


def difference(old: dict[str, Any], new: dict[str, Any]) -> Difference:
    """Return what makes one object of another, in the order in which it is done.

    :raises TypeError: where the name of a member is no text
    """
    return list(_of_objects(old, new, ""))


def _of_objects(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Step]:
    for name in [*old, *(name for name in new if name not in old)]:
        if not isinstance(name, str):
            raise TypeError(f"the name of a member is a text, not {name!r}")
        place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in new:
            yield {"op": "remove", "path": place}
        elif name not in old:
            yield {"op": "add", "path": place, "value": new[name]}
        else:
            yield from _of_values(old[name], new[name], place)


def _of_values(old: Any, new: Any, path: str) -> Iterator[Step]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_objects(old, new, path)
    elif not same(old, new):
        steps = list(_of_arrays(old, new, path)) if isinstance(old, list) and isinstance(
            new, list) else []
        if 0 < len(steps) <= _MOST:
            yield from steps
        else:
            yield {"op": "replace", "path": path, "value": new}


def _of_arrays(old: list[Any], new: list[Any], path: str) -> Iterator[Step]:
    """Leave what both begin and end with as it is: its numbers may have more digits than here."""
    shorter = min(len(old), len(new))
    begin = next((n for n in range(shorter) if not same(old[n], new[n])), shorter)
    end = next((n for n in range(shorter - begin) if not same(old[-1 - n], new[-1 - n])),
               shorter - begin)
    was, now = old[begin:len(old) - end], new[begin:len(new) - end]
    for place, (one, other) in enumerate(zip(was, now), begin):
        yield from _of_values(one, other, f"{path}/{place}")
    for place in range(begin + len(was) - 1, begin + len(now) - 1, -1):
        yield {"op": "remove", "path": f"{path}/{place}"}
    for place in range(begin + len(was), begin + len(now)):
        yield {"op": "add", "path": f"{path}/{place}", "value": now[place - begin]}


def clashes(old: dict[str, Any], fresh: dict[str, Any], change: Difference) -> bool:
    """Tell whether someone else has changed what a change is about, or the array it is in."""
    return any(not same(_found(old, step["path"]), _found(fresh, step["path"]))
               for step in change)


def _found(value: Any, path: str) -> Any:
    for name in path.split("/")[1:]:
        if isinstance(value, list):
            break
        # Where what held it is gone, it is not the same as where it alone is missing.
        if not isinstance(value, dict):
            return [_MISSING]
        value = value.get(name.replace("~1", "/").replace("~0", "~"), _MISSING)
    return value
