"""A connection's own way of running a statement alone, held against psycopg's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.connection import Connection
from flexdb.db.migrate import migrate
from flexdb.db.pool import Pool
from flexdb.db.prepared import MOST_BYTES, MOST_KEPT
from flexdb.plan import Result, Row, Statement
from flexdb.sql.loader import make_query
from tests.support import postgres
from tests.support.service import Service

SETTINGS = {"db_pool_size": 2, "tenant_connections": 2}


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    pool = Pool(settings)
    with pool.connection() as connection:
        yield connection
    pool.close()


@pytest.fixture(scope="module")
def connection(new_database: Callable[..., Settings]) -> Iterator[Connection]:
    with connected(new_database(**SETTINGS)) as connection:
        yield connection


def statement(sql: str, lasting: bool = True, **arguments: Any) -> Statement:
    return Statement(make_query("own", sql, lasting=lasting), arguments, unread)


def unread(row: Row | None) -> Result:
    raise AssertionError


def fetch(connection: Connection, sql: str, lasting: bool = True, **arguments: Any) -> Any:
    return connection.fetch(statement(sql, lasting, **arguments))


def prepared(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM pg_prepared_statements "
                             "WHERE name LIKE 'flexdb%%'").fetchone()
    assert row
    return int(row[0])


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(text=VALUES, number=st.integers(-2**63, 2**63 - 1), truth=st.booleans(),
       nothing=st.sampled_from([None, "", "x"]))
def test_values_come_back_as_through_a_cursor(
        connection: Connection, text: str, number: int, truth: bool, nothing: str | None) -> None:
    sql = ("SELECT %(text)s::text, %(number)s::bigint, %(truth)s::boolean, %(nothing)s::text, "
           "to_json(%(text)s::text), %(number)s::bigint %% 7, '%%(text)s', ARRAY[1, NULL], "
           "'00000000-0000-0000-0000-000000000001'::uuid, 1.10, 'a'::name, NULL::date")
    arguments: dict[str, Any] = {"text": text, "number": number, "truth": truth, "nothing": nothing}
    through_a_cursor = connection.execute(sql.encode(), arguments).fetchone()
    assert fetch(connection, sql, **arguments) == through_a_cursor


def test_a_statement_without_a_row_gives_none(connection: Connection) -> None:
    assert fetch(connection, "SELECT 1 WHERE %(no)s::boolean", no=False) is None


@pytest.mark.parametrize("value", ["\0", "a\0b"])
def test_a_value_is_never_cut_off_at_a_nul(connection: Connection, value: str) -> None:
    with pytest.raises(psycopg.DataError):
        fetch(connection, "SELECT %(value)s::text", value=value)


ARRAYS = [("text", VALUES), ("int", st.integers(-2**31, 2**31 - 1)), ("boolean", st.booleans()),
          ("float8", st.floats(allow_nan=False))]


@given(st.data())
@pytest.mark.parametrize("of, values", ARRAYS, ids=[of for of, _ in ARRAYS])
def test_a_list_is_an_array(connection: Connection, of: str, values: st.SearchStrategy[Any],
                            data: st.DataObject) -> None:
    given = data.draw(st.lists(st.none() | values))
    assert fetch(connection, f"SELECT %(list)s::{of}[]", list=given) == (given,)


def test_an_error_has_the_class_that_psycopg_gives_it(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        fetch(connection, "SELECT 1 / %(zero)s::int", zero=0)
    with pytest.raises(psycopg.errors.UndefinedTable):
        fetch(connection, "SELECT 1 FROM nothing_there")
    assert fetch(connection, "SELECT 1") == (1,)


def fetch_all(connection: Connection, *statements: Statement) -> list[Any]:
    with connection.transaction():
        return list(connection.fetch_all(statements))


def test_many_statements_give_their_rows_in_order(connection: Connection) -> None:
    numbers = [statement("SELECT %(number)s::int WHERE %(number)s::int %% 3 > 0", number=number)
               for number in range(1000)]
    assert fetch_all(connection, *numbers) == [
        (number,) if number % 3 else None for number in range(1000)]


def test_what_is_sent_and_what_comes_back_may_both_be_large(connection: Connection) -> None:
    """Neither side may wait for the other to read."""
    text = "x" * 500_000
    statements = [statement("SELECT %(text)s::text, %(number)s::int", text=text, number=number)
                  for number in range(40)]
    assert fetch_all(connection, *statements) == [(text, number) for number in range(40)]


def test_one_that_fails_takes_back_what_came_before_it(connection: Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
    insert = statement("INSERT INTO kept VALUES (%(number)s) RETURNING number", number=1)
    with pytest.raises(psycopg.errors.DivisionByZero) as failed:
        fetch_all(connection, insert, statement("SELECT 1 / %(zero)s::int", zero=0), insert)
    assert not connection.is_lost_by(failed.value)
    assert fetch(connection, "SELECT count(*) FROM kept") == (0,)
    assert fetch_all(connection, insert, insert) == [(1,), (1,)]
    assert fetch(connection, "SELECT count(*) FROM kept") == (2,)


def test_a_connection_that_is_lost_in_the_middle_is_told_as_that(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database(**SETTINGS)
    with pytest.raises(psycopg.Error) as failed, connected(settings) as connection:
        fetch_all(connection, statement("SELECT 1"), statement(
            "SELECT pg_terminate_backend(pg_backend_pid())"), statement("SELECT 2"))
    assert connection.is_lost_by(failed.value)


def test_only_lasting_statements_are_kept_and_not_without_end(
        new_database: Callable[..., Settings]) -> None:
    with connected(new_database(**SETTINGS)) as connection:
        for _ in range(3):
            assert fetch(connection, "SELECT 1", lasting=False) == (1,)
        assert prepared(connection) == 0
        for number in range(MOST_KEPT + 5):
            assert fetch(connection, f"SELECT {number}") == (number,)
        assert prepared(connection) == MOST_KEPT


@pytest.mark.parametrize("at_once", [False, True])
def test_those_that_were_used_last_are_kept(
        new_database: Callable[..., Settings], at_once: bool) -> None:
    with connected(new_database(**SETTINGS)) as connection:
        for number in range(MOST_KEPT + 5):
            last = [statement("SELECT 'often'"), statement(f"SELECT {number}::text")]
            wanted = [("often",), (str(number),)]
            assert (fetch_all(connection, *last) if at_once else
                    [connection.fetch(one) for one in last]) == wanted
        kept = {text for (text,) in connection.execute(
            "SELECT statement FROM pg_prepared_statements WHERE name LIKE 'flexdb%'")}
        assert len(kept) == MOST_KEPT and "SELECT 'often'" in kept
        assert f"SELECT {MOST_KEPT + 4}::text" in kept and "SELECT 0::text" not in kept


def test_what_is_kept_is_bounded_in_bytes(new_database: Callable[..., Settings]) -> None:
    with connected(new_database(**SETTINGS)) as connection:
        for number in range(10):
            text = f"SELECT {number}" + " " * (MOST_BYTES // 4)
            assert fetch(connection, text) == (number,)
        assert prepared(connection) == 3
        text = "SELECT 10" + " " * MOST_BYTES
        assert fetch_all(connection, statement(text), statement("SELECT 11")) == [(10,), (11,)]
        assert prepared(connection) == 4


def test_of_more_statements_in_one_go_than_are_kept_none_runs_in_place_of_another(
        new_database: Callable[..., Settings]) -> None:
    with connected(new_database(**SETTINGS)) as connection:
        for first in (0, 50):
            numbers = range(first, first + MOST_KEPT + 5)
            assert fetch_all(connection, *(statement(f"SELECT {number}") for number in numbers)
                             ) == [(number,) for number in numbers]
        assert prepared(connection) == MOST_KEPT


def test_behind_pgbouncer_nothing_is_prepared(new_database: Callable[..., Settings]) -> None:
    with connected(new_database(**SETTINGS, db_pgbouncer=True)) as connection:
        assert [fetch(connection, "SELECT 1") for _ in range(10)] == [(1,)] * 10
        assert prepared(connection) == 0


def test_other_threads_go_on_while_one_waits_for_postgresql(
        new_database: Callable[..., Settings]) -> None:
    pool = Pool(new_database(**SETTINGS))
    with ExitStack() as stack, ThreadPoolExecutor(1) as thread:
        one, two = (stack.enter_context(pool.connection()) for _ in range(2))
        fetch(one, "SELECT pg_advisory_lock(1)::text")
        waiting = thread.submit(fetch, two, "SELECT pg_advisory_lock(1)::text")
        assert fetch(one, "SELECT 1") == (1,) and not waiting.done()
        fetch(one, "SELECT pg_advisory_unlock(1)")
        assert waiting.result(10) == ("",)
    pool.close()


@pytest.mark.parametrize("encoding, name", [("LATIN1", "Zürich"), ("UTF8", "Zürich 東京 🌍")])
def test_a_database_of_any_encoding_is_answered_in_utf_8(
        server: Postgresql, encoding: str, name: str) -> None:
    settings = postgres.settings_of(server, f"in_{encoding.lower()}")
    with postgres.connect(postgres.settings_of(server, "postgres")) as connection:
        connection.execute(f"CREATE DATABASE {settings.db_name} ENCODING '{encoding}' "
                           "TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'".encode())
    migrate(settings)
    service = Service.of(settings)
    made = service.tenant(name=name)
    assert service.call("get_tenant", id=made["id"])["tenant"]["name"] == name
    node = service.node(service.node_type(made), data={"city": name})
    assert node["data"] == {"city": name}
    (listed,) = service.call("list_nodes", tenant_id=made["id"])["nodes"]
    assert listed == node
    service.close()
