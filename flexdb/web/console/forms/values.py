"""What stands at a place of a form beside the values of JSON."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final


class _Absent(Enum):
    ABSENT = "absent"

    def __bool__(self) -> bool:
        return False


class Typed(str):
    """What was typed into a field and is no value of it."""


class TypedJson(Typed):
    """What was typed as JSON and is none."""


# Nothing at all, which is not null.
ABSENT: Final[Any] = _Absent.ABSENT
# Under which name further members of an object stand in it while they are no JSON: no JSON has it.
REST: Final = "\ud800rest"


def in_json(value: Any) -> Any:
    """Return a value in which what was typed and is none of JSON is text."""
    if isinstance(value, dict):
        return {name.removeprefix("\ud800"): in_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [in_json(one) for one in value]
    return str.__str__(value) if isinstance(value, Typed) else None if value is ABSENT else value


def number_of(part: str, items: list[Any]) -> int | None:
    """Return which item a part of a JSON Pointer names; None where it names none."""
    is_number = part.isascii() and part.isdecimal() and len(part) < 10
    return int(part) if is_number and int(part) < len(items) else None


def value_at(value: Any, way: Iterable[str]) -> Any:
    """Return what stands in a value where the parts of a JSON Pointer lead; else ABSENT."""
    for part in way:
        if isinstance(value, list):
            place = number_of(part, value)
            value = ABSENT if place is None else value[place]
        else:
            value = value.get(part, ABSENT) if isinstance(value, dict) else ABSENT
    return value
