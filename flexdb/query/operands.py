"""Operands: what a filter compares, as SQL: a column, or a place inside a column's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from flexdb.contract.json_fields import JsonText
from flexdb.documents.text import dump_exactly
from flexdb.query.columns import plain_column
from flexdb.query.paths import Members, column_of, is_place, split, split_inside
from flexdb.query.texts import text_condition
from flexdb.query.values import (
    COMPARISONS,
    NotComparable,
    is_number,
    is_simple,
    is_text,
    read_flag,
    read_size,
)

# Looking for more values at once in the index costs more than it saves: measured on 50,000 rows,
# 100 values took 8 ms instead of 15, and 1,000 values 150 ms instead of 30.
MOST_INDEXED = 100
# The column that has an index, whose every key begins with the tenant: an object whose one member,
# named by the tenant's id, is the data. PostgreSQL finds the index by this very expression
# (0017-data-of-tenants).
_INDEXED = "data"
_NESTED = "jsonb_set('{{}}', ARRAY[{}::text], {})"
_TENANT = "%(tenant_id)s::uuid::text"


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
        """Tell whether an array has an element, or a text has another in it."""

    def has_all(self, values: Any) -> str:
        """Tell whether an array has several elements."""

    def has_size(self, value: Any) -> str:
        """Tell whether an array has so many elements."""

    def elements(self, equal: dict[tuple[str, ...], Any]) -> tuple[str, str]:
        """Return what is certain where an array has an element, and the SQL of its elements.

        :param equal: the simple values that the element holds, by where in it
        """

    def text_is(self, operator: str, value: Any) -> str:
        """Tell whether a text fits another, or a pattern."""


def operand(path: str, members: Members, alias: str, argument: Callable[[Any], str],
            whole: bool = False) -> Operand:
    """Return what a path names.

    :param argument: returns the placeholder of a new argument
    :param whole: whether a value inside an array never stands for the array
    :raises ValueError: when the path names nothing
    """
    name, parts = split(path, members)
    column = column_of(name, members, alias)
    if isinstance(members[name], JsonText):
        return _JsonPlace(column, parts, argument, whole)
    return plain_column(column, members[name], argument)


def element(path: str, alias: str, argument: Callable[[Any], str], whole: bool) -> Operand:
    """Return what a path names in an element of an array.

    :param path: as behind ``data.``; the element itself when empty
    :param alias: the alias of the row that has the element as its only column
    :param argument: as for :func:`operand`
    :param whole: as for :func:`operand`
    :raises ValueError: when it is no path
    """
    return _JsonPlace(f"{alias}.element", split_inside(path) if path else [], argument, whole)


class _JsonPlace:
    """A place inside a column's JSON, which may be missing and hold any type."""

    def __init__(self, column: str, parts: list[str], argument: Callable[[Any], str], whole: bool
                 ) -> None:
        self.column, self.parts, self.argument, self.whole = column, parts, argument, whole
        path = f"{argument(parts)}::text[]"
        self.value, self.text = f"({column} #> {path})", f"({column} #>> {path})"
        alias, _, name = column.partition(".")
        self.nested = _NESTED.format(f"{alias}.tenant_id", column)
        # Containment follows members only, while a number in a path may be a place in an array.
        self.indexed = name == _INDEXED and not any(map(is_place, parts))

    def is_simple(self, value: Any) -> bool:
        return is_simple(value)

    def equal(self, value: Any) -> str:
        if not self.whole and is_simple(value):
            return self.one_of([value])
        if value is None:
            # jsonb lets an array contain a value that is no array (PostgreSQL 8.14.3).
            return (f"coalesce(jsonb_typeof({self.value}), 'null') = 'null'" if self.whole else
                    f"coalesce({self.value} @> 'null', TRUE)")
        # Of scalars, containment is equality.
        if self.indexed and is_simple(value):
            return self._holds(value)
        same = f"{self.value} = {self._json(value)}"
        same = f"{self._holds(value)} AND {same}" if self.indexed else same
        return same if self.whole else f"({same}) OR ({self._has(value)})"

    def one_of(self, values: list[Any]) -> str:
        texts = [dump_exactly(one).decode() for one in values]
        same = (f"{self.value} {'=' if self.whole else '@>'} "
                f"ANY({self.argument(texts)}::jsonb[])")
        if not self.indexed or len(values) > MOST_INDEXED:
            return same
        # A GIN index serves no "@> ANY"; it serves a path with all the values in it, which in its
        # lax mode looks into arrays too.
        return f"{self._finds(' || '.join(f'@ == {text}' for text in texts))} AND {same}"

    def compare(self, operator: str, value: Any) -> str:
        sign = COMPARISONS[operator]
        if is_number(value):
            return (f"jsonb_typeof({self.value}) = 'number' AND "
                    f"{self.value} {sign} {self._json(value)}")
        if not isinstance(value, str):
            raise NotComparable("must be a number or a text: others have no order")
        return (f"jsonb_typeof({self.value}) = 'string' AND "
                f'{self.text} COLLATE "C" {sign} {self.argument(value)}::text')

    def exists(self, value: Any) -> str:
        return f"{self.value} IS {'NOT ' * read_flag(value)}NULL"

    def contains(self, value: Any) -> str:
        has = self._has(value)
        if self.whole or not is_text(value):
            return has
        return f"({has}) OR ({self.text_is('$contains', value)})"

    def has_all(self, values: Any) -> str:
        if not isinstance(values, list) or not 1 <= len(values) <= MOST_INDEXED:
            raise NotComparable(f"must be an array of 1 to {MOST_INDEXED} values")
        simple = [value for value in values if is_simple(value)]
        others = [self._has(value) for value in values if not is_simple(value)]
        return " AND ".join(([self._has_simple(simple)] if simple else []) + others)

    def has_size(self, value: Any) -> str:
        size = f"{self.argument(read_size(value))}::integer"
        return (f"CASE jsonb_typeof({self.value}) WHEN 'array' THEN "
                f"jsonb_array_length({self.value}) = {size} END")

    def elements(self, equal: dict[tuple[str, ...], Any]) -> tuple[str, str]:
        is_array = f"jsonb_typeof({self.value}) = 'array'"
        found = " && ".join(f"@{_steps(parts)} == {dump_exactly(value).decode()}"
                            for parts, value in equal.items() if not any(map(is_place, parts)))
        return (self._finds(found) if found and self.indexed else "TRUE",
                f"jsonb_array_elements(CASE WHEN {is_array} THEN {self.value} END)")

    def text_is(self, operator: str, value: Any) -> str:
        return (f"jsonb_typeof({self.value}) = 'string' AND "
                f"{text_condition(operator, self.text, value, self.argument)}")

    def _has(self, value: Any) -> str:
        """Tell whether an array has an element."""
        if not isinstance(value, (dict, list)):
            return self._has_simple([value])
        # Of arrays and objects, containment is weaker than equality.
        held = self._holds([value]) if self.indexed else f"{self.value} @> {self._json([value])}"
        _, elements = self.elements({})
        return (f"{held} AND EXISTS (SELECT FROM {elements} e (element) "
                f"WHERE e.element = {self._json(value)})")

    def _has_simple(self, values: list[Any]) -> str:
        held = self._holds(values) if self.indexed else f"{self.value} @> {self._json(values)}"
        return f"jsonb_typeof({self.value}) = 'array' AND {held}"

    def _json(self, value: Any) -> str:
        return f"{self.argument(dump_exactly(value))}::jsonb"

    def _holds(self, value: Any) -> str:
        for part in reversed(self.parts):
            value = {part: value}
        held = self._json(value)
        # What a scan passes by is told by the first, which makes no object of each row; in a form
        # from which PostgreSQL guesses no number of rows, since the second is guessed from already.
        return (f"jsonb_contains({self.column}, {held}) AND "
                f"{self.nested} @> {_NESTED.format(_TENANT, held)}")

    def _finds(self, condition: str) -> str:
        """Tell by the index whether there may be what a condition of a jsonpath says."""
        path = self.argument(f"{_steps(self.parts)} ? ({condition})")
        return f"{self.nested} @? ('$.\"' || {_TENANT} || '\"' || {path})::jsonpath"


def _steps(parts: Sequence[str]) -> str:
    """Return the members of a jsonpath."""
    return "".join(f".{json.dumps(part)}" for part in parts)
