"""The stack that the scenarios share, and the table of their numbers."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.database import Database
from tests.faults.load import HEADINGS, Load
from tests.faults.stack import Stack
from tests.support.nginx import MISSING, PROGRAM
from tests.support.proxy import Proxy

_table: list[list[str]] = []
_ROW = "row of the table"


@pytest.fixture(scope="session")
def folder() -> Iterator[Callable[[], Path]]:
    """Make a folder whose path is short enough for a socket."""
    made: list[Path] = []
    # Whoever ends the tests early, as by timeout(1), ends what they started too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="faults-", dir="/tmp")))
        made[-1].chmod(0o755)
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(folder: Callable[[], Path]) -> Iterator[Callable[..., Database]]:
    """Make a PostgreSQL with data on a disk of its own."""
    made: list[Database] = []

    def make(data: Path | None = None, wal: Path | None = None,
             follows: Database | None = None) -> Database:
        made.append(Database(folder(), data, wal, follows))
        return made[-1]

    yield make
    for database in made:
        database.stop("immediate")


@pytest.fixture(scope="session")
def database(new_database: Callable[..., Database]) -> Database:
    """The PostgreSQL that most scenarios share."""
    return new_database()


@pytest.fixture(scope="session")
def new_stack(folder: Callable[[], Path], database: Database) -> Iterator[Callable[..., Stack]]:
    """Make a stack with settings of its own."""
    made: list[Stack] = []
    if PROGRAM is None:
        pytest.skip(MISSING)

    def make(on: Database = database, **variables: object) -> Stack:
        made.append(Stack(folder(), on, **variables))
        return made[-1]

    yield make
    for stack in made:
        stack.close()


@pytest.fixture(scope="session")
def stack(new_stack: Callable[..., Stack]) -> Stack:
    """The stack with the settings of the compose file."""
    stack = new_stack()
    stack.served.wait()
    return stack


@pytest.fixture(scope="module")
def proxied(new_stack: Callable[..., Stack], stack: Stack) -> Iterator[tuple[Stack, Proxy]]:
    """A service that reaches PostgreSQL through a proxy."""
    proxy = Proxy(stack.database.port)
    through = new_stack(DB_PORT=proxy.port)
    through.served.wait()
    yield through, proxy
    through.close()
    proxy.close()


@pytest.fixture(autouse=True)
def quiet_log(stack: Stack) -> Iterator[None]:
    """Hold that the service foresaw all that happened: no traceback is in its log."""
    before = len(stack.tracebacks())
    yield
    new = stack.tracebacks()[before:]
    assert not new, "\n".join(new)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Put a line into the table: the load's numbers, and what the scenario measured beside."""
    def add(load: Load | None = None, **measured: object) -> None:
        numbers = load.numbers() if load else dict.fromkeys(HEADINGS, "")
        name = request.node.name.removeprefix("test_").replace("_", " ")
        told = {reason: count for reason, count in load.told().most_common()} if load else {}
        beside = {key.replace("_", " "): value for key, value in measured.items()} | told
        request.node.user_properties.append((_ROW, [
            name, *(_text(numbers[heading]) for heading in HEADINGS),
            ", ".join(f"{key} {_text(value)}" for key, value in beside.items())]))

    return add


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the rows of a scenario, which may have run in another process."""
    if report.when == "teardown":
        _table.extend(row for name, row in report.user_properties
                      if name == _ROW and isinstance(row, list))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    terminalreporter.section("faults")
    for name, *numbers, beside in [["scenario", *HEADINGS, "measured"], *_table]:
        terminalreporter.line(f"{name}\n    " + "  ".join(f"{number:>9}" for number in numbers)
                              + f"   {beside}")
