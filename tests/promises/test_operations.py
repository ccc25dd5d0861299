"""The guide for operators tells the truth: what it names is there, what it says to run runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
import pytest
from testing.postgresql import Postgresql

from flexdb import errors
from flexdb.config import Settings
from flexdb.contract.operation import OPERATIONS
from flexdb.db.migrate import MigrationError, migrate, migration_ids, rollback
from flexdb.server.embedded import binaries
from tests.support import postgres
from tests.support.pages import table
from tests.support.paths import ROOT
from tests.support.service import Service
from tests.support.totals import differences
from tests.support.waiting import wait_until
from tests.support.world import World

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def blocks(heading: str, language: str) -> list[str]:
    """Return the blocks of code below a heading, in their order."""
    section = GUIDE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL)


def run_sql(settings: Settings, text: str) -> list[Any]:
    """Run statements one by one, as psql does, and return the rows of the last."""
    with postgres.connect(settings) as connection:
        for statement in filter(str.strip, text.split(";\n")):
            cursor = connection.execute(statement.encode())
    return cursor.fetchall() if cursor.description else []


def run_shell(text: str, server: Postgresql, user: str, folder: Path) -> None:
    """Run lines of a shell, with PostgreSQL's programs and a server for them."""
    port = str(server.dsn()["port"])
    environment = {
        **os.environ, "PATH": f"{binaries()}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "PGUSER": user, "PGHOST": "127.0.0.1", "PGPORT": port,
        "DB_USER": user, "DB_HOST": "127.0.0.1", "DB_PORT": port}
    command = f'flexdb() {{ {shlex.quote(sys.executable)} -m flexdb "$@"; }}'
    done = subprocess.run(["bash", "-euc", f"{command}\n{text}"], cwd=folder, env=environment,
                          text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def user(server: Postgresql, name: str, **options: object) -> Settings:
    return postgres.settings_of(server, "dbaas", db_user=name, **options)


def give_roles(server: Postgresql) -> None:
    """Do what the guide says before the migrations."""
    cluster, database, _ = blocks("Roles", "sql")
    run_sql(postgres.settings_of(server, "postgres"), cluster)
    run_sql(user(server, "postgres"), database)


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgresql]:
    """A server that was made ready as the guide says."""
    server = postgres.start(tmp_path_factory.mktemp("guided"))
    give_roles(server)
    migrate(user(server, "flexdb_owner"))
    run_sql(user(server, "flexdb_owner"), blocks("Roles", "sql")[2])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def app(guided: Postgresql) -> Iterator[Service]:
    with closing(Service.of(user(guided, "flexdb_app"))) as service:
        yield service


def test_every_setting_of_the_way_to_postgresql_is_told() -> None:
    settings = {setting.name.upper() for setting in fields(Settings)}
    assert {name for name in settings if name.startswith(("DB_POOL", "DB_SSL", "DB_DIRECT"))
            } <= set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", GUIDE))


def test_every_metric_that_is_named_is_in_the_reference() -> None:
    told = {row[0].strip("`") for row in table("docs/reference/metrics.md", "## Metrics")}
    named = {name.removesuffix("_bucket") for name in re.findall(r"flexdb_[a-z_]+", GUIDE)}
    assert named - {"flexdb_owner", "flexdb_app", "flexdb_counts", "flexdb_count_changes",
                    "flexdb_keys", "flexdb_events", "flexdb_limits",
                    "flexdb_roles", "flexdb_invitations", "flexdb_rate_usage",
                    "flexdb_usage", "flexdb_declarations", "flexdb_unique", "flexdb_search",
                    "flexdb_relationship_types", "flexdb_relationship_keys",
                    "flexdb_index", "flexdb_index_builds", "flexdb_webhooks",
                    "flexdb_deliveries",
                    "flexdb_changes", "flexdb_change_positions", "flexdb_change_heads",
                    "flexdb_feed", "flexdb_histories", "flexdb_idempotency_keys"} <= told


@pytest.mark.long
@pytest.mark.parametrize("method", OPERATIONS)
def test_a_user_with_those_grants_alone_can_make_every_call(app: Service, method: str) -> None:
    app.call(method, World(app).params(method))


def test_the_totals_are_folded_in_that_user_s_name_too(app: Service) -> None:
    tenant = app.tenant()
    for _ in range(5):
        app.node_type(tenant)
    with postgres.connect(app.settings) as connection:
        connection.execute("SELECT flexdb_fold_counts(%s, 'node_types')", (tenant["id"],))
        assert not differences(connection)


def test_a_service_of_that_user_is_ready_and_migrates_nothing(app: Service) -> None:
    assert migrate(app.settings) == []
    assert app.app.test_client().get("/health/ready").status_code == 200


@pytest.mark.parametrize("statement", [
    "CREATE TABLE more (id int)", "ALTER TABLE nodes ADD COLUMN more int", "TRUNCATE nodes",
    "DROP TABLE nodes", "DELETE FROM _yoyo_migration", "DROP FUNCTION flexdb_nil() CASCADE",
    "ALTER TABLE nodes DISABLE TRIGGER ALL", "CREATE TEMP TABLE more (id int)"])
def test_that_user_cannot_change_what_the_database_is(app: Service, statement: str) -> None:
    with postgres.connect(app.settings) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_a_user_that_may_not_migrate_is_named_when_something_is_to_be_migrated(
        guided: Postgresql) -> None:
    owner = user(guided, "flexdb_owner")
    # No rollback drops a row.
    run_sql(owner, "; ".join(f"DELETE FROM flexdb_{name}" for name in (
            "keys", "events", "invitations", "roles", "relationship_types", "changes", "webhooks")))
    newest = rollback(owner)
    try:
        with pytest.raises(MigrationError, match="user flexdb_app may not create tables"):
            migrate(user(guided, "flexdb_app"))
    finally:
        assert migrate(owner) == [newest]


def test_a_call_that_is_looked_up_and_cancelled_is_told_as_too_long(app: Service) -> None:
    (look,) = blocks("What to do when", "sql")
    node = app.node(app.node_type(app.tenant()))
    told: list[str] = []

    def delete() -> None:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "delete_node",
                 "params": {"tenant_id": node["tenant_id"], "id": node["id"]}}
        told.append(app.post(asked).get_json()["error"]["data"]["reason"])

    superuser = Settings(**{**vars(app.settings), "db_user": "postgres"})
    with postgres.connect(superuser) as holder, holder.transaction():
        holder.execute("SELECT FROM nodes WHERE id = %s FOR UPDATE", (node["id"],))
        caller = threading.Thread(target=delete)
        caller.start()
        (row,) = wait_until(lambda: [row for row in run_sql(superuser, look) if row[3]])
        pid, _, waits_for, blockers, query = row
        assert waits_for == "Lock" and blockers == [holder.info.backend_pid] and "nodes" in query
        holder.execute("SELECT pg_cancel_backend(%s)", (pid,))
        caller.join()
    assert told == [errors.DeadlineExceeded.reason]


@pytest.mark.long
def test_a_backup_made_under_load_is_whole_on_a_fresh_server_and_goes_on_counting(
        guided: Postgresql, app: Service, tmp_path: Path) -> None:
    node_types = [app.node_type(app.tenant()) for _ in range(4)]
    done = threading.Event()

    def write(node_type: dict[str, Any]) -> None:
        while not done.is_set():
            kept, gone = (app.node(node_type, data={"n": n}) for n in range(2))
            app.relationship(kept, gone)
            app.call("delete_node", tenant_id=gone["tenant_id"], id=gone["id"])
            app.node(node_type)

    threads = [threading.Thread(target=write, args=(one,)) for one in node_types]
    for thread in threads:
        thread.start()
    backup, _, restore, *_ = blocks("Backup and restore", "bash")
    try:
        run_shell(backup, guided, "postgres", tmp_path)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    (tmp_path / "fresh").mkdir()
    fresh = postgres.start(tmp_path / "fresh")
    try:
        run_sql(postgres.settings_of(fresh, "postgres"),
                "".join(line + "\n" for line in blocks("Roles", "sql")[0].splitlines()
                        if line.startswith("CREATE ROLE")))
        run_shell(restore, fresh, "postgres", tmp_path)
        owner = user(fresh, "flexdb_owner")
        run_sql(owner, "; ".join(f"DELETE FROM flexdb_{name}" for name in (
            "keys", "events", "invitations", "roles", "relationship_types", "changes", "webhooks")))
        assert migrate(owner) == [] and rollback(owner) == migration_ids()[-1]
        migrate(owner)
        with closing(Service.of(user(fresh, "flexdb_app"))) as restored:
            of = {"tenant_id": node_types[0]["tenant_id"]}
            total = restored.call("list_nodes", **of)["pagination"]["total_count"]
            node = restored.node(node_types[0], data={"after": True})
            assert restored.call("list_nodes", **of)["pagination"]["total_count"] == total + 1
            with postgres.connect(owner) as connection:
                connection.execute("UPDATE nodes SET data = '{}' WHERE id = %s", (node["id"],))
                assert not differences(connection)
            found = restored.call("get_node", **of, id=node["id"])["node"]
            assert found["version"] == 2, "the triggers are alive"
    finally:
        fresh.stop()


def test_totals_that_are_wrong_are_counted_anew(guided: Postgresql, app: Service) -> None:
    node_type = app.node_type(app.tenant())
    with postgres.connect(user(guided, "postgres")) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("INSERT INTO nodes (id, tenant_id, node_type_id)"
                           " VALUES (gen_random_uuid(), %s, %s)",
                           (node_type["tenant_id"], node_type["id"]))
        assert differences(connection)
        (recount,) = blocks("What to do when", "bash")
        run_shell(recount, guided, "flexdb_owner", ROOT)
        assert not differences(connection)
