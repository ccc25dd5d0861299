"""The JSON of objects, as SQL that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flexdb.config import JsonFields

# Of the two ends of time to_char makes NULL, and of years before Christ their number alone.
_TIME = """coalesce(to_char({0} AT TIME ZONE 'UTC', CASE WHEN {0} < '0001-01-01 00:00:00+00' \
THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00 BC"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"' END), \
{0}::text)"""


class Column(NamedTuple):
    """A column of an object.

    :param words: how its JSON is written: ``time``, ``json``, ``nullable``, ``plain``, ``number``;
        none where PostgreSQL knows
    """

    name: str
    words: frozenset[str]


class JsonMember(NamedTuple):
    """A member of an object.

    :param sql: what gives the text of its JSON, which is never null
    :param quote: what stands around that
    """

    name: str
    sql: str
    quote: str = ""


def member(source: str, of: Column, form: JsonFields) -> JsonMember:
    """Return the member of an object that a column is.

    Where JSON is given as a string, what is unset is an empty one, as the original gives it.

    :param source: the row's alias, or what else has a column of that name
    """
    sql = f"{source}.{of.name}"
    if "time" in of.words:
        sql = formatted_time(sql)
    if "plain" in of.words:
        return JsonMember(of.name, sql, '"')
    if "number" in of.words:
        return JsonMember(of.name, sql)
    if form == "string":
        if "json" in of.words:
            sql = f"{sql}::text"
        if "nullable" in of.words:
            sql = f"coalesce({sql}, '')"
    elif "json" in of.words:
        return JsonMember(of.name, f"coalesce({sql}::text, 'null')")
    return JsonMember(of.name, f"coalesce(to_json({sql})::text, 'null')")


def formatted_time(sql: str) -> str:
    """Return the SQL of a time's text, as every answer has it."""
    return _TIME.format(sql)


def written(members: Sequence[JsonMember]) -> str:
    """Return the SQL that writes an object, as JSON text.

    PostgreSQL's own ``row_to_json`` looks up the type of each member in each row, which takes as
    long again. As ``varchar`` it is told from other texts, and not read again as ``json`` would be.
    """
    parts, between = [], "{"
    for place, one in enumerate(members):
        between += f'{"," if place else ""}"{one.name}":{one.quote}'
        parts += [f"'{between}'", one.sql]
        between = one.quote
    parts.append(f"'{between}}}'")
    return f"concat({', '.join(parts)})::varchar"
