"""The service where everyone needs a key, and what it sends to the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.db.connection import Connection
from flexdb.server import keys
from tests.support.callers import SERVICE_S_OWN, closed, with_key
from tests.support.service import Service


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture(scope="module")
def operator(settings: Settings) -> Iterator[Service]:
    """The service where everyone needs a key, as an operator reaches it."""
    service = closed(settings)
    yield with_key(service, keys.create_key(settings, None, "", "first", 1, ()))
    service.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the statements that are sent, but for those that look a key up."""
    sent: list[str] = []
    fetch = Connection.fetch

    def noting(self: Connection, statement: Any) -> Any:
        # Nor those that ask once a second for the limits of all tenants.
        if statement.query.name not in SERVICE_S_OWN:
            sent.append(statement.query.name)
        return fetch(self, statement)

    monkeypatch.setattr(Connection, "fetch", noting)
    return sent
