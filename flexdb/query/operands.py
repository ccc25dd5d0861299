"""Operands: what a filter compares, as SQL: a column, or a place inside a column's JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Protocol

from marshmallow import ValidationError, fields

from flexdb.contract.fields import Id, Integer, Time
from flexdb.contract.json_fields import JsonText
from flexdb.documents.text import Number, dump_exactly
from flexdb.query.paths import Members, is_place, split

# Looking for more values at once in the index costs more than it saves: measured on 50,000 rows,
# 100 values took 8 ms instead of 15, and 1,000 values 150 ms instead of 30.
MOST_INDEXED = 100
COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
# RFC 3339, section 5.6, with as many digits of a second as PostgreSQL keeps.
_TIME = re.compile(r"\A\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)\Z",
                   re.ASCII)
_id = Id("")


class NotComparable(ValueError):
    """A value that an operand cannot be compared with; the message says what would be right.

    :param index: its place, where there are several
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class Operand(Protocol):
    """What stands on the left of an operator; each method returns a condition."""

    def is_simple(self, value: Any) -> bool:
        """Tell whether :meth:`one_of` takes a value; :meth:`equal` takes any."""

    def equal(self, value: Any) -> str:
        """Compare with one value."""

    def one_of(self, values: list[Any]) -> str:
        """Compare with several simple values at once."""

    def compare(self, operator: str, value: Any) -> str:
        """Tell what is greater or less; only values of one type compare."""

    def exists(self, value: Any) -> str:
        """Tell whether there is anything."""

    def contains(self, value: Any) -> str:
        """Tell whether an array has an element."""

    def starts_with(self, value: Any) -> str:
        """Tell whether a text begins with another."""


def operand(path: str, members: Members, alias: str, argument: Callable[[Any], str]) -> Operand:
    """Return what a path names.

    :param argument: returns the placeholder of a new argument
    :raises ValueError: when the path names nothing
    """
    name, parts = split(path, members)
    column = f"{alias}.{name}"
    if isinstance(members[name], JsonText):
        return _JsonPlace(column, parts, argument)
    return _Column(column, members[name], argument)


class _Column:
    """A column that is no JSON: its values have the column's type and it is never null."""

    def __init__(self, column: str, field: fields.Field[Any], argument: Callable[[Any], str]
                 ) -> None:
        self.column, self.argument = column, argument
        self.type, self.read = next(
            (reader for kind, reader in _READERS.items() if isinstance(field, kind)),
            ("text", _read_text))

    def is_simple(self, value: Any) -> bool:
        return True

    def equal(self, value: Any) -> str:
        return f"{self.column} = {self.argument(self.read(value))}::{self.type}"

    def one_of(self, values: list[Any]) -> str:
        taken = []
        for index, value in enumerate(values):
            try:
                taken.append(self.read(value))
            except NotComparable as error:
                raise NotComparable(str(error), index) from None
        return f"{self.column} = ANY({self.argument(taken)}::{self.type}[])"

    def compare(self, operator: str, value: Any) -> str:
        collation = ' COLLATE "C"' if self.type == "text" else ""
        return (f"{self.column}{collation} {COMPARISONS[operator]} "
                f"{self.argument(self.read(value))}::{self.type}")

    def exists(self, value: Any) -> str:
        return f"{self.column} IS {'NOT ' * _flag(value)}NULL"

    def contains(self, value: Any) -> str:
        raise NotComparable("looks into arrays, and there is none here: use $eq or $in")

    def starts_with(self, value: Any) -> str:
        if self.type != "text":
            raise NotComparable("looks at texts, and there is none here")
        return f"starts_with({self.column}, {self.argument(_read_text(value))}::text)"


class _JsonPlace:
    """A place inside a column's JSON, which may be missing and hold any type."""

    def __init__(self, column: str, parts: list[str], argument: Callable[[Any], str]) -> None:
        self.column, self.parts, self.argument = column, parts, argument
        path = f"{argument(parts)}::text[]"
        self.value, self.text = f"({column} #> {path})", f"({column} #>> {path})"
        # Containment follows members only, while a number in a path may be a place in an array.
        self.indexed = not any(map(is_place, parts))

    def is_simple(self, value: Any) -> bool:
        return value is not None and not isinstance(value, (dict, list))

    def equal(self, value: Any) -> str:
        if value is None:
            return f"coalesce(jsonb_typeof({self.value}), 'null') = 'null'"
        # Of scalars, containment is equality, except in a column that is no object.
        if self.indexed and self.parts and self.is_simple(value):
            return self._holds(value)
        same = f"{self.value} = {self._json(value)}"
        return f"{self._holds(value)} AND {same}" if self.indexed else same

    def one_of(self, values: list[Any]) -> str:
        texts = [dump_exactly(one).decode() for one in values]
        same = f"{self.value} = ANY({self.argument(texts)}::jsonb[])"
        if not self.indexed or len(values) > MOST_INDEXED:
            return same
        # A GIN index serves no "@> ANY"; it serves a path with all the values in it, which in its
        # lax mode looks into arrays too.
        path = "$" + "".join(f".{json.dumps(part)}" for part in self.parts)
        any_of = " || ".join(f"@ == {text}" for text in texts)
        return f"{self.column} @? {self.argument(f'{path} ? ({any_of})')}::jsonpath AND {same}"

    def compare(self, operator: str, value: Any) -> str:
        sign = COMPARISONS[operator]
        if _is_number(value):
            return (f"jsonb_typeof({self.value}) = 'number' AND "
                    f"{self.value} {sign} {self._json(value)}")
        if not isinstance(value, str):
            raise NotComparable("must be a number or a text: others have no order")
        return (f"jsonb_typeof({self.value}) = 'string' AND "
                f'{self.text} COLLATE "C" {sign} {self.argument(value)}::text')

    def exists(self, value: Any) -> str:
        return f"{self.value} IS {'NOT ' * _flag(value)}NULL"

    def contains(self, value: Any) -> str:
        is_array = f"jsonb_typeof({self.value}) = 'array'"
        held = self._holds([value]) if self.indexed else f"{self.value} @> {self._json([value])}"
        if not isinstance(value, (dict, list)):
            return f"{is_array} AND {held}"
        # Of arrays and objects, containment is weaker than equality.
        return (f"{held} AND EXISTS (SELECT FROM jsonb_array_elements(CASE WHEN {is_array} THEN "
                f"{self.value} END) e (element) WHERE e.element = {self._json(value)})")

    def starts_with(self, value: Any) -> str:
        return (f"jsonb_typeof({self.value}) = 'string' AND "
                f"starts_with({self.text}, {self.argument(_read_text(value))}::text)")

    def _json(self, value: Any) -> str:
        return f"{self.argument(dump_exactly(value))}::jsonb"

    def _holds(self, value: Any) -> str:
        for part in reversed(self.parts):
            value = {part: value}
        return f"{self.column} @> {self._json(value)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Number)) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotComparable("must be true or false")
    return value


def _read_text(value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        raise NotComparable("must be a text")
    return value


def _read_id(value: Any) -> str:
    try:
        return str(_id.deserialize(_read_text(value)))
    except (NotComparable, ValidationError):
        raise NotComparable("must be a UUID of 36 characters with hyphens") from None


def _read_time(value: Any) -> str:
    try:
        if _TIME.match(text := _read_text(value)):
            text = text.upper().replace("Z", "+00:00")
            if "." in text:
                # Python 3.10 reads three or six digits.
                seconds, digits = text[:20], text[20:-6]
                text = f"{seconds}{digits:0<6}{text[-6:]}"
            return datetime.fromisoformat(text).astimezone(timezone.utc).isoformat()
    except (ValueError, OverflowError):
        pass
    raise NotComparable("must be a time with its offset, such as 2026-01-01T12:00:00Z (RFC 3339)")


def _read_whole(value: Any) -> str:
    if not _is_number(value) or not re.fullmatch(r"-?[0-9]+", str(value)):
        raise NotComparable("must be a whole number")
    return str(value)


_READERS: dict[type, tuple[str, Callable[[Any], str]]] = {
    Id: ("uuid", _read_id), Time: ("timestamptz", _read_time), Integer: ("numeric", _read_whole)}
