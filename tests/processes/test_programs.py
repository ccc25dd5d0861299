"""PostgreSQL's programs as commands, on the database of the settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flexdb.config import Settings
from flexdb.db.address import Server
from flexdb.server.programs import ProgramError, find_program
from tests.support.commands import failure, finish, flexdb
from tests.support.pages import blocks
from tests.support.paths import ROOT
from tests.support.service import Service

PASSWORD = "kilroy's pass word"
ARGUMENTS = r"\! tr '\0' ' ' < /proc/$PPID/cmdline"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Put a program into PATH, before all others, that says of itself what version it is."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def put(name: str, version: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        path.chmod(0o755)
        return str(path)

    return put


@pytest.mark.long
def test_psql_is_on_the_database_and_shows_the_password_to_nobody(
        new_database: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = new_database(db_password=PASSWORD)
    # They are meant for another PostgreSQL.
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    monkeypatch.setenv("PGDATABASE", "another")
    status, output, errors = finish(flexdb(
        settings, "psql", "-At", "--command=SELECT current_database()", "--command", ARGUMENTS))
    assert status == 0, errors
    assert output.splitlines()[0] == settings.db_name
    assert "psql" in output and "SELECT current_database()" in output and "kilroy" not in output


@pytest.mark.long
def test_a_program_s_failure_is_the_command_s(new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    status, output, errors = finish(flexdb(settings, "psql", "--command=SELECT 1 / 0"))
    assert (status, output) == (1, "") and "division by zero" in errors
    status, _, errors = finish(flexdb(settings, "pg_dump", "--no-such-option"))
    assert status == 1 and "no-such-option" in errors


@pytest.mark.long
def test_what_does_not_answer_is_told_in_one_line(new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    told = failure(flexdb(Settings(db_host="127.0.0.1", db_port=1), "psql"))
    assert told.startswith("flexdb: PostgreSQL does not answer: ")
    told = failure(flexdb(Settings(db_host="127.0.0.1", db_port=settings.db_port,
                                   db_name="missing"), "psql"))
    assert "has no database missing" in told


def test_the_program_is_as_new_as_the_server_or_a_little_newer(programs: Callable[..., str]
                                                               ) -> None:
    mine = programs("psql", "15.4 (Debian 15.4-1)")
    assert find_program("psql", Server(14, False), "disable") == mine
    assert find_program("psql", Server(15, True), "require") == mine
    assert "pginstall/" in find_program("psql", Server(16, False), "disable")
    assert "pginstall18/" in find_program("psql", Server(17, False), "disable")
    # Those of the package are better known than another of their version.
    programs("psql", "18beta1")
    assert "pginstall18/" in find_program("psql", Server(18, False), "prefer")


@pytest.mark.parametrize("mode", ["allow", "prefer"])
def test_what_flexdb_encrypts_no_program_sends_in_clear(programs: Callable[..., str], mode: str
                                                        ) -> None:
    mine = programs("pg_dump", "18.1")
    assert find_program("pg_dump", Server(16, True), mode) == mine
    assert "pginstall/" in find_program("pg_dump", Server(16, False), mode)


def test_a_server_without_a_network_is_not_asked_in_clear_against_the_setting(
        programs: Callable[..., str]) -> None:
    # A socket is never encrypted, and the package's programs would refuse the mode.
    mine = programs("psql", "18.1")
    assert find_program("psql", Server(16, False), "require") == mine


def test_where_there_is_none_it_is_said_what_to_do(programs: Callable[..., str]) -> None:
    programs("pg_dump", "15.4")
    with pytest.raises(ProgramError, match="no pg_dump of PostgreSQL 19 or later here: install "
                                           "PostgreSQL's own, as `apt-get install postgresql-"
                                           "client-19` does, or the package"):
        find_program("pg_dump", Server(19, False), "disable")
    for mode in ("prefer", "verify-full"):
        with pytest.raises(ProgramError, match=f"16 or later here that knows DB_SSL_MODE={mode}"):
            find_program("pg_dump", Server(16, True), mode)


@pytest.mark.long
def test_a_dump_is_read_into_another_database(new_database: Callable[..., Settings],
                                              tmp_path: Path) -> None:
    one, other = new_database(), new_database(template=None)
    with closing(Service.of(one)) as service:
        tenant = service.tenant()
        node = service.node(service.node_type(tenant), data={"name": "Ada"})
    file = str(tmp_path / "dump")
    for settings, arguments in ((one, ["pg_dump", "--format=custom", f"--file={file}"]),
                                (other, ["pg_restore", "--exit-on-error", file])):
        assert finish(flexdb(settings, *arguments)) == (0, "", "")
    with closing(Service.of(other)) as service:
        found = service.call("list_nodes", tenant_id=tenant["id"])
        assert (found["nodes"], found["pagination"]["total_count"]) == ([node], 1)


@pytest.mark.long
@pytest.mark.longest
def test_the_embedded_database_is_backed_up_and_restored_as_it_is_shown(tmp_path: Path) -> None:
    shown = [text for _, text in blocks("docs/operations.md", "bash",
                                        "### The embedded PostgreSQL")]
    assert len(shown) == 2 and "pg_dump" in shown[0] and "pg_restore" in shown[1]
    names = {name.upper() for name in Settings.__dataclass_fields__}
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment["PYTHONPATH"] = str(ROOT)

    def run(script: str) -> str:
        command = f'set -e\nflexdb() {{ "{sys.executable}" -m flexdb "$@"; }}\n{script}'
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    make = "CREATE TABLE tenants AS SELECT 'acme-corp' AS slug, 'Acme' AS name"
    run(f'flexdb psql --quiet --command "{make}"')
    assert "acme-corp | Acme" in run(shown[0])
    query = "SELECT slug FROM tenants"
    assert run(f"{shown[1]}flexdb psql -At --command '{query}'") == "acme-corp\n"
    assert not (tmp_path / ".flexdb/data/postmaster.pid").exists()
    assert (tmp_path / "restored/.flexdb/data/PG_VERSION").exists()
