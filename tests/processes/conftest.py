"""The service as a process of the test's own, and one whose database refuses what it is told to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.paths import ROOT
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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that ``make wheel`` makes of the tree, without the internet."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("flexdb", "migrations"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    # What earlier wheels were made of.
    (tree / "build/lib/flexdb").mkdir(parents=True)
    (tree / "build/lib/flexdb/gone.py").touch()
    done = subprocess.run(
        ["make", "wheel", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/python"], cwd=tree, text=True,
        capture_output=True, env=os.environ | {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in tree.iterdir()}.isdisjoint({"build", "flexdb_service.egg-info"})
    (wheel,) = (tree / "dist").iterdir()
    return wheel


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
