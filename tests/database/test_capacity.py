"""Whether PostgreSQL has the connections that the settings ask for, looked at when it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.capacity import TooFewConnections, capacity, check_capacity
from tests.support import postgres
from tests.support.away import Away
from tests.support.served import Served, variables_of


def limited(settings: Settings, role: int = -1, database: int = -1, **options: object) -> Settings:
    """Return settings for a user who is no superuser, with limits for it and the database."""
    name = f"user_{uuid4().hex}"
    with postgres.connect(settings) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN CONNECTION LIMIT {role}".encode())
        connection.execute(
            f"ALTER DATABASE {settings.db_name} CONNECTION LIMIT {database}".encode())
        connection.execute(f"GRANT SELECT ON _yoyo_migration TO {name}".encode())
        connection.execute(f"GRANT SELECT, INSERT, UPDATE ON flexdb_feed TO {name}".encode())
    return replace(settings, db_user=name, **options)  # type: ignore[arg-type]


def server_setting(settings: Settings, name: str) -> int:
    with postgres.connect(settings) as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("role, database, expected", [
    (-1, -1, None), (20, -1, 20), (-1, 30, 30), (20, 30, 20), (40, 30, 30), (9999, -1, None)])
def test_the_least_of_all_limits_counts(
        new_database: Callable[..., Settings], role: int, database: int, expected: int | None
        ) -> None:
    settings = new_database()
    usable = (server_setting(settings, "max_connections")
              - server_setting(settings, "superuser_reserved_connections"))
    assert capacity(limited(settings, role, database)).connections == (expected or usable)


def test_the_limits_of_a_user_and_a_database_are_none_for_a_superuser(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    limited(settings, database=5)
    assert capacity(settings).connections == capacity(new_database()).connections


@pytest.mark.parametrize("limit, warned", [(26, False), (25, True), (8, True)])
def test_what_a_reload_needs_is_asked_for_in_one_line(
        new_database: Callable[..., Settings], caplog: pytest.LogCaptureFixture, limit: int,
        warned: bool) -> None:
    settings = limited(new_database(workers=2, db_pool_size=4), role=limit)
    check_capacity(settings)
    assert len(caplog.messages) == warned
    for line in caplog.messages:
        assert "WORKERS=2 with DB_POOL_SIZE=4 each need up to 26 connections while they" in line
        assert f"PostgreSQL has {limit} for them" in line and "\n" not in line


def test_what_does_not_fit_at_all_is_refused(new_database: Callable[..., Settings]) -> None:
    settings = limited(new_database(workers=2, db_pool_size=4), role=7)
    told = "need up to 8 connections and PostgreSQL has 7 for them"
    with pytest.raises(TooFewConnections, match=told):
        check_capacity(settings)


@pytest.mark.long
def test_a_start_with_too_few_connections_ends_with_that_line(
        tmp_path: Path, new_database: Callable[..., Settings]) -> None:
    settings = limited(new_database(), role=15)
    with Served(tmp_path, **variables_of(settings)) as served:
        assert "need up to 16 connections and PostgreSQL has 15" in served.refused()


@pytest.mark.long
def test_a_server_that_comes_later_with_too_few_connections_ends_the_service_with_that_line(
        tmp_path: Path, new_database: Callable[..., Settings], server: Postgresql) -> None:
    settings, away = limited(new_database(), role=15), Away(server)
    with Served(tmp_path, **variables_of(settings, DB_PORT=away.port)) as served:
        served.wait("/health")
        away.come()
        served.process.wait(30)
        away.go()
        assert "need up to 16 connections and PostgreSQL has 15" in served.said
        assert "Traceback" not in served.said
