"""The console, in process and served."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from flexdb.config import Settings
from tests.support.console import Console, Site, served
from tests.support.service import Service


@pytest.fixture
def console(service: Service) -> Console:
    """The console on the database that all tests share; each makes its own tenants in it."""
    return Console(service, service.app.test_client())


@pytest.fixture(scope="session")
def site(new_database: Callable[..., Settings]) -> Iterator[Site]:
    """A server that a process's tests share; each makes its own tenants in its database."""
    with served(Service.of(new_database())) as site:
        yield site


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what opens a browser as long; but for one story of all of it, as longest too."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("long")
            if not item.nodeid.endswith("without_typing_json[True]"):
                item.add_marker("longest")
