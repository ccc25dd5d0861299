"""Several hosts in DB_HOST: a primary and its standbys, of which the one that takes writes is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.address import direct, first, look_at_server
from flexdb.db.copy import transaction
from flexdb.db.migrate import migrate, migration_states
from tests.support import postgres
from tests.support.service import Service
from tests.support.standbys import Standby


class Pair:
    """A primary and a standby, and what became of them."""

    def __init__(self, folder: Path) -> None:
        self.server: Postgresql = postgres.start(folder)
        try:
            postgres.create_database(self.server, "flexdb")
            self.primary = postgres.settings_of(self.server, "flexdb", auth="open")
            migrate(self.primary)
            self.standby = Standby(folder / "standby", self.primary)
        except BaseException:
            self.server.stop()
            raise

    def both(self, **options: object) -> Settings:
        """Return settings that name both, the standby first."""
        return replace(self.primary, db_host="127.0.0.1,127.0.0.1",
                       db_port=f"{self.standby.port},{self.primary.db_port}",
                       **options)  # type: ignore[arg-type]

    def close(self) -> None:
        """End both."""
        self.standby.close()
        self.server.stop()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Settings], Service]]:
    """Make a service whose connections are closed in the end."""
    made: list[Service] = []

    def make(settings: Settings) -> Service:
        made.append(Service.of(settings))
        return made[-1]

    yield make
    for service in made:
        service.app.extensions["flexdb"].close()


def write(service: Service) -> object:
    return service.call("create_tenant", slug=f"t{time.monotonic_ns()}", name="T")


def test_the_one_that_takes_writes_is_used_wherever_it_stands(
        pair: Pair, serve: Callable[[Settings], Service]) -> None:
    service = serve(pair.both())
    assert write(service)
    assert service.client().get("/health/ready").status_code == 200


@pytest.mark.parametrize("reached", [
    lambda settings: look_at_server(settings).port,
    lambda settings: look_at_server(direct(replace(
        settings, db_host="127.0.0.1", db_port=1, db_pgbouncer=True,
        db_direct_host=settings.db_host, db_direct_port=settings.db_port))).port])
def test_so_it_is_by_every_way(pair: Pair, reached: Callable[[Settings], int]) -> None:
    assert reached(pair.both()) == pair.primary.db_port


def test_commands_and_migrations_go_to_it_too(pair: Pair) -> None:
    assert migrate(pair.both()) == [] and migration_states(pair.both())[1] == []
    with transaction(pair.both()) as connection:
        assert connection.info.port == pair.primary.db_port


def test_what_an_operator_tells_libpq_goes_before(
        pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "standby")
    assert look_at_server(pair.both()).is_standby


def test_the_one_that_was_reached_is_tried_first_from_then_on(pair: Pair) -> None:
    both = pair.both()
    at = ("127.0.0.1", int(pair.primary.db_port))
    assert first(both, at).db_addresses == both.db_addresses[::-1]
    assert first(both, None) == both == first(both, ("elsewhere", 1))
