"""The console, in process and served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from flexdb.config import Settings
from tests.support.console import Console, Site
from tests.support.service import Service


@pytest.fixture
def console(service: Service) -> Console:
    """The console on the database that all tests share; each makes its own tenants in it."""
    return Console(service, service.app.test_client())


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture(scope="session")
def site(new_database: Callable[..., Settings]) -> Iterator[Site]:
    """A server that a process's tests share; each makes its own tenants in its database."""
    service = Service.of(new_database())
    server = make_server("127.0.0.1", 0, service.app, threaded=True,
                         request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(f"http://localhost:{server.port}/console", service)
    server.shutdown()
    thread.join()
    server.server_close()
    service.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what opens a browser as long; but for one story of all of it, as longest too."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("long")
            if "test_a_person" not in item.nodeid:
                item.add_marker("longest")
