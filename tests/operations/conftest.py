"""What tests of operations share."""

from __future__ import annotations

from typing import Any

import pytest

from flexdb.db.connection import Connection


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the statements that are sent from now on."""
    names: list[str] = []
    fetch, fetch_all = Connection.fetch, Connection.fetch_all

    def one(connection: Connection, statement: Any) -> Any:
        names.append(statement.name)
        return fetch(connection, statement)

    def several(connection: Connection, statements: Any) -> Any:
        names.extend(statement.name for statement in statements)
        return fetch_all(connection, statements)

    monkeypatch.setattr(Connection, "fetch", one)
    monkeypatch.setattr(Connection, "fetch_all", several)
    return names
