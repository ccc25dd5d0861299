"""The service as a process: how it starts, what stops it, what it refuses, what it takes over."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.migrate import FOLDER, migrate, migration_ids
from flexdb.server.keys import create_key
from tests.support import postgres
from tests.support.away import Away
from tests.support.paths import ROOT
from tests.support.served import Served, variables_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

EXPECTED = """\
INFO - Loading environment from .env.local
INFO - Connecting to database...
INFO - Connected to database successfully
INFO - Running database migrations...
INFO - Migrations completed successfully
INFO - Starting JSON-RPC server on 127.0.0.1:{port}...
INFO - JSON-RPC endpoint: http://127.0.0.1:{port}/jsonrpc
INFO - Health check endpoint: http://127.0.0.1:{port}/health"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in which no PostgreSQL is left running."""
    yield tmp_path
    for pid in postmasters(tmp_path):
        os.kill(pid, signal.SIGQUIT)


def postmasters(folder: Path) -> list[int]:
    """Return the running PostgreSQL server of a folder."""
    found = subprocess.run(["pgrep", "-f", f"bin/postgres -D {re.escape(str(folder))}/"],
                           capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def in_order(lines: str, said: str) -> bool:
    return bool(re.search(".*?".join(map(re.escape, lines.splitlines())), said, re.DOTALL))


@pytest.mark.longest
def test_a_copy_of_the_tree_in_any_folder_starts_alone_and_stops_whole(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What runs in a copy is not what coverage counts.
    for name in [name for name in os.environ if name.startswith("COV")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "a [copy] of it's tree"
    for name in ("flexdb", "migrations"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / ".env.local").write_text("LOG_LEVEL=INFO\n")
    served = Served(folder, PYTHONPATH="")
    port = served.port
    with closing(served):
        served.wait()
        assert in_order(EXPECTED.format(port=port), served.said), served.said
        assert served.call("list_tenants")["result"]["tenants"] == []
        assert postmasters(folder)
        assert served.end(signal.SIGINT) == 0
        assert not postmasters(folder) and "Traceback" not in served.said
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.longest
def test_data_is_kept_over_a_kill_and_a_start_and_a_second_start_disturbs_neither(
        folder: Path, start: Callable[..., Served]) -> None:
    first = start().wait()
    tenant = first.call("create_tenant", slug="kept", name="Kept")["result"]["tenant"]
    second = start()
    assert f"already running in this folder (process {first.process.pid})" in second.refused()
    assert first.call("get_tenant", id=tenant["id"])["result"]["tenant"] == tenant
    server = postmasters(folder)
    first.end(signal.SIGKILL)
    third = start(JSONRPC_PORT=first.port).wait()
    assert postmasters(folder) == server
    assert third.call("get_tenant", id=tenant["id"])["result"]["tenant"] == tenant
    third.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "Hang up" in third.said and third.answers("/health/ready"))
    assert third.end(signal.SIGTERM) == 0
    assert not postmasters(folder)
    assert not list((folder / ".flexdb" / "data").glob("postmaster.pid"))


@pytest.mark.parametrize("moment, number", [
    ("initdb", signal.SIGINT), ("Starting the embedded", signal.SIGINT),
    ("Connected to database", signal.SIGINT), ("Connected to database", signal.SIGTERM)])
def test_a_start_that_is_interrupted_leaves_nothing_running(
        folder: Path, start: Callable[..., Served], moment: str, number: int) -> None:
    served = start()
    if moment == "initdb":
        wait_until(lambda: list((folder / ".flexdb").glob("data*/base")))
    else:
        wait_until(lambda: moment in served.said)
    served.end(number)
    wait_until(lambda: not postmasters(folder))
    assert "Traceback" not in served.said


def test_a_taken_port_is_refused_in_one_line_before_anything_is_started(
        folder: Path, start: Callable[..., Served]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in start(JSONRPC_PORT=port).refused()
    assert not (folder / ".flexdb" / "data").exists()


@pytest.fixture
def stray_row(new_database: Callable[..., Settings]) -> Settings:
    """A database of the original in which a node is of another tenant's type."""
    settings = new_database(template=None)
    tables = (FOLDER / "0001-tables.sql").read_text()
    one, other, node_type = uuid4(), uuid4(), uuid4()
    with postgres.connect(settings) as connection:
        connection.execute(tables.encode())
        for tenant in (one, other):
            connection.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'T')",
                               (tenant, str(tenant)))
        connection.execute("INSERT INTO node_types (id, tenant_id, name) VALUES (%s, %s, 'N')",
                           (node_type, one))
        connection.execute("INSERT INTO nodes (id, tenant_id, node_type_id) VALUES (%s, %s, %s)",
                           (uuid4(), other, node_type))
    return settings


def test_a_migration_that_fails_stops_the_start_with_one_line(
        start: Callable[..., Served], stray_row: Settings) -> None:
    line = start(**variables_of(stray_row)).refused()
    assert "0002-tenant-keys failed" in line and "1 rows point across tenants" in line


def test_a_role_that_may_not_create_tables_stops_the_start_with_one_line(
        start: Callable[..., Served], new_database: Callable[..., Settings]) -> None:
    settings, role = new_database(template=None), f"reader_{uuid4().hex}"
    with postgres.connect(settings) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
    assert role in start(**variables_of(settings, DB_USER=role)).refused()


@pytest.fixture
def away(server: Postgresql) -> Iterator[Away]:
    away = Away(server)
    yield away
    away.go()


def test_without_postgresql_the_workers_answer_and_once_it_is_there_it_is_migrated(
        start: Callable[..., Served], away: Away, new_database: Callable[..., Settings]) -> None:
    settings = new_database(template=None)
    served = start(**variables_of(settings, DB_PORT=away.port, DB_POOL_TIMEOUT=0.3, WORKERS=1))
    served.wait("/health")
    error = served.call("list_tenants")["error"]
    assert error["code"] == -32005
    assert error["data"] == {"reason": "UNAVAILABLE", "retryable": True, "retry_after": 1}
    status, told = served.get("/health/ready")
    assert status == 503 and told["status"] == "unavailable" and told["reason"]
    away.come()
    served.wait("/health/ready")
    created = served.call("create_tenant", slug="there", name="There")
    assert created["result"]["tenant"]["slug"] == "there"
    for name in migration_ids():
        assert served.said.count(f"Applied migration {name}") == 1
    assert migrate(settings) == []
    assert served.end() == 0 and "Traceback" not in served.said


def test_a_migration_that_fails_later_stops_the_service_with_one_line(
        start: Callable[..., Served], away: Away, stray_row: Settings) -> None:
    served = start(**variables_of(stray_row, DB_PORT=away.port)).wait("/health")
    away.come()
    assert served.process.wait(30) == 1
    assert "Traceback" not in served.said
    (line,) = [line for line in served.said.splitlines() if "0002" in line]
    assert "0002-tenant-keys failed" in line and "1 rows point across tenants" in line


@pytest.mark.longest
@pytest.mark.parametrize("tell, number", [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)],
                         ids=["Ctrl-C", "SIGTERM"])
def test_an_end_while_workers_are_still_booting_and_postgresql_is_away_is_prompt_and_whole(
        start: Callable[..., Served], away: Away, tell: Callable[[int, int], None], number: int
        ) -> None:
    for _ in range(2):
        served = start(DB_HOST="127.0.0.1", DB_PORT=away.port).wait("/health")
        # Ctrl-C in a terminal reaches every process of the group.
        tell(served.process.pid, number)
        assert served.process.wait(20) == 0, "a worker that missed it is killed after 30 s"
        assert "Traceback" not in served.said
        wait_until(lambda: not session(served.process.pid))


def session(leader: int) -> bytes:
    """Return the processes of a session that still run."""
    return subprocess.run(["pgrep", "-s", str(leader)], capture_output=True).stdout


@pytest.mark.longest
@pytest.mark.parametrize("arrives", ["before", "after"])
def test_a_start_where_all_need_a_key_says_when_nobody_has_one(
        start: Callable[..., Served], away: Away, new_database: Callable[..., Settings],
        arrives: str) -> None:
    settings, told = new_database(), "Nobody can call yet"
    if arrives == "before":
        away.come()
    served = start(**variables_of(settings, DB_PORT=away.port), AUTH="required").wait("/health")
    away.come() if arrives == "after" else None
    served.wait("/health/ready")
    wait_until(lambda: told in served.said)
    assert served.get("/tenants")[0] == 401
    served.end()
    create_key(settings, None, "", "first", 1, ())
    again = start(**variables_of(settings), AUTH="required").wait("/health/ready")
    assert told not in again.said and "Whoever calls needs a key" in again.said
