"""A real PostgreSQL, a database cloned from a migrated template, and the service on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.migrate import migrate
from tests import postgres
from tests.service import Service

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgresql]:
    """A PostgreSQL server with a migrated template database."""
    server = postgres.start(tmp_path_factory.mktemp("server"))
    postgres.create_database(server, TEMPLATE)
    migrate(postgres.settings_of(server, TEMPLATE))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_database(server: Postgresql) -> Callable[..., Settings]:
    """Make a database: migrated and empty, or with ``template=None`` without any table."""
    def create(template: str | None = TEMPLATE, **options: object) -> Settings:
        name = f"test_{uuid4().hex}"
        postgres.create_database(server, name, template)
        return postgres.settings_of(server, name, **options)

    return create


@pytest.fixture(scope="session")
def service(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service on a database that all tests share; each makes its own tenants in it."""
    service = Service.of(new_database())
    yield service
    service.close()


@pytest.fixture
def new_service(new_database: Callable[..., Settings]) -> Iterator[Callable[..., Service]]:
    """Make a service on a database of its own, with settings of its own."""
    made: list[Service] = []

    def create(**options: object) -> Service:
        made.append(Service.of(new_database(**options)))
        return made[-1]

    yield create
    for service in made:
        service.close()
