"""The migrations: up, down, twice, from many processes at once, and killed half way."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from testing.postgresql import Postgresql

from flexdb.config import Settings
from flexdb.db.migrate import FOLDER, MigrationError, migrate, migration_ids, rollback
from tests.support import original, postgres
from tests.support.commands import failure, finish, flexdb
from tests.support.waiting import wait_until

Databases = Callable[..., Settings]

ALL = migration_ids()
NOBODY = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups",
          "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")


def sample(cases: list[tuple[Any, ...]]) -> list[Any]:
    """Have the short form try the last three and every fifth, of cases that cost as much each."""
    return [pytest.param(*case, marks=() if place % 5 == 0 or place >= len(cases) - 3
                         else pytest.mark.longest) for place, case in enumerate(cases)]


@pytest.fixture(scope="module")
def whole(new_database: Databases) -> set[str]:
    """The catalog of a migrated database."""
    with postgres.connect(new_database()) as connection:
        return original.catalog(connection)


@pytest.fixture
def empty(new_database: Databases) -> Settings:
    return new_database(template=None)


@pytest.fixture(scope="module")
def taken_back(new_database: Databases) -> Callable[[int], Settings]:
    """Make a database of which so many migrations were taken back, each of them once for all."""
    made = {0: new_database()}

    def create(back: int) -> Settings:
        nearest = max(one for one in made if one <= back)
        for place in range(nearest + 1, back + 1):
            made[place] = new_database(made[place - 1].db_name)
            assert rollback(made[place]) == ALL[-place]
        return new_database(made[back].db_name)

    return create


def marked(settings: Settings) -> list[str]:
    with postgres.connect(settings) as connection:
        return [name for (name,) in connection.execute(
            "SELECT migration_id FROM _yoyo_migration ORDER BY migration_id")]


def assert_whole(settings: Settings, whole: set[str]) -> None:
    assert marked(settings) == ALL
    with postgres.connect(settings) as connection:
        assert original.catalog(connection) == whole
        assert original.rows(connection, "yoyo_lock") == {"yoyo_lock": []}


@contextmanager
def held(settings: Settings, lock: str) -> Iterator[Callable[[], None]]:
    """Hold a lock; what is given waits until somebody else waits for it."""
    with postgres.connect(settings) as connection, postgres.connect(settings) as observer:
        connection.autocommit = False
        connection.execute(f"LOCK TABLE {lock} MODE".encode())

        def until_wanted() -> None:
            wait_until(lambda: observer.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND cardinality(pg_blocking_pids(pid)) > 0").fetchall(), 60)

        yield until_wanted
        connection.rollback()


@pytest.mark.long
def test_up_down_and_up_again_gives_the_same_schema(empty: Settings, whole: set[str]) -> None:
    with postgres.connect(empty) as connection:
        states = [original.catalog(connection)]
        for _ in range(2):
            assert migrate(empty) == ALL and migrate(empty) == []
            assert_whole(empty, whole)
            assert [rollback(empty) for _ in ALL] == ALL[::-1] and rollback(empty) is None
            assert marked(empty) == []
            states.append(original.catalog(connection))
    assert states == [set()] * 3


@pytest.mark.long
@pytest.mark.parametrize("back", sample([(back,) for back in range(len(ALL) - 1, 0, -1)]))
def test_any_number_of_migrations_can_be_taken_back_and_applied_again(
    taken_back: Callable[[int], Settings], whole: set[str], back: int
) -> None:
    settings = taken_back(back)
    assert migrate(settings) == ALL[-back:]
    assert_whole(settings, whole)


# What 0002, 0005, 0021 and 0024 made of these before 0025 was there.
BEFORE_0025 = """
CREATE OR REPLACE FUNCTION flexdb_list_key(type text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(substr(sha256(convert_to(type, 'UTF8')), 1, 16), 'hex')::uuid
$$;
DO $of_tables$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{node_types,nodes,relationships}'::text[] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON %I'
            ' FOR EACH ROW WHEN (NEW.version = OLD.version)'
            ' EXECUTE FUNCTION flexdb_raise_version()', name);
        EXECUTE format('CREATE TRIGGER flexdb_raise_older_version BEFORE UPDATE ON %I'
            ' FOR EACH ROW WHEN (NEW.version < OLD.version)'
            ' EXECUTE FUNCTION flexdb_raise_version()', name);
    END LOOP;
    EXECUTE regexp_replace(pg_get_functiondef('flexdb_follow_nodes()'::regprocedure),
                           '    -- Where this runs again.*    END IF;\n', '');
END $of_tables$;
"""


def test_a_database_of_before_is_brought_to_the_schema_of_a_fresh_one(
    new_database: Databases, whole: set[str]
) -> None:
    settings = new_database()
    assert [rollback(settings), rollback(settings)] == ["0026-by-row", "0025-one-row"]
    with postgres.connect(settings) as connection:
        connection.execute(BEFORE_0025.encode())
        (text,) = connection.execute(
            "SELECT prosrc FROM pg_proc WHERE proname = 'flexdb_follow_nodes'").fetchone() or ("",)
    assert "flexdb_follow_inserted()" in text and "flexdb_follow_created" not in text
    assert migrate(settings) == ["0025-one-row", "0026-by-row"]
    assert_whole(settings, whole)


def made_functions(file: str) -> dict[str, str]:
    """Return what makes each function of a migration, by its name."""
    made = re.finditer(r"^CREATE OR REPLACE FUNCTION (\w+)(?:(?!\$\$;).)*\$\$;",
                       (FOLDER / file).read_text(), re.DOTALL | re.MULTILINE)
    return {one[1]: one[0] for one in made}


def test_functions_of_before_are_brought_to_what_a_fresh_database_has(
    new_database: Databases, whole: set[str]
) -> None:
    settings = new_database()
    fresh = made_functions("0026-by-row.sql")
    older = {name: text for path in sorted(FOLDER.glob("*.sql"))
             if path.name < "0026" and "rollback" not in path.name
             for name, text in made_functions(path.name).items() if name in fresh}
    assert len(older) > 8 and older == {name: fresh[name] for name in older}
    assert rollback(settings) == "0026-by-row"
    with postgres.connect(settings) as connection:
        for name, text in older.items():
            head = text.partition("$$")[0]
            connection.execute(f"{head}$$BEGIN RAISE 'of before: {name}'; END$$".encode())
    assert migrate(settings) == ["0026-by-row"]
    assert_whole(settings, whole)


def test_a_fresh_database_tells_the_original_that_nothing_is_to_be_done(
    new_database: Databases
) -> None:
    with postgres.connect(new_database()) as connection:
        found = connection.execute("SELECT version FROM schema_migrations ORDER BY 1").fetchall()
    assert tuple(version for (version,) in found) == original.VERSIONS


@pytest.mark.long
@pytest.mark.parametrize("name", sample([(name,) for name in ALL]))
def test_each_migration_may_run_twice(new_database: Databases, whole: set[str], name: str) -> None:
    settings = new_database()
    with postgres.connect(settings) as connection:
        one_row_each(connection)
        before = original.rows(connection, *original.TABLES)
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id = %s", [name])
        assert migrate(settings) == [name]
        assert original.rows(connection, *original.TABLES) == before
    assert_whole(settings, whole)


@pytest.mark.longest
@pytest.mark.long
def test_of_many_processes_at_once_one_applies_and_none_fails(
    empty: Settings, whole: set[str]
) -> None:
    ended = [finish(process) for process in [flexdb(empty, "migrate") for _ in range(8)]]
    assert [status for status, _, _ in ended] == [0] * 8, ended
    told = "".join(errors for _, _, errors in ended)
    assert [told.count(f"Applied migration {name}") for name in ALL] == [1] * len(ALL)
    assert told.count("Migrations completed successfully") == 8
    assert_whole(empty, whole)


@pytest.mark.long
@pytest.mark.parametrize(("applied", "lock"), sample([
    (0, "yoyo_lock IN ACCESS EXCLUSIVE"),   # it has the lock and has done nothing
    (0, "_yoyo_migration IN SHARE"),        # the first is applied and not marked
    (1, "relationships IN ACCESS SHARE"),   # it is in the middle of the second
    (2, "relationships IN ROW EXCLUSIVE"),  # it is in the middle of the third
    (3, "relationships IN ROW EXCLUSIVE"),  # it is in the middle of the fourth
    (4, "users IN ROW EXCLUSIVE"),          # it is in the middle of the fifth
    (5, "tenants IN ROW EXCLUSIVE"),        # it is in the middle of the sixth
    (6, "flexdb_counts IN ACCESS SHARE"),   # it is in the middle of the seventh
    (7, "flexdb_keys IN ACCESS SHARE"),     # it is in the middle of the eighth
    (8, "_yoyo_migration IN SHARE"),        # the ninth is applied and not marked
    (9, "relationships IN ACCESS EXCLUSIVE"),  # it is in the middle of the tenth
    (10, "_yoyo_migration IN SHARE"),       # the eleventh is applied and not marked
    (11, "_yoyo_migration IN SHARE"),       # the twelfth is applied and not marked
    (12, "_yoyo_migration IN SHARE"),       # the thirteenth is applied and not marked
    (13, "_yoyo_migration IN SHARE"),       # the fourteenth is applied and not marked
    (14, "_yoyo_migration IN SHARE"),       # the fifteenth is applied and not marked
    (15, "nodes IN ROW EXCLUSIVE"),         # it is in the middle of the sixteenth
    (16, "_yoyo_migration IN SHARE"),       # the seventeenth is applied and not marked
    (17, "relationships IN ROW EXCLUSIVE"),  # it is in the middle of the eighteenth
    (18, "_yoyo_migration IN SHARE"),       # the nineteenth is applied and not marked
    (19, "relationships IN ROW EXCLUSIVE"),  # it is in the middle of the twentieth
    (20, "tenants IN ROW EXCLUSIVE"),       # it is in the middle of the twenty-first
    (21, "_yoyo_migration IN SHARE"),       # the twenty-second is applied and not marked
    (22, "nodes IN ACCESS SHARE"),          # it is in the middle of the twenty-third
    (23, "nodes IN ACCESS SHARE"),          # it is in the middle of the twenty-fourth
    (24, "nodes IN ACCESS SHARE"),          # it is in the middle of the last
]))
def test_a_migration_that_is_killed_is_repaired_by_the_next_start(
    taken_back: Callable[[int], Settings], whole: set[str], applied: int, lock: str
) -> None:
    settings = taken_back(len(ALL) - applied)
    with held(settings, lock) as until_wanted:
        process = flexdb(settings, "migrate")
        until_wanted()
        process.kill()
        finish(process)
    migrate(settings)
    assert_whole(settings, whole)


def test_a_rollback_that_is_killed_before_it_is_marked_is_repaired_by_the_next_start(
    new_database: Databases, whole: set[str]
) -> None:
    settings = new_database()
    with held(settings, "_yoyo_migration IN SHARE") as until_wanted:
        process = flexdb(settings, "rollback")
        until_wanted()
        process.kill()
        finish(process)
    migrate(settings)
    assert_whole(settings, whole)


def test_a_lock_that_a_killed_process_left_in_yoyo_is_broken(
    empty: Settings, whole: set[str]
) -> None:
    with postgres.connect(empty) as connection:
        connection.execute("CREATE TABLE yoyo_lock (locked int DEFAULT 1 PRIMARY KEY,"
                           " ctime timestamp, pid int NOT NULL)")
        connection.execute("INSERT INTO yoyo_lock (pid) VALUES (1)")
    assert migrate(empty) == ALL
    assert_whole(empty, whole)


def test_no_rollback_drops_a_table_that_holds_a_row(new_database: Databases) -> None:
    settings = new_database()
    assert [rollback(settings) for _ in ALL[1:]] == ALL[:0:-1]
    with postgres.connect(settings) as connection:
        # Without this a row could not be there without the rows it hangs on.
        connection.execute("SET session_replication_role = replica")
        for table in original.TABLES:
            one_row_each(connection, only=table)
            before = original.catalog(connection), original.rows(connection)
            with pytest.raises(MigrationError, match=f"the table {table} holds rows"):
                rollback(settings)
            assert (original.catalog(connection), original.rows(connection)) == before
            connection.execute(f"DELETE FROM {table}".encode())
    assert marked(settings) == ALL[:1] and rollback(settings) == ALL[0]


def test_the_command_takes_the_newest_migration_back(new_database: Databases) -> None:
    settings = new_database()
    assert finish(flexdb(settings, "rollback"))[:2] == (0, f"rolled back {ALL[-1]}\n")
    assert marked(settings) == ALL[:-1]


def test_a_command_says_in_one_line_that_postgresql_is_away() -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        away = Settings(db_host="127.0.0.1", db_port=bound.getsockname()[1])
        told = failure(flexdb(away, "migrate"))
    assert told.startswith("flexdb: PostgreSQL does not answer: ")


def test_a_command_says_in_one_line_that_it_may_not_create_tables(empty: Settings) -> None:
    role = f"weak_{uuid4().hex}"
    with postgres.connect(empty) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
    told = failure(flexdb(replace(empty, db_user=role), "migrate"))
    assert "permission denied" in told or "may not create" in told


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_migrated_too(server: Postgresql, encoding: str) -> None:
    settings = postgres.settings_of(server, f"of_{encoding.lower()}")
    with postgres.connect(postgres.settings_of(server, "postgres")) as connection:
        connection.execute(sql.SQL(
            "CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0").format(
                sql.Identifier(settings.db_name), encoding))
    assert migrate(settings) == ALL


def test_a_command_says_in_one_line_that_postgresql_went_away_while_it_waited(
    empty: Settings
) -> None:
    with postgres.connect(empty) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [int.from_bytes(b"flexdb", "big")])
        process = flexdb(empty, "migrate")
        wait_until(lambda: connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE %s AND pid <> %s",
            ["%pg_try_advisory_lock%", connection.info.backend_pid]).fetchall(), 60)
        assert failure(process).startswith("flexdb: PostgreSQL does not answer: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a name")
def test_a_user_without_a_name_and_a_home_can_migrate(empty: Settings, whole: set[str]) -> None:
    process = flexdb(empty, "migrate", prefix=NOBODY,
                     without=("HOME", "USER", "LOGNAME", "LNAME", "USERNAME"))
    assert finish(process)[0] == 0
    assert_whole(empty, whole)


@pytest.mark.parametrize("part", ["db_password", "db_user", "db_name"])
def test_every_part_of_the_address_may_have_special_characters(
    server: Postgresql, empty: Settings, part: str
) -> None:
    odd = f"p@ss:/?#[]100% &=+;,'\"\\$ä✓%41{uuid4().hex[:8]}"
    changed: dict[str, Any] = {"db_user": f"user_{uuid4().hex}", part: odd}
    settings = replace(empty, **changed)
    if part == "db_name":
        postgres.create_database(server, odd)
    with postgres.connect(empty) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(
            sql.Identifier(settings.db_user), sql.Literal(settings.db_password)))
    with password_asked(server):
        assert migrate(settings) == ALL


@contextmanager
def password_asked(server: Postgresql) -> Iterator[None]:
    """Have the server ask everyone but its own superuser for the password."""
    file = Path(server.base_dir) / "data" / "pg_hba.conf"
    trusting = file.read_text()
    try:
        file.write_text("local all all trust\nhost all postgres all trust\n"
                        "host all all all scram-sha-256\n")
        reload(server)
        yield
    finally:
        file.write_text(trusting)
        reload(server)


def reload(server: Postgresql) -> None:
    with postgres.connect(postgres.settings_of(server, "postgres")) as connection:
        connection.execute("SELECT pg_reload_conf()")


def one_row_each(connection: psycopg.Connection, only: str | None = None) -> None:
    """Insert a row into each of the six tables, or into one."""
    key = str(uuid4())
    row = {"id": key, "tenant_id": key, "user_id": key, "node_type_id": key, "source_node_id": key,
           "target_node_id": key, "created_at": "2024-01-01", "updated_at": "2024-01-02"}
    for table, columns in original.COLUMNS.items():
        if only in (None, table):
            original.insert(connection, table, **{
                column: "text" for column in columns.split() if column not in ("data", "schema")
            } | row)
