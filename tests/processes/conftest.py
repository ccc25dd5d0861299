"""The service as a process of the test's own, and one whose database refuses what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.served import Served, variables_of
from tests.support.service import Service

REFUSE = b"""
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION USING ERRCODE = NEW.display_name, DETAIL = NEW.email, HINT = NEW.email,
            MESSAGE = CASE WHEN NEW.display_name ~ '^(22|23|P0)' THEN NEW.email ELSE 'nothing' END,
            CONSTRAINT = 'the_constraint';
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start the service with some variables, and wait for nothing."""
    with ExitStack() as started:
        yield lambda **variables: started.enter_context(Served(tmp_path, **variables))


@pytest.fixture
def serve(start: Callable[..., Served], new_database: Callable[..., Settings]
          ) -> Callable[..., Served]:
    """Start the service on a database of its own, and wait until it is ready."""
    return lambda **variables: start(**variables_of(new_database()), **variables).wait()


@pytest.fixture(scope="session")
def refusing(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """The service on a database that refuses each user with the SQLSTATE that is its name.

    What it says of them quotes the address.
    """
    service = Service.of(new_database())
    with postgres.connect(service.settings) as database:
        database.execute(REFUSE)
    yield service
    service.close()
