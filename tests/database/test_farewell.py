"""A connection whose server has ended it is known before anything is sent on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from psycopg.pq import ConnStatus

from flexdb.config import Settings
from flexdb.db.address import conninfo
from flexdb.db.connection import Connection
from tests.support.proxy import Proxy
from tests.support.waiting import wait_until


@pytest.fixture
def settings(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with Connection.connect(conninfo(settings, 5), autocommit=True) as connection:
        yield connection


@pytest.fixture
def other(settings: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo(settings, 5), autocommit=True) as other:
        yield other


def test_one_that_lies_idle_is_good(connection: Connection) -> None:
    assert not connection.farewell.is_said()
    connection.execute("SELECT 1")
    assert not connection.farewell.is_said() and not connection.farewell.is_said()


def test_one_that_the_server_ends_is_not(connection: Connection, other: psycopg.Connection) -> None:
    other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    wait_until(connection.farewell.is_said)
    assert connection.farewell.is_said()


def test_the_word_of_the_server_is_enough_though_it_has_not_ended_yet(
        settings: Settings, other: psycopg.Connection) -> None:
    with (closing(Proxy(settings.db_port, linger=30)) as proxy,
          Connection.connect(conninfo(replace(settings, db_host="127.0.0.1", db_port=proxy.port),
                                      5)) as connection):
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        wait_until(connection.farewell.is_said)
        assert connection.pgconn.status == ConnStatus.OK


def test_what_else_it_says_meanwhile_is_no_farewell(connection: Connection) -> None:
    connection.execute("SET client_min_messages = 'notice'")
    connection.execute("DO $$ BEGIN RAISE NOTICE 'so'; RAISE WARNING 'it is'; END $$")
    assert not connection.farewell.is_said()
