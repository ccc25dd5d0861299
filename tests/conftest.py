"""A real PostgreSQL, a database cloned from a migrated template, and the service on it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import uuid4

import pytest
import sqlparse
from hypothesis import settings as hypothesis_settings
from selenium import webdriver
from testing.postgresql import Postgresql

import flexdb.operations  # noqa: F401 (fills the registry, of which tests are made)
from flexdb.config import Settings
from flexdb.db.migrate import migrate
from tests.support import browser as browsers
from tests.support import citus_cluster, postgres
from tests.support.citus_cluster import Cluster
from tests.support.listening import listening
from tests.support.memory import memory_folder
from tests.support.pgbouncer import PgBouncer
from tests.support.replicated import Reader, Replicated
from tests.support.service import Service
from tests.support.standbys import Standby
from tests.support.tables import shortened

TEMPLATE = "migrated"
# How long calls wait for a connection where a test does not say it: a busy machine makes them late.
PATIENCE = 15.0
# Machines are slow for a while, and no case of a property is wrong for that.
hypothesis_settings.register_profile("unhurried", deadline=None)
hypothesis_settings.load_profile("unhurried")
# yoyo splits the text of every migration whenever it applies one or takes one back, which is most
# of what that costs. It changes the list that it gets.
split_once = lru_cache(maxsize=None)(sqlparse.split)
sqlparse.split = lambda *given: [*split_once(*given)]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgresql]:
    """A PostgreSQL server with a migrated template database."""
    with memory_folder() as memory:
        server = postgres.start(tmp_path_factory.mktemp("server"), base=memory,
                                # It would go round hundreds of databases, that are soon left.
                                arguments="-c max_wal_size=128MB -c autovacuum=off")
        try:
            postgres.create_database(server, TEMPLATE)
            migrate(postgres.settings_of(server, TEMPLATE))
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def bouncer(server: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    """A PgBouncer before that server, with few connections to each database."""
    bouncer = PgBouncer(tmp_path_factory.mktemp("bouncer"), server.dsn()["port"],
                        default_pool_size=4, server_idle_timeout=2)
    yield bouncer
    bouncer.stop()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The Citus that CITUS_HOST names."""
    if not citus_cluster.HOST:
        pytest.skip(citus_cluster.WITHOUT)
    cluster = Cluster()
    yield cluster
    cluster.drop()


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    """A primary and two standbys."""
    made = Replicated(tmp_path_factory.mktemp("replicated"))
    yield made
    made.close()


@pytest.fixture
def new_reader(replicated: Replicated) -> Iterator[Callable[..., Reader]]:
    """Make who calls a service of its own, on some of the standbys."""
    made: list[Service] = []

    def create(*standbys: Standby, **options: Any) -> Reader:
        made.append(Service.of(replicated.settings(*standbys, **options)))
        return Reader(made[-1])

    yield create
    for service in made:
        service.close()


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> Callable[..., Settings]:
    """Make a database: migrated and empty, or with ``template=None`` without any table.

    With TEST_PGBOUNCER set, the way to it leads through PgBouncer; with CITUS_HOST set, one that is
    migrated is made there, and distributed.
    """
    def create(template: str | None = TEMPLATE, **options: object) -> Settings:
        options.setdefault("db_pool_timeout", PATIENCE)
        name = f"test_{uuid4().hex}"
        if citus_cluster.HOST and template:
            cluster: Cluster = request.getfixturevalue("cluster")
            return replace(cluster.make(name), **options)  # type: ignore[arg-type]
        server: Postgresql = request.getfixturevalue("server")
        postgres.create_database(server, name, template)
        settings = postgres.settings_of(server, name, **options)
        if os.environ.get("TEST_PGBOUNCER"):
            bouncer: PgBouncer = request.getfixturevalue("bouncer")
            with postgres.connect(settings) as connection:
                connection.execute(f"ALTER DATABASE {name} SET statement_timeout = "
                                   f"{round(settings.statement_timeout * 1000)}".encode())
            return bouncer.settings(settings)
        return settings

    return create


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the collector of garbage pass over all that is known of tests, which stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, on a Citus, the tests of what a distributed database refuses, and in the short
    form a part of long tables.
    """
    items[:], left = shortened(items)
    config.hook.pytest_deselected(items=left)
    for item in items if citus_cluster.HOST else ():
        if why := citus_cluster.REFUSED.get(item.path.stem):
            item.add_marker(pytest.mark.skip(reason=why))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let the tests of a module marked ``both_doors`` reach the service through each of them."""
    if "service" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_doors"):
        metafunc.parametrize("service", ["jsonrpc", "rest"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, new_database: Callable[..., Settings]
            ) -> Iterator[Service]:
    """The service on a database that all tests share; each makes its own tenants in it."""
    service = Service.of(new_database(), getattr(request, "param", "jsonrpc"))
    yield service
    service.close()


@pytest.fixture
def address(new_service: Callable[..., Service]) -> Iterator[str]:
    """The host and port of a server with an empty database."""
    with listening(new_service().app) as port:
        yield f"localhost:{port}"


@pytest.fixture(scope="session")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A Chromium that the tests of a process share, since starting one takes long."""
    if not browsers.CHROMIUM or not browsers.DRIVER:
        pytest.skip("chromium and chromedriver are not installed")
    browser = browsers.start(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.quit()


@pytest.fixture
def browser(shared_browser: webdriver.Chrome) -> webdriver.Chrome:
    """A headless Chromium that asks nobody but us, and knows nothing of the test before."""
    browsers.forget(shared_browser)
    return shared_browser


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
        postgres.drop_database(service.settings)
