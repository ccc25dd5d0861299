"""What was changed in a record, as a JSON Patch (RFC 6902) of just that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flexdb.client.objects import PatchRemoval, PatchValue

Difference = list["PatchValue | PatchRemoval"]
_MISSING = object()


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: 1 is neither true nor 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def difference(old: dict[str, Any], new: dict[str, Any], path: str = "") -> Difference:
    """Return what makes one object of another; an array that differs is replaced as a whole."""
    return list(_difference(old, new, path))


def _difference(old: dict[str, Any], new: dict[str, Any], path: str
                ) -> Iterator[PatchValue | PatchRemoval]:
    for name in old.keys() | new.keys():
        place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        was, now = old.get(name, _MISSING), new.get(name, _MISSING)
        if now is _MISSING:
            yield {"op": "remove", "path": place}
        elif was is _MISSING:
            yield {"op": "add", "path": place, "value": now}
        elif isinstance(was, dict) and isinstance(now, dict):
            yield from _difference(was, now, place)
        elif not same(was, now):
            yield {"op": "replace", "path": place, "value": now}


def clashes(old: dict[str, Any], fresh: dict[str, Any], change: Difference) -> bool:
    """Tell whether someone else has changed what a change is about, or what holds it."""
    return any(not same(_found(old, step["path"]), _found(fresh, step["path"]))
               for step in change)


def _found(value: Any, path: str) -> Any:
    for name in path.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        # Where what held it is gone, it is not the same as where it alone is missing.
        if not isinstance(value, dict):
            return [_MISSING]
        value = value.get(name, _MISSING)
    return value
