"""The service as a process, in the folder of the test that starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support.served import Served, variables_of


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
