"""Aggregates: rows in groups, and what is measured of each, as SQL of the question's shape alone.

A group is known by its keys, each a path or a part of the time at a path; a measure is a function
of what stands at a path in the rows of a group. What they are called is the caller's choice. Keys
and measures are JSON, so that filters and sorts mean the same of groups as of rows.

Rows are put together by the texts of their keys, which PostgreSQL tells apart in less time than
JSON; of those parts, the ones whose keys are equal as JSON, as 1 and 1.0 are, become one group.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from marshmallow import fields

from flexdb.context import Context
from flexdb.contract.fields import Integer, Time
from flexdb.contract.json_fields import JsonText
from flexdb.contract.named_objects import NamedTexts
from flexdb.contract.operation import Loaded
from flexdb.contract.params import Params
from flexdb.errors import InvalidParams
from flexdb.plan import Query
from flexdb.query.filters import Filter, condition
from flexdb.query.parameters import Paths, together
from flexdb.query.paths import PATH_LENGTH, Computed, Members, column_of, split
from flexdb.query.sorts import sort_keys
from flexdb.sql.loader import LISTS, expand, make_query
from flexdb.sql.objects import formatted_time
from flexdb.sql.pages import rows_of

MOST_GROUP_KEYS, MOST_MEASURES, MOST_GROUPS = 5, 20, 10_000
_CALL = re.compile(r"\A([a-z_]+)\((.*)\)\Z", re.DOTALL)
# Of a text that begins with a day, as RFC 3339 writes it, so many characters; and of a time in a
# column, which is told in UTC, what to_char gives the same by.
_BUCKETS = {"year": (4, "YYYY"), "month": (7, "YYYY-MM"), "day": (10, "YYYY-MM-DD"),
            "hour": (13, 'YYYY-MM-DD"T"HH24')}
_DAY = r"^\d\d\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])($|[Tt ]([01]\d|2[0-3]):)"
FUNCTIONS = ("count", "sum", "avg", "min", "max", "count_distinct")


class Aggregate(Params):
    """What to measure of which groups."""

    group_by = NamedTexts(
        "What makes a group, under names of your choice: each a path, or `year(path)`, "
        "`month(path)`, `day(path)` or `hour(path)` of a time. Without any, all are one group.",
        MOST_GROUP_KEYS, PATH_LENGTH, load_default=dict, example={"status": "data.status"})
    measures = NamedTexts(
        "What is measured of each group, under names of your choice: `count()`, or `sum(path)`, "
        "`avg(path)`, `min(path)`, `max(path)`, `count(path)`, `count_distinct(path)`.",
        MOST_MEASURES, PATH_LENGTH, load_default=lambda: {"count": "count()"},
        example={"tasks": "count()", "hours": "sum(data.hours)"})
    having = Filter("Only groups that fit this: a filter on the names of keys and measures.",
                    example={"tasks": {"$gte": 2}})
    sort = Paths("The names of keys and measures to sort by, from the first on; `-` before one is "
                 "descending. What is equal is sorted by the keys.", example=["-tasks"])
    limit = Integer("Give at most so many groups.", least=1, most=MOST_GROUPS, load_default=100)


class Output(NamedTuple):
    """A key or a measure as SQL.

    :param value: its JSON, of a group's parts
    :param grouped: what the parts are grouped by for it; "" for a measure
    """

    value: str
    grouped: str = ""


def read_aggregate(context: Context, name: str, of: str, params: Loaded, members: Members,
                   filters: tuple[str, ...]) -> tuple[Query, dict[str, Any]]:
    """Return the statement of an aggregate and its arguments.

    :param name: the operation's name
    :param of: that of the list whose rows are grouped
    :param params: valid parameters
    :param members: those of the list's objects
    :param filters: the columns that equal the arguments of the same names
    :raises InvalidParams: naming the place in the parameters that is wrong
    """
    alias = LISTS[of].alias
    wanted, arguments = condition(params.get("filter", {}), members, alias)
    # Of different values in two parts nobody knows which are the same: then a group is one part.
    writer = _Outputs(members, alias, is_whole=any(
        _split_call(text)[0] == "count_distinct" for text in params["measures"].values()))
    keys = {key: writer.key(key, text) for key, text in params["group_by"].items()}
    measures = {key: writer.measure(key, text) for key, text in params["measures"].items()}
    if again := keys.keys() & measures.keys():
        raise _wrong(f"measures.{min(again)}", "is the name of a key")
    if not keys and not measures:
        raise _wrong("measures", "may not be empty where there is no key")
    columns = (*keys.values(), *measures.values())
    known = {key: Computed(f"g.c{place}") for place, key in enumerate([*keys, *measures])}
    having, compared = condition(params.get("having", {}), known, "g", "h", name="having")
    order, sorted_by = sort_keys(params.get("sort", []), known, "g")
    for place, key in enumerate(keys):
        further, more = sort_keys([key], known, "g", f"k{place}_")
        order, sorted_by = order + further, sorted_by | more
    arguments = together(
        arguments, writer.arguments, compared, sorted_by,
        {f"name{place}": key for place, key in enumerate(known)},
        {"tenant_id": params["tenant_id"], "limit": params["limit"],
         "page_bytes": context.limits.max_page_bytes})
    query = _aggregate_query(
        name, of, filters, "" if wanted == "TRUE" else wanted, tuple(writer.parts), columns, having,
        tuple(f"{key.expression} {key.direction}" for key in order))
    return query, arguments


@lru_cache(maxsize=512)
def _aggregate_query(name: str, of: str, filters: tuple[str, ...], wanted: str,
                     parts: tuple[str, ...], columns: tuple[Output, ...], having: str,
                     order: tuple[str, ...]) -> Query:
    grouped = [column.grouped for column in columns if column.grouped]
    cells = [f"g.c{place}" for place in range(len(columns))]
    slots = {
        "members": ", ".join(f"%(name{place})s::text, {cell}"
                             for place, cell in enumerate(cells)),
        "cells": ", ".join(cells),
        "columns": ", ".join(f"{column.value} AS c{place}"
                             for place, column in enumerate(columns)),
        "parts": ", ".join(f"{part} AS p{place}" for place, part in enumerate(parts)),
        "rows": rows_of(of, filters, wanted),
        "row": LISTS[of].alias,
        # The keys are the first of them. Where there is none, () makes one of all.
        "parting": ", ".join(parts[:len(grouped)]) or "()",
        "grouping": ", ".join(grouped) or "()",
        "having": having,
        "order": ", ".join([*order, *cells[:len(grouped)]]) or "g.c0",
    }
    return make_query(name, expand("{aggregate}", "value", slots))


class _Outputs:
    """Writes keys and measures, and gathers their parts and arguments.

    :param is_whole: whether every group is to be one part
    """

    def __init__(self, members: Members, alias: str, is_whole: bool) -> None:
        self.members, self.alias, self.is_whole = members, alias, is_whole
        self.parts: list[str] = []
        self.arguments: dict[str, Any] = {}

    def key(self, name: str, text: str) -> Output:
        place = f"group_by.{name}"
        function, path = _split_call(text)
        if function and function not in _BUCKETS:
            raise _wrong(place, f"must be a path, or one of {', '.join(_BUCKETS)} of a path, as in "
                                "month(created_at)")
        value, field = self._value(place, path or text)
        if not function:
            if isinstance(field, JsonText):
                # What is missing is null, as it is to a filter.
                key = (self._part(f"coalesce({value}, 'null')") if self.is_whole else
                       f"coalesce({self._part(f'{value}::text')}::jsonb, 'null')")
                return Output(key, key)
            part = self._part(value)
            return Output(_to_json(part, field), part)
        length, form = _BUCKETS[function]
        if isinstance(field, Time):
            part = f"to_char({value} AT TIME ZONE 'UTC', '{form}')"
        elif isinstance(field, JsonText):
            text = f"({value} #>> '{{}}')"
            part = (f"CASE WHEN jsonb_typeof({value}) = 'string' AND {text} ~ '{_DAY}' "
                    f"AND length({text}) >= {length} THEN left({text}, {length}) END")
        else:
            raise _wrong(place, "names no time: there are created_at, updated_at and texts in "
                                "data")
        part = self._part(part)
        return Output(f"coalesce(to_jsonb({part}), 'null'::jsonb)", part)

    def measure(self, name: str, text: str) -> Output:
        place = f"measures.{name}"
        function, path = _split_call(text)
        if function not in FUNCTIONS:
            raise _wrong(place, f"must be one of {', '.join(FUNCTIONS)} of a path, as in "
                                "sum(data.hours), or count()")
        if function == "count" and not path:
            return Output(f"to_jsonb(sum({self._part('count(*)')}))")
        value, field = self._value(place, path)
        is_json = isinstance(field, JsonText)
        there = f"nullif({value}, 'null'::jsonb)" if is_json else value
        if function in ("count", "count_distinct"):
            distinct = "DISTINCT " if function == "count_distinct" else ""
            return Output(f"to_jsonb(sum({self._part(f'count({distinct}{there})')}))")
        number = (f"CASE jsonb_typeof({value}) WHEN 'number' THEN {value}::numeric END"
                  if is_json else value)
        if function in ("sum", "avg"):
            if not is_json and not isinstance(field, Integer):
                raise _wrong(place, f"takes numbers, and {path} holds none")
            made = self._of_all("sum", number)
            if function == "avg":
                # As many digits as PostgreSQL divides to, and no zeros behind them.
                made = f"trim_scale({made} / sum(nullif({self._part(f'count({number})')}, 0)))"
            return Output(f"to_jsonb({made})")
        if isinstance(field, (Time, Integer)):
            return Output(_to_json(self._of_all(function, value), field))
        if not is_json:
            # Before version 18, PostgreSQL has none of UUIDs; their texts are ordered alike.
            value = f'{value}::text COLLATE "C"'
            return Output(f"to_jsonb({self._of_all(function, value)})")
        text = f"CASE jsonb_typeof({value}) WHEN 'string' THEN {value} #>> '{{}}' END COLLATE \"C\""
        found = [f"to_jsonb({self._of_all(function, one)})" for one in (number, text)]
        # Texts come behind numbers, as in a sort.
        return Output(f"coalesce({', '.join(found if function == 'min' else found[::-1])})")

    def _part(self, value: str) -> str:
        """Return the SQL of what a part has by a name."""
        self.parts.append(value)
        return f"p.p{len(self.parts) - 1}"

    def _of_all(self, function: str, value: str) -> str:
        """Return the SQL of a function of a group's rows that is the same one of its parts."""
        return f"{function}({self._part(f'{function}({value})')})"

    def _value(self, place: str, path: str) -> tuple[str, fields.Field[Any]]:
        try:
            name, parts = split(path, self.members)
        except ValueError as error:
            raise _wrong(place, str(error)) from None
        column = column_of(name, self.members, self.alias)
        field = self.members[name]
        if not isinstance(field, JsonText):
            return column, field
        # The columns hold objects, a member of which takes less time than the end of a path.
        is_member, argument = len(parts) == 1, f"g{len(self.arguments)}"
        self.arguments[argument] = parts[0] if is_member else parts
        finds = f"-> %({argument})s::text" if is_member else f"#> %({argument})s::text[]"
        return f"({column} {finds})", field


def _to_json(value: str, field: fields.Field[Any]) -> str:
    """Return the JSON of a column's value, as the object has it."""
    return f"to_jsonb({formatted_time(value) if isinstance(field, Time) else value})"


def _split_call(text: str) -> tuple[str, str]:
    """Return the function and the path of a text, or nothing where it is a path alone."""
    return (found[1], found[2].strip()) if (found := _CALL.match(text.strip())) else ("", "")


def _wrong(place: str, told: str) -> InvalidParams:
    return InvalidParams(fields={place: [told]})
