"""Changes in place: operators on the members of a JSON document, every digit of a number kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any, NamedTuple

import orjson

from flexdb.documents.patches import change_with
from flexdb.documents.sizes import check_kept
from flexdb.documents.text import Number
from flexdb.errors import InvalidParams

# How many members an update may name, and how many values an operator on an array may have.
MOST_MEMBERS, MOST_VALUES = 1000, 1000
_EACH = "$each"
# More digits than the sum of any two numbers that PostgreSQL keeps has (numeric: 131,072 before the
# point and 16,383 behind it), so that nothing is rounded.
_EXACT = Context(prec=150_000, Emax=MAX_EMAX, Emin=MIN_EMIN)
# How much of a path an error repeats.
_NAME_LENGTH = 64
_MISSING: Any = object()


class Part(NamedTuple):
    """A part of a path.

    :param name: of a member, where it leads into an object
    :param place: of an element, where it leads into an array; None where it is none
    """

    name: str
    place: int | None


class Assignment(NamedTuple):
    """What an operator does to one member.

    :param path: as it was written
    :param value: as :func:`read_value` gives it
    """

    operator: str
    path: str
    parts: tuple[Part, ...]
    value: Any

    @property
    def name(self) -> str:
        """Return how an error names it."""
        return f"{self.operator}.{self.path[:_NAME_LENGTH]}"


class Update(NamedTuple):
    """An update: operators on members, none of which stands in another."""

    assignments: list[Assignment]

    def apply(self, document: bytes, most_bytes: int, max_depth: int) -> bytes:
        """Return what the update makes of a document, as
        :class:`flexdb.documents.patches.Change` says.
        """
        return change_with(self.change, "update", document, most_bytes, max_depth)

    def change(self, document: Any) -> Any:
        """Return a parsed document with the update made in it.

        :raises InvalidParams: naming the operator and the path, when it cannot be
        """
        for one in self.assignments:
            try:
                _assign(document, one)
            except ValueError as error:
                raise InvalidParams(fields={f"update.{one.name}": [str(error)]}) from None
        return document


def read_value(operator: str, value: Any) -> Any:
    """Return the value of an operator as it will be needed.

    :param value: as :func:`flexdb.documents.text.parse_exactly` gives it
    :raises ValueError: when it is none for that operator; the message says what would be right
    """
    if operator == "$inc" and not isinstance(value, Number):
        raise ValueError("must be a number")
    if operator in ("$min", "$max") and not isinstance(value, str):
        raise ValueError("must be a number or a text: others have no order")
    if operator == "$unset" and value not in (True, "", Number("1")):
        raise ValueError("must be true: it says only that the member goes")
    if operator not in ("$append", "$addToSet", "$remove"):
        return value
    if not isinstance(value, dict) or value.keys() != {_EACH}:
        return [value]
    values = value[_EACH]
    if not isinstance(values, list) or len(values) > MOST_VALUES:
        raise ValueError(f"must have an array of at most {MOST_VALUES:,} values as {_EACH}")
    return values


def conflicts(assignments: Iterable[Assignment]) -> tuple[Assignment, Assignment] | None:
    """Return two assignments of which one names what the other does, or a part of it; or None."""
    # Behind what begins with a path stands at once what goes on with it.
    ordered = sorted(assignments, key=lambda one: [part.name for part in one.parts])
    return next(((one, other) for one, other in zip(ordered, ordered[1:])
                 if one.parts == other.parts[:len(one.parts)]), None)


def _assign(document: Any, one: Assignment) -> None:
    make = OPERATORS[one.operator]
    holder = document
    for part in one.parts[:-1]:
        inner = _get(holder, part)
        if inner is _MISSING:
            if one.operator in ("$unset", "$remove"):
                return
            inner = holder[part.name] = {}
        holder = inner
    last = one.parts[-1]
    old = _get(holder, last)
    new = make(old, one.value)
    place: Any = last.place if isinstance(holder, list) else last.name
    if new is not _MISSING:
        holder[place] = new
    elif isinstance(holder, list):
        raise ValueError("takes no element out of an array, which would move those behind it: "
                         "use $remove, or a JSON Patch")
    elif old is not _MISSING:
        del holder[place]


def _get(holder: Any, part: Part) -> Any:
    if isinstance(holder, dict):
        return holder.get(part.name, _MISSING)
    if not isinstance(holder, list):
        raise ValueError(f"leads into {_kind(holder)}, where no {part.name[:_NAME_LENGTH]} can be")
    if part.place is None or part.place >= len(holder):
        raise ValueError(f"leads into an array of {len(holder)}, where "
                         f"{part.name[:_NAME_LENGTH]} is no place")
    return holder[part.place]


def _add(old: Any, value: Number) -> Number:
    if old is _MISSING:
        return value
    if not isinstance(old, Number):
        raise ValueError(f"adds to a number, and there is {_kind(old)}")
    made = format(_EXACT.add(Decimal(old), Decimal(value)), "f")
    try:
        check_kept(made.encode())
    except ValueError:
        raise ValueError("makes a number beyond the range of a double (IEEE 754)") from None
    return Number(made)


def _least(old: Any, value: str) -> str:
    return value if old is _MISSING or _is_less(value, old) else old


def _greatest(old: Any, value: str) -> str:
    return value if old is _MISSING or _is_less(old, value) else old


def _is_less(one: Any, other: Any) -> bool:
    if isinstance(one, Number) and isinstance(other, Number):
        return Decimal(one) < Decimal(other)
    if {type(one), type(other)} != {str}:
        raise ValueError(f"compares {_kind(one)} with {_kind(other)}: only numbers, or texts, "
                         "have an order")
    return bool(one < other)


def _append(old: Any, values: list[Any]) -> list[Any]:
    return [*_array(old), *values]


def _add_to_set(old: Any, values: list[Any]) -> list[Any]:
    known = set(map(_key, _array(old)))
    made = [*_array(old)]
    for value in values:
        if (key := _key(value)) not in known:
            known.add(key)
            made.append(value)
    return made


def _remove(old: Any, values: list[Any]) -> Any:
    if old is _MISSING:
        return old
    unwanted = set(map(_key, values))
    return [value for value in _array(old) if _key(value) not in unwanted]


def _array(old: Any) -> list[Any]:
    if old is _MISSING:
        return []
    if not isinstance(old, list):
        raise ValueError(f"is for an array, and there is {_kind(old)}")
    return old


def _key(value: Any) -> Any:
    """Return what is equal for equal JSON values alone, and can be looked for in a set."""
    try:
        return _canonical(value)
    except RecursionError:
        # What is nested deeper than a call may send equals nothing that one sends.
        return object()


def _canonical(value: Any) -> bytes:
    """Return the one text of a JSON value, which nobody can choose to meet others' in a set: hashes
    of texts are another in each process, those of numbers are known.
    """
    if isinstance(value, Number):
        if value.isdigit():
            return value.encode()
        number = Decimal(value)
        return format(_EXACT.normalize(number), "f").encode() if number else b"0"
    if isinstance(value, list):
        return b"[%b]" % b",".join(map(_canonical, value))
    if isinstance(value, dict):
        return b"{%b}" % b",".join(orjson.dumps(name) + b":" + _canonical(inner)
                                   for name, inner in sorted(value.items()))
    return orjson.dumps(value)


def _kind(value: Any) -> str:
    return "null" if value is None else next(
        name for kind, name in _KINDS.items() if isinstance(value, kind))


_KINDS: dict[type, str] = {bool: "a boolean", Number: "a number", str: "a text",
                           list: "an array", dict: "an object"}
# What each makes of what is there, or of nothing, and of its value.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "$set": lambda old, value: value, "$unset": lambda old, value: _MISSING, "$inc": _add,
    "$min": _least, "$max": _greatest, "$append": _append, "$addToSet": _add_to_set,
    "$remove": _remove}
