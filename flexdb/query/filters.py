"""Filters: MongoDB's form of a condition, as SQL whose text depends on the filter's shape alone.

Whatever a filter says, a value or a name in a path, travels as an argument. Every condition is
written so that PostgreSQL's "unknown" counts as no match, and a negation is ``IS NOT TRUE``: so
what is negated also matches where the path is missing or holds another type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from marshmallow import ValidationError
from msgspec import Raw

from flexdb.contract.json_fields import JsonText
from flexdb.contract.violations import NAME_LENGTH, by_path
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.query.operands import Operand, element, operand
from flexdb.query.paths import Members, split_inside
from flexdb.query.related import DEEPEST_RELATED, RELATED, have_relationships, related
from flexdb.query.texts import TEXTS
from flexdb.query.values import NotComparable, is_simple

MOST_CONDITIONS, DEEPEST, MOST_VALUES = 100, 10, 1000
OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", *TEXTS, "$all",
             "$size", "$elemMatch", "$not")
PATTERNS = "patterns"
_LOGIC = {"$and": " AND ", "$or": " OR "}
_Path = tuple[str, ...]


def condition(filter: dict[str, Any], members: Members, alias: str, prefix: str = "f",
              name: str = "filter", of_rule: bool = False) -> tuple[str, dict[str, Any]]:
    """Return an SQL condition on a row, and the named arguments in it.

    Where it has regular expressions, these are an argument more, by their places in the filter, of
    which whoever runs the statement knows that it may take less time, and what to look at first.

    :param filter: the filter as the field :class:`Filter` gives it
    :param members: the members of the object that a row is
    :param alias: the row's alias in the SQL
    :param prefix: what the names of the arguments begin with
    :param name: the filter's own name, for the errors
    :param of_rule: whether it is a rule of a role: what that lets through may not grow with what is
        written, so a value inside an array never stands for the array, nor one inside a text; and
        nothing in it may take long, or look at another row
    :raises InvalidParams: naming the place in the filter that is wrong
    """
    writer = _Writer(members, alias, prefix, of_rule)
    if not of_rule and have_relationships(members):
        writer.nearer = DEEPEST_RELATED
    return writer.filter(filter, (name,), 1), writer.arguments


class Filter(JsonText):
    """A filter: a JSON object, or a string that holds one; given on as parsed, to the digit."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            # From the query of a URL, where it was not yet read as JSON.
            value = Raw(orjson.dumps(value))
        return super()._deserialize(value, attr, data, **kwargs)

    def _read(self, text: bytes) -> Any:
        return json_text.parse_exactly(text)


class _Writer:
    """Writes one filter's condition and gathers its arguments."""

    def __init__(self, members: Members, alias: str, prefix: str, of_rule: bool) -> None:
        self.members, self.alias, self.prefix, self.of_rule = members, alias, prefix, of_rule
        self.arguments: dict[str, Any] = {}
        self.conditions = 0
        # The alias of the element that the paths are in, behind $elemMatch.
        self.element = ""
        # How often it may still go on to a neighbour.
        self.nearer = 0

    def argument(self, value: Any) -> str:
        """Return the placeholder of a new argument."""
        name = f"{self.prefix}{len(self.arguments)}"
        self.arguments[name] = value
        return f"%({name})s"

    def filter(self, filter: Any, place: _Path, depth: int) -> str:
        """Return the condition that every member of a filter holds."""
        self._check_depth(place, depth)
        if not isinstance(filter, dict):
            raise _invalid(place, "must be a filter: an object")
        return _all(self._member(name, wanted, (*place, name), depth)
                    for name, wanted in filter.items())

    def _member(self, name: str, wanted: Any, place: _Path, depth: int) -> str:
        if name in _LOGIC:
            if not isinstance(wanted, list) or not wanted:
                raise _invalid(place, "must be an array of at least one filter")
            return _LOGIC[name].join(
                f"({self.filter(inner, (*place, str(index)), depth + 1)})"
                for index, inner in enumerate(wanted))
        if name == "$not":
            return f"({self.filter(wanted, place, depth + 1)}) IS NOT TRUE"
        if name == RELATED:
            return self._condition(lambda asked: self._related(asked, place, depth), wanted, place)
        if name.startswith("$"):
            raise _invalid(place, "is no operator for filters: there are $and, $or and $not, and "
                                  f"behind a path {', '.join(OPERATORS)}")
        try:
            found = (element(name, self.element, self.argument, self.of_rule) if self.element else
                     operand(name, self.members, self.alias, self.argument, self.of_rule))
        except ValueError as error:
            raise _invalid(place, str(error)) from None
        if not _has_operators(wanted):
            return self._condition(found.equal, wanted, place)
        return self._operators(found, wanted, place, depth)

    def _related(self, asked: Any, place: _Path, depth: int) -> str:
        if self.element or not self.nearer:
            raise NotComparable("may not stand here: filters of nodes have it, in one another at "
                                f"most {DEEPEST_RELATED} deep, and those of roles have not")
        if not isinstance(asked, dict):
            raise NotComparable("must be an object: type, direction and filter, of which each may "
                                "be left out")
        outer, self.nearer = self.alias, self.nearer - 1

        def inner(row: str) -> str:
            self.alias = row
            return self.filter(asked.get("filter", {}), (*place, "filter"), depth + 1)

        try:
            return related(asked, outer, self.argument, inner)
        except ValidationError as error:
            wrong = {".".join((*place, name)): told for name, told in by_path(error).items()}
            raise InvalidParams(fields=wrong) from None
        finally:
            self.alias, self.nearer = outer, self.nearer + 1

    def _operators(self, found: Operand, wanted: dict[str, Any], place: _Path, depth: int) -> str:
        self._check_depth(place, depth)
        return _all(self._operator(found, name, value, (*place, name), depth)
                    for name, value in wanted.items())

    def _operator(self, found: Operand, name: str, value: Any, place: _Path, depth: int) -> str:
        if name == "$not":
            if not _has_operators(value):
                raise _invalid(place, 'must be an object of operators, as in {"$gt": 3}')
            return f"({self._operators(found, value, place, depth + 1)}) IS NOT TRUE"
        if name not in OPERATORS:
            raise _invalid(place, f"is no operator: there are {', '.join(OPERATORS)}")
        if name in ("$in", "$nin"):
            return self._one_of(found, value, place) + " IS NOT TRUE" * (name == "$nin")
        if name == "$regex":
            self._note_pattern(value, place)
        writers: dict[str, Callable[[Any], str]] = {
            "$eq": found.equal, "$ne": found.equal, "$exists": found.exists,
            "$contains": found.contains, "$all": found.has_all, "$size": found.has_size,
            "$elemMatch": lambda value: self._an_element(found, value, place, depth)}
        write = writers.get(name) or partial(
            found.text_is if name in TEXTS else found.compare, name)
        return self._condition(write, value, place) + " IS NOT TRUE" * (name == "$ne")

    def _note_pattern(self, value: Any, place: _Path) -> None:
        if self.of_rule:
            raise _invalid(place, "may not stand in a rule: it may take long")
        self.arguments.setdefault(PATTERNS, {})[".".join(place)] = value

    def _an_element(self, found: Operand, wanted: Any, place: _Path, depth: int) -> str:
        """Return the condition that an array has an element that fits a filter, or operators."""
        if not isinstance(wanted, dict) or not wanted:
            raise NotComparable('must be a filter on what its elements have, as in {"a": 1}, or an '
                                'object of operators, as in {"$gt": 3}')
        is_filter = not _has_operators(wanted) or not wanted.keys().isdisjoint(_LOGIC)
        self._check_depth(place, depth + 1)
        certain, elements = found.elements(_equalities(wanted))
        outer, self.element = self.element, f"item{depth}"
        try:
            fits = (self.filter(wanted, place, depth + 1) if is_filter else self._operators(
                element("", self.element, self.argument, self.of_rule), wanted, place, depth + 1))
            if is_filter:
                fits = f"jsonb_typeof({self.element}.element) IN ('array', 'object') AND {fits}"
            return (f"{certain} AND EXISTS (SELECT FROM {elements} {self.element} (element) "
                    f"WHERE {fits})")
        finally:
            self.element = outer

    def _one_of(self, found: Operand, values: Any, place: _Path) -> str:
        if not isinstance(values, list):
            raise _invalid(place, "must be an array of values")
        if len(values) > MOST_VALUES:
            raise _invalid(place, f"may have at most {MOST_VALUES} values, not {len(values)}")
        conditions = []
        if many := [value for value in values if found.is_simple(value)]:
            conditions.append(self._condition(found.one_of, many, place))
        # What is left is compared one by one, and counts so.
        conditions += [self._condition(found.equal, value, (*place, str(index)))
                       for index, value in enumerate(values) if not found.is_simple(value)]
        return f"({' OR '.join(conditions) or 'FALSE'})"

    def _condition(self, write: Callable[[Any], str], value: Any, place: _Path) -> str:
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise _invalid(place, f"is one too many: a filter may have {MOST_CONDITIONS} "
                                  "conditions")
        try:
            return f"({write(value)})"
        except NotComparable as error:
            inner = [] if error.index is None else [str(error.index)]
            raise _invalid((*place, *inner), str(error)) from None

    @staticmethod
    def _check_depth(place: _Path, depth: int) -> None:
        if depth > DEEPEST:
            raise _invalid(place, f"is nested too deep: filters nest at most {DEEPEST} deep")


def _has_operators(wanted: Any) -> bool:
    return isinstance(wanted, dict) and any(name.startswith("$") for name in wanted)


def _equalities(wanted: dict[str, Any]) -> dict[_Path, Any]:
    """Return the simple values that an element has for certain, by where in it."""
    if "$eq" in wanted and is_simple(wanted["$eq"]):
        return {(): wanted["$eq"]}
    found = {}
    for name, value in wanted.items():
        if not name.startswith("$") and is_simple(value):
            try:
                found[tuple(split_inside(name))] = value
            except ValueError:
                continue
    return found


def _all(conditions: Any) -> str:
    return " AND ".join(f"({one})" for one in conditions) or "TRUE"


def _invalid(place: _Path, told: str) -> InvalidParams:
    name = ".".join(part[:NAME_LENGTH] for part in place)
    return InvalidParams(fields={name: [told]})
