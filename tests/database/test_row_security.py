"""Row security: PostgreSQL shows a tenant's rows to whoever names that tenant alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from flexdb import cli
from flexdb.access.callers import Caller
from flexdb.config import Settings
from flexdb.config.reading import variables_of
from flexdb.db.migrate import MigrationError, rollback
from flexdb.db.pool import Pool
from flexdb.db.row_security import FILTERS, RowSecurityError, check, switch
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError
from flexdb.operations.nodes import MEMBERS
from flexdb.plan import Budget, Outcome, Plan, Result, Row, Statement, Steps, Walk
from flexdb.query.filters import condition
from flexdb.server import keys, startup
from flexdb.server.listening import StartError
from flexdb.sql.loader import make_query
from flexdb.transfer.files import export_tenant, import_file
from tests.support import postgres
from tests.support.pgbouncer import PgBouncer, needed
from tests.support.row_security import switched_on, user
from tests.support.service import RpcError, Service, request
from tests.support.world import World

TABLES = ("node_types", "nodes", "relationships", "tenant_users", "flexdb_keys",
          "flexdb_relationship_types", "flexdb_changes")


# What else has a tenant's id is the service's own: what it counts, notes, derives and allows.
SERVICE = {"flexdb_counts", "flexdb_count_changes", "flexdb_events", "flexdb_limits",
           "flexdb_rate_usage", "flexdb_usage", "flexdb_roles", "flexdb_invitations",
           "flexdb_declarations", "flexdb_unique", "flexdb_search", "flexdb_relationship_keys",
           "flexdb_index", "flexdb_index_builds", "flexdb_webhooks", "flexdb_deliveries",
           "flexdb_change_positions", "flexdb_change_heads", "flexdb_histories",
           "flexdb_idempotency_keys"}


def unbound(table: str, tenant_id: str, write: str = "", **options: Any) -> Statement:
    """Return a statement that knows its tenant and forgets it in its WHERE."""
    look = (f"SELECT string_agg(DISTINCT x.tenant_id::text, ' ') FROM {table} x "
            "WHERE %(tenant_id)s::uuid IS NOT NULL")
    query = make_query("forgets", write or look, "write" if write else "read")
    return Statement(query, {"tenant_id": tenant_id, **options}, read)


def read(row: Row | None) -> Result:
    return Result(str(row[0] if row else "none").encode())


class Two:
    """Two tenants in a database with row security, and a runner of who is held by it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        with_all = Service.of(settings)
        self.own, self.other = World(with_all), World(with_all)
        with_all.close()
        self.user = switched_on(settings)
        self.runner = Runner(Pool(self.user), 10, 300)
        self.ids = [self.own.tenant["id"], self.other.tenant["id"]]

    def run(self, *plans: Plan) -> list[bytes | FlexdbError]:
        return [told(outcome) for outcome in self.runner.run(plans, Budget(10**9), None)]

    def close(self) -> None:
        self.runner.pool.close()


def told(outcome: Outcome) -> bytes | FlexdbError:
    return outcome if isinstance(outcome, FlexdbError) else outcome.text


@pytest.fixture(scope="module")
def two(new_database: Callable[..., Settings]) -> Iterator[Two]:
    two = Two(new_database())
    yield two
    two.close()


def in_steps(statements: list[Statement]) -> Steps:
    """Return steps whose result is what each statement gives."""
    def start() -> Walk:
        found = []
        for one in statements:
            row = yield one
            found.append(str(row[0]))
        return Result(" ".join(found).encode())

    return Steps("steps", start)


def test_whatever_has_a_tenants_id_is_fenced_or_the_services_own(two: Two) -> None:
    with postgres.connect(two.settings) as connection:
        found = connection.execute(
            "SELECT c.relname, c.relrowsecurity FROM pg_attribute a JOIN pg_class c "
            "ON c.oid = a.attrelid WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') "
            "AND c.relnamespace = 'public'::regnamespace").fetchall()
    assert {name for name, fenced in found if fenced} == set(TABLES)
    assert {name for name, fenced in found if not fenced} == SERVICE


@pytest.mark.parametrize("table", TABLES)
def test_a_statement_that_forgets_its_tenant_sees_that_tenant_alone(two: Two, table: str) -> None:
    for id in two.ids:
        assert two.run(unbound(table, id)) == [id.encode()]
        # Which takes another way.
        assert two.run(replace(unbound(table, id), long=True)) == [id.encode()]
        by_cursor = make_query("own", f"SELECT min(x.tenant_id::text) FROM {table} x WHERE "
                               "%(tenant_id)s::uuid IS NOT NULL AND %(list)s::text[] = '{a}'")
        assert two.run(Statement(by_cursor, {"tenant_id": id, "list": ["a"]}, read)
                       ) == [id.encode()]


def test_each_statement_of_a_transaction_sees_its_own_tenant(two: Two) -> None:
    ids = [*two.ids, two.ids[1], two.ids[0], two.ids[0]]
    statements = [unbound("nodes", id) for id in ids]
    assert two.run(*statements) == [id.encode() for id in ids]
    assert two.run(in_steps(statements)) == [" ".join(ids).encode()]
    mixed: list[Plan] = [in_steps(statements[:2]), *statements, in_steps(statements[1:])]
    assert two.run(*mixed) == [" ".join(ids[:2]).encode(), *(id.encode() for id in ids),
                               " ".join(ids[1:]).encode()]


def test_without_a_tenant_no_row_is_seen_of_what_tenants_store(two: Two) -> None:
    named = unbound("nodes", two.ids[0])
    for table, seen in zip(TABLES, (0, 0, 0, 2, 2)):
        nobody = Statement(make_query("own", f"SELECT count(DISTINCT x.tenant_id) FROM {table} x"),
                           {}, read)
        expected = str(seen).encode()
        # Also on a connection that has just named one, and behind it in a transaction.
        assert two.run(named)[0] and two.run(nobody) == [expected]
        assert two.run(named, nobody, named)[1] == expected


@pytest.mark.parametrize("write", [
    "UPDATE nodes n SET data = '{}' WHERE %(tenant_id)s::uuid IS NOT NULL AND n.id = %(id)s "
    "RETURNING 'done'",
    "DELETE FROM nodes n WHERE %(tenant_id)s::uuid IS NOT NULL AND n.id = %(id)s RETURNING 'done'",
    "INSERT INTO node_types (id, tenant_id, name) SELECT gen_random_uuid(), %(theirs)s, 'Mine' "
    "WHERE %(tenant_id)s::uuid IS NOT NULL AND %(id)s::text IS NOT NULL RETURNING 'done'",
    "UPDATE node_types SET tenant_id = %(theirs)s WHERE tenant_id = %(tenant_id)s AND "
    "%(id)s::text IS NOT NULL RETURNING 'done'",
])
def test_a_write_that_forgets_its_tenant_changes_no_other(two: Two, write: str) -> None:
    def rows() -> Any:
        with postgres.connect(two.settings) as connection:
            return [connection.execute(f"SELECT x.* FROM {table} x ORDER BY x.id".encode()
                                       ).fetchall() for table in ("node_types", "nodes")]

    before = rows()
    (outcome,) = two.run(unbound("", two.ids[0], write, id=two.other.node["id"],
                                 theirs=two.ids[1]))
    assert outcome == b"none" or isinstance(outcome, FlexdbError)
    assert rows() == before


def test_an_error_behind_the_row_is_the_statements(two: Two) -> None:
    with postgres.connect(two.settings) as connection:
        connection.execute("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'too late' USING ERRCODE = '57014'; END $$;
            CREATE CONSTRAINT TRIGGER refused AFTER UPDATE ON node_types DEFERRABLE INITIALLY
            DEFERRED FOR EACH ROW WHEN (NEW.name = 'too late') EXECUTE FUNCTION refuse()""")
    update = partial(unbound, "", two.ids[0], "UPDATE node_types SET name = %(name)s "
                     "WHERE tenant_id = %(tenant_id)s RETURNING 'done'")
    (late,) = two.run(update(name="too late"))
    assert isinstance(late, FlexdbError) and late.reason == "DEADLINE_EXCEEDED"
    # The connection is as good as before.
    assert two.run(update(name="in time")) == [b"done"]
    assert two.run(unbound("nodes", two.ids[1])) == [two.ids[1].encode()]


def test_what_is_about_all_tenants_goes_on(two: Two) -> None:
    service = Service.of(two.user)
    assert {two.ids[0], two.ids[1]} <= {tenant["id"]
                                        for tenant in service.call("list_tenants")["tenants"]}
    secret = keys.create_key(two.user, None, "", "operator", 1, ())
    assert replace(service, secret=secret).call("get_caller")["caller"]["role"] == "operator"
    made = World(service)
    totals = [service.call(f"list_{kind}", tenant_id=made.tenant["id"])["pagination"]["total_count"]
              for kind in ("nodes", "node_types", "relationships", "tenant_users")]
    assert totals == [3, 1, 2, 1]
    service.call("delete_user", id=made.user["id"])
    service.call("delete_tenant", id=made.tenant["id"])
    with postgres.connect(two.settings) as connection:
        for table in (*TABLES, "flexdb_counts", "flexdb_count_changes"):
            assert connection.execute(f"SELECT FROM {table} WHERE tenant_id = %s".encode(),
                                      [made.tenant["id"]]).fetchall() == []
    service.close()


def test_it_is_beside_the_first_fence(two: Two) -> None:
    """A caller who is bound to a tenant is held by both."""
    outcome, = two.runner.run([unbound("nodes", two.ids[1])], Budget(10**9),
                              Caller("key:x", "viewer", two.ids[0]).tenants)
    assert isinstance(outcome, FlexdbError) and outcome.reason == "INTERNAL"


@needed
@pytest.mark.long
def test_behind_pgbouncer_no_statement_sees_another_ones_tenant(
        two: Two, tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(f'"{two.user.db_user}" "postgres"\n"postgres" "postgres"\n')
    users.chmod(0o644)
    bouncer = PgBouncer(tmp_path, two.settings.db_port, default_pool_size=2, auth_file=users)
    settings = bouncer.settings(replace(two.user, db_pool_size=8))
    runner = Runner(Pool(settings), 10, 300)

    def ask(number: int) -> bool:
        id, other = two.ids[number % 2], two.ids[(number + 1) % 2]
        plans: list[list[Plan]] = [
            [unbound("nodes", id)], [in_steps([unbound("nodes", one) for one in (id, other, id)])],
            [Statement(make_query("fails", "SELECT 1/(%(tenant_id)s::text = '')::int"),
                       {"tenant_id": id}, read)],
            [Statement(make_query("own", "SELECT count(*) FROM nodes"), {}, read)]]
        expected: list[Any] = [id.encode(), f"{id} {other} {id}".encode(), None, b"0"]
        kind = number // 2 % len(plans)
        (outcome,) = runner.run(plans[kind], Budget(10**9), None)
        return expected[kind] is None or told(outcome) == expected[kind]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(2000)))
    runner.pool.close()
    bouncer.stop()


def test_who_names_no_tenant_is_told_so_and_never_shown_a_part(
        two: Two, caplog: pytest.LogCaptureFixture) -> None:
    blind = replace(two.user, db_row_security=False)
    with pytest.raises(RowSecurityError, match="set DB_ROW_SECURITY=true"):
        check(blind)
    with pytest.raises(StartError, match="set DB_ROW_SECURITY=true"):
        startup.prepare(blind)
    service = Service.of(blind)
    with pytest.raises(RpcError) as refused:
        service.call("list_nodes", tenant_id=two.ids[0])
    assert refused.value.reason == "INTERNAL" and "row-level security" in caplog.text
    ready = service.app.test_client().get("/health/ready")
    assert ready.status_code == 503 and "set DB_ROW_SECURITY=true" in ready.text
    service.close()
    fit = Service.of(two.user)
    assert fit.app.test_client().get("/health/ready").status_code == 200
    fit.close()


def test_an_export_is_whole_or_refused(two: Two, tmp_path: Path) -> None:
    file = tmp_path / "tenant.ndjson"
    with pytest.raises(FlexdbError, match="as a superuser, or as who owns the tables"):
        export_tenant(two.user, two.ids[0], str(file))
    export_tenant(two.settings, two.ids[0], str(file))
    text = file.read_text()
    # A tenant with its user and member, type, three nodes and their two relationships.
    assert len(text.splitlines()) == 10
    file.write_text(text.replace(two.ids[0], str(uuid4())).replace(two.own.tenant["slug"], "copy"))
    with pytest.raises(FlexdbError, match="row-level security"):
        import_file(two.user, str(file))
    import_file(two.settings, str(file))


@pytest.mark.long
def test_the_policies_are_not_taken_back_while_they_are_needed(
        new_database: Callable[..., Settings]) -> None:
    settings = replace(new_database(), db_row_security=True)
    switch(settings, on=True)
    with pytest.raises(MigrationError, match="0009-row-security .* row security is on"):
        while rollback(settings):
            pass
    switch(settings, on=False)
    assert rollback(settings) == "0009-row-security"
    with pytest.raises(RowSecurityError, match="run the command migrate"):
        switch(settings, on=True)


def test_a_start_tells_where_it_does_not_hold_as_it_is_set(
        new_database: Callable[..., Settings], caplog: pytest.LogCaptureFixture) -> None:
    settings = replace(new_database(), db_row_security=True)
    app, owner = user(settings), user(settings, owns=True)

    def told_at_a_start(settings: Settings) -> str:
        caplog.clear()
        check(settings)
        return caplog.text

    assert "row-security on" in told_at_a_start(app)
    switch(owner, on=True)
    assert "a superuser" in told_at_a_start(settings)
    assert "--force" in told_at_a_start(owner)
    told = told_at_a_start(app)
    assert "ALTER FUNCTION pg_catalog.jsonb_contains(jsonb,jsonb) LEAKPROOF;" in told
    assert "does not hold" not in told and "is off" not in told
    switch(owner, on=True, force=True)
    assert "does not hold" not in told_at_a_start(owner)
    with pytest.raises(FlexdbError, match="not forced"):
        export_tenant(owner, Service.of(app).tenant()["id"], None)
    switch(owner, on=False)
    check(replace(app, db_row_security=False))
    with postgres.connect(settings) as connection:
        assert connection.execute("SELECT FROM pg_class WHERE relrowsecurity OR relforcerowsecurity"
                                  ).fetchall() == []


def test_the_command_switches_it_and_says_what_is_missing(
        new_database: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    settings = new_database()
    for name, value in variables_of(settings).items():
        monkeypatch.setenv(name, value)
    assert cli.main(["row-security", "on"]) == 1
    assert "first set DB_ROW_SECURITY=true" in capsys.readouterr().err
    monkeypatch.setenv("DB_ROW_SECURITY", "true")
    assert cli.main(["row-security", "on"]) == 0
    told = capsys.readouterr()
    assert told.out == ("row security is on for flexdb_changes, flexdb_keys, "
                            "flexdb_relationship_types, "
                        "node_types, nodes, relationships, "
                        "tenant_users\n")
    assert "superuser" in told.err and "LEAKPROOF" in told.err
    monkeypatch.setenv("DB_USER", user(settings).db_user)
    assert cli.main(["row-security", "off"]) == 1
    assert "must be owner of" in capsys.readouterr().err
    monkeypatch.setenv("DB_USER", "postgres")
    assert cli.main(["row-security", "off"]) == 0
    assert cli.main(["row-security", "off", "--force"]) == 2


@pytest.mark.longest
@pytest.mark.long
def test_a_switch_does_not_hold_calls_up(new_database: Callable[..., Settings]) -> None:
    settings = replace(new_database(), db_row_security=True)
    with postgres.connect(settings) as other, other.transaction():
        other.execute("SELECT FROM nodes")
        with pytest.raises(RowSecurityError, match="lock timeout"):
            switch(settings, on=True)
    with postgres.connect(settings) as connection:
        assert connection.execute("SELECT FROM pg_class WHERE relrowsecurity").fetchall() == []


@pytest.mark.long
def test_filters_are_planned_as_without_where_their_functions_are_leakproof(
        new_database: Callable[..., Settings]) -> None:
    two = Two(new_database())
    with postgres.connect(two.settings) as connection:
        connection.execute(
            "INSERT INTO nodes (id, tenant_id, node_type_id, data) SELECT gen_random_uuid(), "
            "n.tenant_id, n.node_type_id, json_build_object('a', s) FROM nodes n, "
            "generate_series(1, 3000) s; ANALYZE nodes")

    def plan(settings: Settings, value: Any, off: str) -> list[str]:
        """Return what a plan finds rows by and looks at in each, in which order."""
        sql, arguments = condition({"data.a": value}, MEMBERS, "n")
        given = {name: one.decode() if isinstance(one, bytes) else one
                 for name, one in ({"tenant_id": two.ids[0]} | arguments).items()}
        with psycopg.connect(host=settings.db_host, port=settings.db_port, dbname=settings.db_name,
                             user=settings.db_user) as held:
            held.execute(f"SET flexdb.tenant_id = '{two.ids[0]}'; SET {off} = off".encode())
            lines = held.execute("EXPLAIN (COSTS OFF) SELECT FROM nodes n WHERE n.tenant_id = "
                                 f"%(tenant_id)s AND {sql}".encode(), given).fetchall()
        # What the policy adds is looked at once, before any row is.
        return [line.lstrip(" ->") for line, in lines
                if any(part in line for part in (" on nodes", "Cond:", " Filter:"))
                and "One-Time" not in line]

    index, scan = "enable_seqscan", "enable_bitmapscan"
    looks = [(1, index), (1, scan), ({"$in": [1, 2]}, index), ({"$in": [1, 2]}, scan),
             ({"$contains": 1}, index), ({"$elemMatch": {"b": 1}}, index)]
    without = [plan(two.settings, *look) for look in looks]
    assert all(("nodes_by_data" in str(lines)) == (off == index)
               for lines, (_, off) in zip(without, looks))

    def is_planned_as_without() -> bool:
        return [plan(two.user, *look) for look in looks] == without

    assert is_planned_as_without()
    for name in FILTERS:
        with postgres.connect(two.settings) as connection:
            connection.execute(f"ALTER FUNCTION pg_catalog.{name} NOT LEAKPROOF".encode())
            assert not is_planned_as_without(), name
            connection.execute(f"ALTER FUNCTION pg_catalog.{name} LEAKPROOF".encode())
    two.close()


def test_a_batch_through_a_door_is_kept_to_each_calls_tenant(two: Two) -> None:
    service = Service.of(two.user)
    replies = service.batch([request("get_node", {"tenant_id": world.tenant["id"], "id":
                                                  world.node["id"]})
                             for world in (two.own, two.other, two.own)])
    assert [reply["result"]["node"]["tenant_id"] for reply in replies] == [*two.ids, two.ids[0]]
    service.close()
