"""flexdb behind PgBouncer in transaction mode: the same answers, whatever is restarted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import psycopg
import pytest
from testing.postgresql import Postgresql

from flexdb import errors
from flexdb.config import ConfigError, Settings
from flexdb.db.address import NotReachable, conninfo
from flexdb.db.capacity import check_capacity
from flexdb.db.migrate import MigrationError, migrate, migration_ids, rollback
from flexdb.db.upkeep import keep_up
from flexdb.transfer.files import export_tenant, import_file
from tests.support import pgbouncer, postgres
from tests.support.paths import ROOT
from tests.support.pgbouncer import PgBouncer
from tests.support.runner import READ, SLOW_READ, SLOW_WRITE, Behind, sql
from tests.support.served import Served, variables_of
from tests.support.service import RpcError, Service
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pgbouncer.needed]

CORE = ["protocol/test_results.py", "protocol/test_batches.py", "operations/test_transactions.py",
        "operations/test_bulk.py", "operations/test_transfer.py", "protocol/test_idempotency.py",
        "database/test_database_errors.py"]
# It counts the transactions of connections that have ended, and PgBouncer keeps them.
NOT_THROUGH = "tests/protocol/test_batches.py::test_a_batch_of_100_is_one_committed_transaction"


@pytest.fixture
def through(bouncer: PgBouncer, new_database: Callable[..., Settings]) -> Callable[..., Settings]:
    """Make a database that is reached through PgBouncer."""
    return lambda **options: bouncer.settings(new_database(**options))


@pytest.fixture
def behind(through: Callable[..., Settings]) -> Iterator[Callable[..., Behind]]:
    made: list[Behind] = []

    def create(settings: Settings | None = None, **options: object) -> Behind:
        made.append(Behind(settings or through(**options)))
        return made[-1]

    yield create
    for one in made:
        one.pool.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Postgresql, PgBouncer]]:
    """A server and a PgBouncer that may be stopped."""
    for name in ("server", "bouncer"):
        (tmp_path / name).mkdir()
    server = postgres.start(tmp_path / "server")
    bouncer = PgBouncer(tmp_path / "bouncer", server.dsn()["port"])
    yield server, bouncer
    bouncer.stop()
    server.stop()


def change_database(settings: Settings, *commands: str) -> None:
    with postgres.connect(settings) as connection:
        for command in commands:
            connection.execute(f"ALTER DATABASE {settings.db_name} SET {command}".encode())


@pytest.mark.longest
def test_the_tests_of_behaviour_pass_through_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--no-cov",
         *(f"tests/{name}" for name in CORE), "--deselect", NOT_THROUGH],
        cwd=ROOT, env=os.environ | {"TEST_PGBOUNCER": "true"}, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.longest
def test_several_workers_share_few_connections_under_load(
        tmp_path: Path, own: tuple[Postgresql, PgBouncer]) -> None:
    server, bouncer = own
    bouncer.stop()
    (tmp_path / "few").mkdir()
    few = PgBouncer(tmp_path / "few", server.dsn()["port"], default_pool_size=3)
    settings = few.settings(postgres.settings_of(server, "test"))
    variables = variables_of(settings, DB_PGBOUNCER="true", DB_DIRECT_PORT=few.behind, WORKERS=3)
    with Served(tmp_path, **variables) as served:
        served.wait()
        tenant = served.call("create_tenant", slug="few", name="Few")["result"]["tenant"]
        node_type = served.call("create_node_type", tenant_id=tenant["id"], name="T")
        of_type = {"tenant_id": tenant["id"],
                   "node_type_id": node_type["result"]["node_type"]["id"]}

        def work(number: int) -> int:
            for _ in range(20):
                made = served.call("create_node", **of_type, data={"n": number})["result"]["node"]
                found = served.call("get_node", tenant_id=tenant["id"], id=made["id"])
                assert found["result"]["node"] == made
            return 20

        with ThreadPoolExecutor(8) as threads:
            made = sum(threads.map(work, range(8)))
        listed = served.call("list_nodes", tenant_id=tenant["id"])["result"]
        assert listed["pagination"]["total_count"] == made
        with postgres.connect(settings) as connection:
            counted = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'flexdb'"
                " AND datname = current_database()").fetchone()
        assert counted and counted[0] <= 3
    few.stop()
    bouncer.start()


def test_idle_connections_that_pgbouncer_ended_are_never_noticed_by_a_caller(
        own: tuple[Postgresql, PgBouncer], behind: Callable[..., Behind]) -> None:
    server, bouncer = own
    one = behind(bouncer.settings(postgres.settings_of(server, "test", db_pool_timeout=0.5)))
    one.fill(4)
    bouncer.stop()
    assert type(one.one(READ)) is errors.Unavailable
    bouncer.start()
    wait_until(lambda: one.one(READ) == b"read")
    one.fill(4)
    bouncer.stop()
    bouncer.start()
    assert one.one(SLOW_WRITE) == b"written"


@pytest.mark.longest
def test_while_postgresql_is_away_behind_it_each_call_is_told_so_in_time_and_then_it_is_back(
        own: tuple[Postgresql, PgBouncer], behind: Callable[..., Behind]) -> None:
    server, bouncer = own
    one = behind(bouncer.settings(postgres.settings_of(server, "test")))
    assert one.one(SLOW_WRITE) == b"written"
    server.terminate()
    for statement in [READ, SLOW_WRITE] * 3:
        begun = time.monotonic()
        outcome = one.one(statement)
        assert isinstance(outcome, errors.Unavailable) and outcome.retryable, outcome
        assert outcome.why and time.monotonic() - begun < 10
    server.start()
    wait_until(lambda: one.one(READ) == b"read")
    for _ in range(10):
        assert one.one(SLOW_WRITE) == b"written"
    assert one.do("SELECT count(*) FROM written") == [(11,)]


def test_a_read_whose_connection_to_postgresql_is_lost_is_sent_once_more(
        behind: Callable[..., Behind]) -> None:
    one = behind()
    with one.under_way(SLOW_READ) as outcomes:
        one.terminate("active")
    assert outcomes == [b"slow read"]


@pytest.mark.parametrize("calls", [1, 3], ids=["one call", "a batch"])
def test_a_write_whose_connection_to_postgresql_is_lost_is_not_sent_again(
        behind: Callable[..., Behind], calls: int) -> None:
    one = behind()
    with one.under_way(*[SLOW_WRITE] * calls) as outcomes:
        one.terminate("active")
    assert [type(outcome) for outcome in outcomes] == [errors.CommitUnknown] * calls
    assert one.do("SELECT count(*) FROM written") == [(0,)]
    assert one.one(SLOW_WRITE) == b"written"


def test_a_write_that_pgbouncer_gave_to_no_connection_may_be_sent_again(
        own: tuple[Postgresql, PgBouncer], tmp_path: Path, behind: Callable[..., Behind]) -> None:
    (tmp_path / "one").mkdir()
    single = PgBouncer(tmp_path / "one", own[1].behind, default_pool_size=1, query_wait_timeout=1)
    one = behind(single.settings(postgres.settings_of(own[0], "test")))
    with one.under_way(SLOW_READ) as first:
        outcome = one.one(SLOW_WRITE)
        assert not first
    single.stop()
    assert type(outcome) is errors.Overloaded and outcome.retryable
    assert first == [b"slow read"] and one.do("SELECT count(*) FROM written") == [(0,)]


def test_a_pgbouncer_that_takes_no_more_clients_is_unavailable_and_says_why(
        own: tuple[Postgresql, PgBouncer], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    full = PgBouncer(tmp_path / "full", own[1].behind, max_client_conn=1)
    settings = full.settings(postgres.settings_of(own[0], "test", db_pool_timeout=0.5))
    migrate(settings)
    first, second = Service.of(settings), Service.of(settings)
    with closing(first), closing(second):
        assert first.call("list_tenants")["tenants"] == []
        with pytest.raises(RpcError) as refused:
            second.call("list_tenants")
        assert refused.value.reason == "UNAVAILABLE"
        ready = second.app.test_client().get("/health/ready").get_json()
        assert "no more connections allowed" in ready["reason"]
    full.stop()


def test_the_timeouts_that_only_postgresql_can_hold_are_asked_for_at_start(
        through: Callable[..., Settings], caplog: pytest.LogCaptureFixture,
        bouncer: PgBouncer) -> None:
    settings = through(statement_timeout=0.5)
    check_capacity(settings)
    (line,) = caplog.messages
    assert 'ALTER ROLE "postgres" SET statement_timeout = 500;' in line
    assert 'ALTER ROLE "postgres" SET idle_in_transaction_session_timeout = 60000;' in line
    settings = through(statement_timeout=0.5)
    change_database(settings, "statement_timeout = 500",
                    "idle_in_transaction_session_timeout = 60000")
    caplog.clear()
    check_capacity(settings)
    assert not caplog.messages
    one = Behind(settings)
    slow = sql("SELECT 'slow', pg_sleep(0.8)")
    assert type(one.one(slow)) is errors.DeadlineExceeded
    assert one.one(replace(slow, long=True)) == b"slow"
    assert type(one.one(slow)) is errors.DeadlineExceeded
    one.pool.close()


def test_options_of_the_environment_are_not_sent(
        through: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=8MB")
    with closing(Service.of(through())) as service:
        assert service.call("list_tenants")["tenants"] == []


def test_without_the_setting_the_reason_says_that_it_is_needed(
        through: Callable[..., Settings]) -> None:
    settings = replace(through(), db_pgbouncer=False, db_direct_port=0)
    with pytest.raises(NotReachable, match="set DB_PGBOUNCER=true"):
        migrate(settings)


def test_a_missing_database_is_to_be_made_past_it(through: Callable[..., Settings]) -> None:
    settings = replace(through(), db_name="nowhere")
    for ask in (check_capacity, migrate):
        with pytest.raises(ConfigError, match=f"createdb .* -p {settings.db_direct_port} "):
            ask(settings)


def test_migrations_go_past_it_and_without_a_way_past_it_are_refused(
        through: Callable[..., Settings]) -> None:
    settings = through(template=None)
    without = replace(settings, db_direct_port=0)
    with pytest.raises(MigrationError, match="set DB_DIRECT_HOST or DB_DIRECT_PORT"):
        migrate(without)
    change_database(settings, "statement_timeout = 1")
    assert migrate(settings) == migration_ids()
    change_database(settings, "statement_timeout = 0")
    assert migrate(without) == []
    with pytest.raises(MigrationError, match="set DB_DIRECT_HOST or DB_DIRECT_PORT"):
        rollback(without)
    assert rollback(settings) == migration_ids()[-1]


def test_upkeep_goes_past_it_and_leaves_nothing_to_calls_that_share_its_connections(
        through: Callable[..., Settings]) -> None:
    settings = through()
    without = replace(settings, db_direct_port=0)
    change_database(settings, "statement_timeout = '10s'")
    assert keep_up(settings) == 0
    with pytest.raises(MigrationError, match="upkeep .* set DB_DIRECT_HOST or DB_DIRECT_PORT"):
        keep_up(without)
    with psycopg.connect(conninfo(without), prepare_threshold=None) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("10s",)


@pytest.mark.parametrize("past_it", [True, False])
def test_export_and_import_take_as_long_as_they_need(
        through: Callable[..., Settings], tmp_path: Path, past_it: bool) -> None:
    files = [str(tmp_path / name) for name in ("exported", "again")]
    source, target = through(), through()
    with closing(Service.of(source)) as service:
        service.node(service.node_type(service.tenant(slug="large")))
    one = Behind(source)
    wait_until(lambda: not one.backends("idle"))
    for settings in (source, target):
        change_database(settings, "statement_timeout = '1s'")
    out, into = ((source, target) if past_it else
                 (replace(settings, db_direct_port=0) for settings in (source, target)))
    with waiting(source):
        export_tenant(out, "large", files[0])
    with waiting(target):
        import_file(into, files[0])
    export_tenant(target, "large", files[1])
    assert Path(files[0]).read_bytes() == Path(files[1]).read_bytes()


@contextmanager
def waiting(settings: Settings) -> Iterator[None]:
    """Keep statements on nodes waiting until one has for longer than its second, or is away."""
    long_one = ("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database() AND now() - query_start > interval '1.3 s'")
    ended = Event()
    with postgres.connect(settings) as holds, postgres.connect(settings) as looks, \
            ThreadPoolExecutor(1) as threads:
        for connection in (holds, looks):
            connection.execute("SET statement_timeout = 0")
        holds.autocommit = False
        holds.execute("LOCK TABLE nodes")

        def let_go() -> bool:
            wait_until(lambda: ended.is_set() or looks.execute(long_one).fetchone() == (1,))
            has_waited = not ended.is_set()
            # What waited may be done before the next line.
            holds.rollback()
            return has_waited

        waited = threads.submit(let_go)
        try:
            yield
        finally:
            ended.set()
        assert waited.result()
