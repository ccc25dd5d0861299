"""A migrated database to look at, or to change, from the outside, and the ways that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from flexdb.config import Settings
from tests.support.pgbouncer import PgBouncer, needed
from tests.support.postgres import connect
from tests.support.row_security import switched_on
from tests.support.service import Service
from tests.support.ways import Way


@pytest.fixture(scope="module")
def connection(new_database: Callable[..., Settings]) -> Iterator[psycopg.Connection]:
    """A connection to a database of the file's own."""
    with connect(new_database()) as connection:
        yield connection


@pytest.fixture(params=["usual", "row security", pytest.param("pgbouncer", marks=needed)])
def way(new_database: Callable[..., Settings], request: pytest.FixtureRequest) -> Way:
    """Each of the ways that lead to a database of the test's own."""
    settings = new_database()
    if request.param == "pgbouncer":
        bouncer: PgBouncer = request.getfixturevalue("bouncer")
        settings = bouncer.settings(settings)
    with closing(Service.of(settings)) as service:
        node_type = service.node_type(service.tenant())
    return Way(switched_on(settings) if request.param == "row security" else settings, node_type)
