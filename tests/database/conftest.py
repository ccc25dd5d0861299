"""A migrated database to look at, or to change, from the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from flexdb.config import Settings
from tests.support.postgres import connect


@pytest.fixture(scope="module")
def connection(new_database: Callable[..., Settings]) -> Iterator[psycopg.Connection]:
    """A connection to a database of the file's own."""
    with connect(new_database()) as connection:
        yield connection
