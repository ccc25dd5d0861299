"""The service at an address, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

import flexdb.client as fx
from flexdb.client.synchronous.tenant import TenantClient
from tests.support.listening import listening
from tests.support.service import Service


@pytest.fixture(scope="session")
def url(service: Service) -> Iterator[str]:
    """Where the service is."""
    with listening(service.app, kept=True) as port:
        yield f"http://127.0.0.1:{port}"


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
