"""Objects: what is written of a row is what PostgreSQL itself makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from flexdb.config import JsonFields, Settings
from flexdb.sql.loader import FORMS, OBJECTS
from flexdb.sql.objects import Column, formatted_time, member, written
from tests.support.postgres import connect

_TIMES = ["2024-02-29 12:00:00+00", "2024-02-29 12:00:00.000001+00", "infinity", "-infinity",
          "0044-03-15 00:00:00+00 BC", "12000-01-01 00:00:00.5+00", "1970-01-01 00:00:00+00"]
_TEXTS = ["part_of", 'a "quoted" \\ word', "line\nbreak\t\x01", "Größe 🎉", "{id}", "%s", ""]
_JSON = [None, "null", '{"a": [1.50, "b"], "ü": "\\u0001"}']
_ID = "'01a208bc-3d00-7d5c-861e-e1a8d0a9b837'::uuid"
# Of each object a row, with what it has beside its ids, its times and its version.
_ROWS = {
    "node": "{id} AS id, {id} AS tenant_id, {id} AS node_type_id, {json} AS data",
    "relationship": "{id} AS id, {id} AS tenant_id, {id} AS source_node_id, {id} AS target_node_id,"
                    " {text} AS relationship_type, {json} AS data",
    "node_type": "{id} AS id, {id} AS tenant_id, {text} AS name, NULL::text AS description,"
                 " {json} AS schema",
    "role": "{id} AS id, {id} AS tenant_id, {text} AS name, ARRAY[{text}] AS based_on,"
            " {json} AS grants",
}


@pytest.fixture(scope="module")
def connection(new_database: Callable[..., Settings]) -> Iterator[psycopg.Connection]:
    with connect(new_database()) as connection:
        connection.execute("SET timezone = UTC")
        yield connection


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", _ROWS)
def test_an_object_is_written_as_postgresql_writes_a_row(
        connection: psycopg.Connection, name: str, form: JsonFields) -> None:
    columns = _ROWS[name].format(id=_ID, text="t.text", json="j.value")
    ours = written([member("x", of, form) for of in OBJECTS[name]])
    theirs = ", ".join(f"{_plainly(of, form)} AS {of.name}" for of in OBJECTS[name])
    found = connection.execute(f"""
        SELECT {ours}, (SELECT row_to_json(o)::text FROM (SELECT {theirs}) o)
        FROM (
            SELECT {columns}, 7::bigint AS version, t.time AS created_at, t.time AS updated_at
            FROM unnest(%s::timestamptz[], %s::text[]) t (time, text)
            CROSS JOIN unnest(%s::jsonb[]) j (value)
        ) x""".encode(), (_TIMES, _TEXTS, _JSON)).fetchall()
    assert len(found) == len(_TIMES) * len(_JSON)
    assert [one for one, _ in found] == [other for _, other in found]


@pytest.mark.parametrize("name", ["node", "relationship"])
def test_what_was_made_at_once_has_all_that_the_object_has(name: str) -> None:
    made, columns = OBJECTS[f"created_{name}"], OBJECTS[name]
    assert [(one.name, one.words | {"time"}) for one in made if one.name.endswith("_at")] == [
        (one.name, one.words) for one in columns if "time" in one.words]
    assert [one for one in made if not one.name.endswith("_at")] == [
        one for one in columns if "time" not in one.words]


def _plainly(of: Column, form: JsonFields) -> str:
    sql = f"x.{of.name}"
    if "time" in of.words:
        return formatted_time(sql)
    if form == "string":
        sql = f"{sql}::text" if "json" in of.words else sql
        sql = f"coalesce({sql}, '')" if "nullable" in of.words else sql
    return sql
