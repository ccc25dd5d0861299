"""The service at an address, and a client of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

import flexdb.client as fx
from flexdb.client.synchronous.tenant import TenantClient
from tests.support.service import Service


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture(scope="session")
def url(service: Service) -> Iterator[str]:
    """Where the service is."""
    server = make_server("127.0.0.1", 0, service.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def db(url: str) -> Iterator[fx.Client]:
    """A client of it."""
    with fx.connect(url) as db:
        yield db


@pytest.fixture
def slug() -> str:
    """A slug that no tenant has."""
    return f"tenant-{uuid4().hex}"


@pytest.fixture
def acme(db: fx.Client, slug: str) -> TenantClient:
    """A tenant of its own."""
    return db.tenant(slug, create=True)
