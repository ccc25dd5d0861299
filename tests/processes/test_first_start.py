"""What a person meets first: the log of a start, and one line where something is missing."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.address import answers
from flexdb.db.migrate import migration_ids
from tests.support import postgres
from tests.support.away import Away
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.served import Served, variables_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long


def without_time(said: str) -> list[str]:
    return [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - ", "", line) for line in said.splitlines()]


def test_the_log_of_a_start_is_the_seeds_with_the_migrations_in_it_and_nothing_else(
        tmp_path: Path, start: Callable[..., Served], new_database: Callable[..., Settings]
        ) -> None:
    (tmp_path / ".env.local").write_text("WORKERS=2\n")
    served = start(**variables_of(new_database(template=None))).wait()
    here = f"127.0.0.1:{served.port}"
    assert without_time(served.said) == [
        "INFO - Loading environment from .env.local",
        "INFO - Connecting to database...",
        "INFO - Connected to database successfully",
        "INFO - Running database migrations...",
        *(f"INFO - Applied migration {name}" for name in migration_ids()),
        "INFO - Migrations completed successfully",
        f"INFO - Starting JSON-RPC server on {here}...",
        f"INFO - JSON-RPC endpoint: http://{here}/jsonrpc",
        f"INFO - Health check endpoint: http://{here}/health",
        "INFO - Open to this machine alone; others need a key: "
        "`python -m flexdb create-key` makes a key, AUTH=open lets all in, AUTH=required nobody "
        "without one",
        f"INFO - Open http://localhost:{served.port} · console: "
        f"http://localhost:{served.port}/console"]


@pytest.mark.parametrize("host, way", [("127.0.0.1", ""), (
    "0.0.0.0", " over the network, at 0.0.0.0:{port},")])
def test_a_start_that_is_open_to_all_warns_how_to_close_it(
        serve: Callable[..., Served], host: str, way: str) -> None:
    served = serve(AUTH="open", JSONRPC_HOST=host)
    assert (f"WARNING - AUTH=open: whoever reaches it{way.format(port=served.port)} may do "
            "everything. To close it, `python -m flexdb create-key` makes a key, then set "
            "AUTH=required") in served.said
    assert f"INFO - Open http://localhost:{served.port} · console: " in served.said


def test_without_a_console_none_is_told(serve: Callable[..., Served]) -> None:
    served = serve(CONSOLE_ENABLED="false")
    assert served.said.endswith(f"INFO - Open http://localhost:{served.port}\n")


class AtTerminal(Served):
    """The service as it is started by a person, who ends it by Ctrl-C."""

    def __init__(self, folder: Path, **variables: object) -> None:
        self._terminal, self.stdin = pty.openpty()
        super().__init__(folder, **variables)

    def close(self) -> None:
        super().close()
        os.close(self._terminal)
        os.close(self.stdin)


def test_who_starts_it_at_a_terminal_is_told_how_to_stop_it_and_then_sees_no_warning(
        tmp_path: Path, new_database: Callable[..., Settings]) -> None:
    with AtTerminal(tmp_path, **variables_of(new_database()), WORKERS=3) as served:
        served.wait()
        assert (f"INFO - Open http://localhost:{served.port} · stop with Ctrl-C · console: "
                in served.said)
        # Every process of the terminal's group has it.
        os.killpg(served.process.pid, signal.SIGINT)
        assert served.process.wait(30) == 0
        ending = served.said.partition("/console\n")[2]
    assert "Shutting down" in ending
    assert not re.search("WARNING|ERROR|Traceback|was sent", ending), ending


def test_ctrl_c_before_it_listens_to_signals_ends_it_without_a_traceback(
        start: Callable[..., Served]) -> None:
    served = start()
    status = Path(f"/proc/{served.process.pid}/status")
    held = re.compile(r"^SigBlk:\t\w+[2367abef]$", re.MULTILINE)
    wait_until(lambda: held.search(status.read_text()))
    assert served.end(signal.SIGINT) == 0
    assert "Traceback" not in served.said and "Starting" not in served.said


def test_who_debugs_sees_what_gunicorn_says_of_the_start(serve: Callable[..., Served]) -> None:
    said = serve(LOG_LEVEL="DEBUG", WORKERS=2).said
    assert said.count("DEBUG - Booting worker with pid") == 2
    assert "DEBUG - Starting gunicorn" in said and "DEBUG - Listening at" in said


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgresql]:
    """A PostgreSQL that asks for passwords, but not on its socket."""
    server = postgres.start(tmp_path_factory.mktemp("strict"))
    with postgres.connect(postgres.settings_of(server, "postgres")) as connection:
        connection.execute("ALTER ROLE postgres PASSWORD 'right'")
        rules = Path(server.base_dir) / "data" / "pg_hba.conf"
        rules.write_text("host all open 127.0.0.1/32 trust\n"
                         "host all all 127.0.0.1/32 scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.stop()


@pytest.mark.parametrize("variables, told", [
    ({"DB_PASSWORD": "right"}, "has no database dbaas: make it with `createdb -h 127.0.0.1 -p "
                               "{port} -U postgres dbaas`, or set DB_NAME"),
    ({"DB_PASSWORD": "right", "DB_NAME": "a b"},
     "createdb -h 127.0.0.1 -p {port} -U postgres 'a b'"),
    ({"DB_PASSWORD": "wrong"}, "does not know the user postgres with this password: set DB_USER "
                               "and DB_PASSWORD"),
    ({"DB_USER": "open"}, "has no user open: set DB_USER, or make it with `createuser -h 127.0.0.1 "
                          "-p {port} open`")],
    ids=["database", "database with a space", "password", "user"])
def test_what_is_missing_in_postgresql_stops_the_start_with_one_line_that_says_what_to_do(
        start: Callable[..., Served], strict: Postgresql, variables: dict[str, str], told: str
        ) -> None:
    port = strict.dsn()["port"]
    line = start(DB_HOST="127.0.0.1", DB_PORT=port, **variables).refused()
    assert f"PostgreSQL at 127.0.0.1:{port} " in line and told.format(port=port) in line


def test_a_command_tells_it_likewise(strict: Postgresql) -> None:
    done = subprocess.run([sys.executable, "-m", "flexdb", "migrate"], cwd=ROOT, text=True,
                          env={"DB_HOST": "127.0.0.1", "DB_PORT": str(strict.dsn()["port"]),
                               "DB_PASSWORD": "wrong"}, capture_output=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"flexdb: PostgreSQL at 127.0.0.1:{strict.dsn()['port']} does not know the user postgres "
        "with this password: set DB_USER and DB_PASSWORD\n")


def test_a_database_that_is_missing_once_postgresql_answers_stops_the_service_then(
        start: Callable[..., Served], server: Postgresql) -> None:
    away = Away(server)
    served = start(DB_HOST="127.0.0.1", DB_PORT=away.port, DB_NAME="nowhere").wait("/health")
    assert f"does not answer at 127.0.0.1:{away.port} yet, trying on (start it" in served.said
    away.come()
    try:
        assert served.process.wait(30) == 1
    finally:
        away.go()
    assert "ERROR - PostgreSQL at" in served.said and "has no database nowhere" in served.said


@pytest.fixture
def usual(server: Postgresql) -> Iterator[None]:
    """A PostgreSQL where the defaults of the settings lead."""
    try:
        proxy = Proxy(server.dsn()["port"], address=("127.0.0.1", 5432))
    except OSError:
        if not answers("localhost", 5432):
            pytest.skip("another program has the port 5432")
        yield
    else:
        yield
        proxy.close()


@pytest.mark.usefixtures("usual")
def test_a_postgresql_on_the_usual_port_is_not_passed_over_silently(
        start: Callable[..., Served]) -> None:
    served = start().wait()
    (line,) = [line for line in served.said.splitlines() if "WARNING" in line]
    assert "A PostgreSQL answers at localhost:5432" in line and "set DB_HOST=localhost" in line
    assert served.end() == 0


def test_only_a_postgresql_answers_as_one(server: Postgresql) -> None:
    assert answers("127.0.0.1", server.dsn()["port"])
    assert not answers("127.0.0.1", free_port())


def test_an_address_of_another_machine_is_refused_in_one_line(start: Callable[..., Served]) -> None:
    # https://www.rfc-editor.org/rfc/rfc5737: no machine has it.
    line = start(DB_HOST="127.0.0.1", JSONRPC_HOST="192.0.2.1").refused()
    assert "cannot listen on 192.0.2.1:" in line and "set JSONRPC_HOST" in line


@pytest.mark.parametrize("command, told", [
    (["-c", "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); "
            "runpy.run_path('wsgi.py', run_name='__main__')"], "Python 3.10 or later is needed"),
    (["-S", "wsgi.py"], "the packages of requirements.txt are not installed for this Python")],
    ids=["an old Python", "a Python without the packages"])
def test_wsgi_py_says_in_one_line_which_python_it_needs(command: list[str], told: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and told in done.stderr
