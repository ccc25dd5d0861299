"""The connections: made after the fork, replaced when they are lost, refused when they are few."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flexdb import errors
from flexdb.config import Settings
from flexdb.db.migrate import migrate
from flexdb.db.pool import Pool
from flexdb.db.run import Runner
from flexdb.plan import Budget, Plan, Result, Row, Statement, Steps
from tests.support import postgres
from tests.support.paths import ROOT
from tests.support.proxy import Proxy
from tests.support.runner import READ, SLOW_READ, SLOW_WRITE, Behind, sql
from tests.support.service import Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

FORKED = """
import os, sys, warnings
from concurrent.futures import ThreadPoolExecutor
# A pool has threads, of which Python from 3.12 on warns whoever forks: it is what is tried here.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
from flexdb import create_app
from flexdb.config import Settings
from tests.support.service import Service
service = Service(create_app(settings := Settings(db_host="127.0.0.1", db_port=int(sys.argv[1]),
                                                  db_name=sys.argv[2], db_pool_queue=20,
                                                  threads=32)), settings)
made = [service.tenant() for _ in range(8)]

def look(tenant):
    assert service.call("get_tenant", id=tenant["id"])["tenant"] == tenant

for _ in range(2):
    if not os.fork():
        break
else:
    statuses = [os.wait()[1] for _ in range(2)]
    look(made[0])
    service.close()
    sys.exit(any(statuses))
with ThreadPoolExecutor(8) as threads:
    list(threads.map(look, made * 40))
service.close()
"""


# On Python 3.13 a pool that is left to the interpreter's end waits 5 s for each of its threads.
ENDING = """
import atexit, sys, threading
from flexdb.config import Settings
from flexdb.db.pool import Pool
pool = Pool(Settings(db_host="127.0.0.1", db_port=int(sys.argv[1]), db_name=sys.argv[2]))
# What was registered last runs first.
atexit.register(lambda: print([thread.name for thread in threading.enumerate()]))
with pool.connection() as connection:
    connection.execute("SELECT 1")
"""


KEPT_WRITE = replace(SLOW_WRITE, query=SLOW_WRITE.query._replace(lasting=True))


def slow_steps() -> Generator[Statement, Row | None, Result]:
    yield SLOW_WRITE
    return Result(b"done")


SLOW_STEPS = Steps("steps", slow_steps)


@pytest.fixture
def behind(new_database: Callable[..., Settings]) -> Iterator[Callable[..., Behind]]:
    made: list[Behind] = []

    def create(**options: object) -> Behind:
        # Calls without a tenant count as those of one, which may have all connections here.
        size = options.get("db_pool_size", 8)
        made.append(Behind(new_database(**{"tenant_connections": size} | options)))
        return made[-1]

    yield create
    for one in made:
        one.pool.close()


def test_a_pool_that_was_opened_before_a_fork_is_not_shared(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(settings.db_port), settings.db_name], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_a_process_that_ends_has_closed_its_pool_by_then(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    done = subprocess.run(
        [sys.executable, "-c", ENDING, str(settings.db_port), settings.db_name], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['MainThread']\n", "")


def test_nothing_is_connected_before_the_first_call(behind: Callable[..., Behind]) -> None:
    one = behind()
    assert one.backends("idle") == []
    assert one.one(READ) == b"read" and one.backends("idle")


def test_a_burst_of_as_many_calls_as_there_may_be_finds_no_pool_too_small(
        behind: Callable[..., Behind]) -> None:
    one = behind(db_pool_size=8, db_pool_queue=1, db_pool_timeout=20.0)
    start = threading.Barrier(9)
    with ThreadPoolExecutor(9) as threads:
        outcomes = threads.map(lambda _: start.wait() >= 0 and one.one(READ), range(9))
        assert set(outcomes) == {b"read"}


def test_closing_twice_or_unopened_does_no_harm_and_a_closed_pool_opens_again(
        behind: Callable[..., Behind]) -> None:
    one = behind()
    one.pool.close()
    assert one.one(READ) == b"read"
    one.pool.close()
    one.pool.close()
    assert one.one(READ) == b"read"


@pytest.mark.parametrize("kind", ["read", "write", "batch"])
def test_idle_connections_that_the_server_ended_are_never_noticed_by_a_caller(
        new_service: Callable[..., Service], kind: str) -> None:
    service = new_service(tenant_connections=8)
    pool = service.app.extensions["flexdb"]
    one = Behind(service.settings)
    one.use(pool)
    one.fill(one.settings.db_pool_size)
    one.terminate("idle")
    tenant = service.tenant() if kind == "write" else None
    if tenant:
        assert service.call("get_tenant", id=tenant["id"])["tenant"] == tenant
    elif kind == "read":
        assert service.call("list_tenants")["tenants"] == []
    else:
        asked = [{"jsonrpc": "2.0", "id": place, "method": "create_tenant",
                  "params": {"slug": f"s{place}", "name": "n"}} for place in range(5)]
        assert all("result" in reply for reply in service.batch(asked))


def test_many_calls_at_once_after_all_connections_were_lost_succeed(
        behind: Callable[..., Behind]) -> None:
    one = behind()
    one.fill(one.settings.db_pool_size)
    one.terminate("idle")
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(one.one, [READ] * 100)) == {b"read"}


def test_a_read_whose_connection_is_lost_is_sent_once_more(behind: Callable[..., Behind]) -> None:
    one = behind()
    with one.under_way(SLOW_READ) as outcomes:
        one.terminate("active")
    assert outcomes == [b"slow read"]


def test_a_read_whose_connection_is_lost_twice_is_told_as_unavailable(
        behind: Callable[..., Behind]) -> None:
    one = behind()
    outcome = one.one(sql("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert type(outcome) is errors.Unavailable
    assert one.one(READ) == b"read"


def test_a_write_whose_connection_is_lost_is_not_sent_again(behind: Callable[..., Behind]) -> None:
    one = behind()
    with one.under_way(SLOW_WRITE) as outcomes:
        one.terminate("active")
    (error,) = outcomes
    assert type(error) is errors.CommitUnknown
    assert error.data == {"reason": "COMMIT_UNKNOWN", "retryable": False, "retry_after": 1}
    assert one.do("SELECT count(*) FROM written") == [(0,)]
    assert one.one(SLOW_WRITE) == b"written"


def test_a_batch_with_a_write_whose_connection_is_lost_is_not_sent_again(
        behind: Callable[..., Behind]) -> None:
    one = behind()
    write = sql("INSERT INTO written VALUES (1) RETURNING 1")
    with one.under_way(write, SLOW_READ, write) as outcomes:
        one.terminate("active")
    assert [type(outcome) for outcome in outcomes] == [errors.CommitUnknown] * 3
    assert one.do("SELECT count(*) FROM written") == [(0,)]


@pytest.mark.parametrize(
    "sent", [[SLOW_WRITE], [KEPT_WRITE], [SLOW_WRITE, SLOW_READ], [SLOW_STEPS]],
    ids=["alone", "kept prepared", "batch", "steps"])
def test_a_write_is_in_doubt_as_soon_as_the_server_says_farewell(
        behind: Callable[..., Behind], sent: list[Plan]) -> None:
    one = behind()
    proxy = Proxy(one.settings.db_port, linger=1)
    far = Pool(replace(one.settings, db_port=proxy.port))
    runner = Runner(far, 10, 300)
    with ThreadPoolExecutor(1) as thread:
        with one.held():
            outcomes = thread.submit(runner.run, sent, Budget(10**9), None)
            wait_until(one.held_back)
            one.terminate("active")
        assert {type(outcome) for outcome in outcomes.result()} == {errors.CommitUnknown}
    far.close()
    proxy.close()


def test_connections_that_may_only_read_are_replaced_when_others_may_write(
        behind: Callable[..., Behind]) -> None:
    one = behind()
    write = sql("INSERT INTO written VALUES (1) RETURNING 'written'")
    limit = f"ALTER DATABASE {one.settings.db_name} SET default_transaction_read_only = "
    with postgres.connect(replace(one.settings, db_name="postgres")) as outside:
        outside.execute(f"{limit} on".encode())
        one.fill(one.settings.db_pool_size)
        assert type(one.one(write)) is errors.Unavailable and one.one(READ) == b"read"
        outside.execute(f"{limit} off".encode())
    time.sleep(0.5)
    refused = [outcome for outcome in (one.one(write) for _ in range(20)) if outcome != b"written"]
    assert {type(outcome) for outcome in refused} <= {errors.Unavailable}
    assert len(refused) <= one.settings.db_pool_size


def test_a_database_that_is_away_is_complained_of_once_in_a_while(
        new_database: Callable[..., Settings], caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool(replace(new_database(db_pool_timeout=1.5), db_port=1))
    runner = Runner(pool, 10, 300)
    for _ in range(2):
        (told,) = runner.run([READ], Budget(10**9), None)
        assert isinstance(told, errors.Unavailable)
    pool.close()
    said = [record.message for record in caplog.records if record.name == "psycopg.pool"]
    assert len([line for line in said if "Connection refused" in line]) == 1


def test_a_server_that_is_gone_without_a_word_is_given_up_a_while_after_any_statement(
        behind: Callable[..., Behind]) -> None:
    one = behind(statement_timeout=2.0)
    with one.pool.connection() as connection, socket.socket(
            fileno=os.dup(connection.fileno())) as wire:
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5


def test_what_finds_the_queue_full_is_refused_at_once(behind: Callable[..., Behind]) -> None:
    one = behind(db_pool_size=1, db_pool_queue=1, db_pool_timeout=20.0)
    with ThreadPoolExecutor(1) as thread, one.under_way(SLOW_READ) as first:
        second = thread.submit(one.one, READ)
        wait_until(lambda: one.pool.gate.waiting)
        error = one.one(READ)
        assert not first and not second.done(), "it was refused while the others went on"
    assert type(error) is errors.Overloaded and error.data["retry_after"] >= 1
    assert first == [b"slow read"] and second.result() == b"read"


def test_what_waits_too_long_for_a_connection_is_refused(behind: Callable[..., Behind]) -> None:
    one = behind(db_pool_size=1, db_pool_queue=3, db_pool_timeout=0.2)
    with one.under_way(SLOW_READ) as first:
        error = one.one(READ)
        assert not first
    assert type(error) is errors.Overloaded and first == [b"slow read"]


def test_what_waited_while_there_was_no_connection_is_told_so_though_others_have_one_by_now(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    one = Behind(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    one.use(Pool(replace(
        settings, db_host="127.0.0.1", db_port=port, db_pool_size=1, db_pool_timeout=6.0)))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(one.one, SLOW_READ)
        wait_until(lambda: not one.pool.gate.is_free)
        second = threads.submit(one.one, READ)
        wait_until(lambda: one.pool.gate.waiting and one.pool.failure)
        with one.held(), closing(Proxy(settings.db_port, address=("127.0.0.1", port))):
            wait_until(one.held_back)
            assert type(second.result()) is errors.Unavailable
        assert first.result() == b"slow read"
    one.pool.close()


def test_what_finds_the_queue_full_while_there_is_no_connection_is_told_so(
        new_database: Callable[..., Settings]) -> None:
    one = Behind(new_database())
    one.use(Pool(replace(
        one.settings, db_port=1, db_pool_size=1, db_pool_queue=1, db_pool_timeout=6.0)))
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(one.one, READ) for _ in range(2)]
        wait_until(lambda: one.pool.gate.waiting and one.pool.failure)
        assert type(one.one(READ)) is errors.Unavailable
        assert not any(call.done() for call in waiting), "it was refused while the others went on"
    one.pool.close()


@pytest.mark.parametrize("changed", [{"db_port": 1}, {"db_name": "nothing"}, {"db_user": "nobody"}])
def test_a_database_that_cannot_be_reached_is_unavailable_and_not_overloaded(
        new_database: Callable[..., Settings], changed: dict[str, Any]) -> None:
    settings = Settings(**{**vars(new_database()), "db_pool_timeout": 0.2, **changed})
    service = Service.of(settings)
    try:
        (reply,) = service.batch([{"jsonrpc": "2.0", "id": 1, "method": "list_tenants"}])
        assert reply["error"]["data"] == {
            "reason": "UNAVAILABLE", "retryable": True, "retry_after": 1}
        assert service.app.test_client().get("/health").status_code == 200
        assert service.app.test_client().get("/health/ready").status_code == 503
    finally:
        service.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_the_service_is_back_by_itself_when_postgresql_is(
        tmp_path: Path, number: signal.Signals) -> None:
    server = postgres.start(tmp_path)
    settings = postgres.settings_of(server, "test", db_pool_timeout=0.2)
    migrate(settings)
    service = Service.of(settings)
    try:
        tenant = service.tenant()
        server.terminate(number)
        refused = service.post({"jsonrpc": "2.0", "id": 1, "method": "list_tenants"})
        assert refused.json["error"]["data"]["reason"] == "UNAVAILABLE"
        server.start()
        wait_until(lambda: service.app.test_client().get("/health/ready").status_code == 200)
        for _ in range(20):
            assert service.call("get_tenant", id=tenant["id"])["tenant"] == tenant
            assert service.tenant()
    finally:
        service.close()
        server.stop()
