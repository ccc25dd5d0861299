"""Columns that a filter compares, those aside that hold JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import fields

from flexdb.query.texts import text_condition
from flexdb.query.values import COMPARISONS, NotComparable, read_flag, reader_of


def plain_column(column: str, field: fields.Field[Any], argument: Callable[[Any], str]) -> _Plain:
    """Return a column that holds no JSON, as an operand.

    :param field: that of the object's member
    :param argument: returns the placeholder of a new argument
    :raises ValueError: when no value compares with it
    """
    return _Plain(column, field, argument)


class _Plain:
    """A column that is no JSON: its values have the column's type."""

    def __init__(self, column: str, field: fields.Field[Any], argument: Callable[[Any], str]
                 ) -> None:
        self.column, self.argument = column, argument
        self.nullable = field.allow_none
        self.type, self.read = reader_of(field)

    def is_simple(self, value: Any) -> bool:
        return value is not None

    def equal(self, value: Any) -> str:
        if value is None and self.nullable:
            return f"{self.column} IS NULL"
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
        return f"{self.column} IS {'NOT ' * read_flag(value)}NULL"

    def contains(self, value: Any) -> str:
        if self.type != "text":
            raise NotComparable("looks into texts and arrays, and there are none here: use $eq or "
                                "$in")
        return self.text_is("$contains", value)

    def has_all(self, values: Any) -> str:
        raise self._no_array()

    def has_size(self, value: Any) -> str:
        raise self._no_array()

    def elements(self, equal: dict[tuple[str, ...], Any]) -> tuple[str, str]:
        raise self._no_array()

    @staticmethod
    def _no_array() -> NotComparable:
        return NotComparable("looks into arrays, and there is none here: use $eq or $in")

    def text_is(self, operator: str, value: Any) -> str:
        if self.type != "text":
            raise NotComparable("looks at texts, and there is none here")
        return text_condition(operator, self.column, value, self.argument)
