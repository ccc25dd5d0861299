"""Statements of a kind that wait at the same time: in one transaction, with what each alone gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest

from flexdb import errors
from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.operation import OPERATIONS
from flexdb.db import groups
from flexdb.db.pool import Pool
from flexdb.errors import FlexdbError
from flexdb.plan import Budget, Result, Row, Statement
from flexdb.sql.loader import make_query
from flexdb.telemetry import watch
from tests.support import postgres
from tests.support.runner import SLOW_READ, Behind
from tests.support.service import RpcError, Service
from tests.support.waiting import wait_until
from tests.support.ways import Way

pytestmark = pytest.mark.long

ABSENT = "0190163d-8694-739b-aea5-966c26f8ad91"
# Behind.held lets them wait. What they give names their transaction.
INSERT = make_query("create_node", """
    WITH w AS (INSERT INTO written VALUES (100 / %(number)s::int) RETURNING number)
    SELECT pg_current_xact_id()::text, pg_advisory_xact_lock_shared(20000) FROM w
    WHERE %(tenant_id)s::text || %(node_type_id)s::text <> ''""", "write")
SELECT = make_query("get_node", """
    SELECT virtualtransaction, pg_advisory_xact_lock_shared(20000) FROM pg_locks
    WHERE pid = pg_backend_pid() AND %(tenant_id)s::text <> '' LIMIT 1""", "read")


def read(row: Row | None) -> Result:
    return Result(row[0].encode() if row else b"")


def write(number: int = 1, tenant_id: str = "t", node_type_id: str = "a",
          data: bytes = b"{}") -> Statement:
    return Statement(INSERT, {"number": number, "tenant_id": tenant_id,
                              "node_type_id": node_type_id, "data": data}, read)


def look(tenant_id: str = "t") -> Statement:
    return Statement(SELECT, {"tenant_id": tenant_id}, read)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, whoever waits goes with others."""
    monkeypatch.setattr(groups, "_PATIENCE", 60.0)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


@pytest.fixture
def one(new_database: Callable[..., Settings]) -> Iterator[Behind]:
    one = Behind(new_database(tenant_connections=8))
    yield one
    one.pool.close()


Outcome = Future[bytes | FlexdbError]


def gathered(one: Behind, threads: ThreadPoolExecutor, *statements: Statement) -> list[Outcome]:
    """Let statements wait for one before them, all at once; return what is to come of them."""
    before = one.runner._gathering.enter(statements[0], None)
    begun = []
    for statement in statements:
        begun.append(threads.submit(one.one, statement))
        wait_until(lambda: waiting(one) == len(begun))
    one.runner._gathering.leave(before)
    return begun


def waiting(one: Behind) -> int:
    return sum(map(len, one.runner._gathering._waiting.values()))


def kinds(begun: list[Outcome]) -> list[type]:
    return [type(outcome.result()) for outcome in begun]


@pytest.mark.parametrize("kind", [write, look])
def test_what_waits_for_another_of_its_kind_goes_together(
        one: Behind, patient: None, threads: ThreadPoolExecutor,
        kind: Callable[[], Statement]) -> None:
    begun = gathered(one, threads, *[kind()] * 5)
    assert len({outcome.result() for outcome in begun}) == 1
    assert kinds(begun) == [bytes] * 5 and not one.runner._gathering._waiting
    assert one.one(kind()) != begun[0].result()


def test_gets_of_several_tenants_go_together_where_the_caller_sees_all(
        one: Behind, patient: None, threads: ThreadPoolExecutor) -> None:
    begun = gathered(one, threads, *map(look, "abc"))
    assert len({outcome.result() for outcome in begun}) == 1 and kinds(begun) == [bytes] * 3


def test_what_comes_while_one_is_at_the_database_goes_next(
        one: Behind, patient: None, threads: ThreadPoolExecutor) -> None:
    with one.held():
        first = threads.submit(one.one, write())
        wait_until(one.held_back)
        others = [threads.submit(one.one, write()) for _ in range(4)]
        wait_until(lambda: waiting(one) == 4)
        assert one.held_back() == 1
    assert len({other.result() for other in others} - {first.result()}) == 1


def test_no_more_go_together_than_may(one: Behind, patient: None, threads: ThreadPoolExecutor,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_MOST", 3)
    begun = gathered(one, threads, *[write()] * 8)
    assert sorted(Counter(outcome.result() for outcome in begun).values()) == [2, 3, 3]


@pytest.mark.parametrize("other", [write(tenant_id="u"), write(node_type_id="b"), look(),
                                   write(data=b'"%b"' % (b"x" * groups._LARGE))],
                         ids=["tenant", "type", "kind", "large"])
def test_who_has_nothing_in_common_or_is_large_waits_for_nobody(
        one: Behind, patient: None, threads: ThreadPoolExecutor, other: Statement) -> None:
    with one.held():
        begun = [threads.submit(one.one, write()), threads.submit(one.one, other)]
        wait_until(lambda: one.held_back() == 2)
    assert kinds(begun) == [bytes] * 2


def test_a_get_of_more_than_a_node_by_its_id_goes_alone() -> None:
    bare: dict[str, Any] = {"tenant_id": ABSENT, "id": ABSENT}
    for params, goes in ((bare, True), (bare | {"expand": {"near": {}}}, False)):
        plan = OPERATIONS["get_node"].plan(Context(), params, partial(orjson.dumps, params))
        assert groups.goes_together(plan) is goes


def test_callers_who_see_other_tenants_never_go_together(
        one: Behind, patient: None, threads: ThreadPoolExecutor) -> None:
    def run(bound: tuple[str, ...] | None) -> type:
        return type(one.runner.run([write()], Budget(10**9), bound)[0])

    with one.held():
        begun = [threads.submit(run, bound) for bound in (None, ("t",), ("t", "u"), ("u",))]
        wait_until(lambda: one.held_back() == 3)
    # The fence lets nobody through to a tenant that the caller does not see.
    assert [outcome.result() for outcome in begun] == [Result] * 3 + [errors.Internal]


def test_where_one_fails_each_goes_alone_and_so_do_some_behind_it(
        one: Behind, patient: None, threads: ThreadPoolExecutor) -> None:
    begun = gathered(one, threads, write(), write(0), write())
    assert kinds(begun) == [bytes, errors.InvalidParams, bytes]
    assert begun[0].result() != begun[2].result()
    assert one.do("SELECT count(*) FROM written") == [(2,)]
    (left,) = one.runner._gathering._alone.values()
    assert 0 < left <= groups._ALONE
    with one.held():
        behind = [threads.submit(one.one, write()) for _ in range(2)]
        wait_until(lambda: one.held_back() == 2)
    assert kinds(behind) == [bytes] * 2
    assert [*one.runner._gathering._alone.values()] == [left - 2]


def test_where_one_fails_those_of_other_kinds_go_together_all_the_same(
        one: Behind, patient: None, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_MOST_KINDS", 2)
    for tenant in "abcd":
        gathered(one, threads, write(tenant_id=tenant), write(0, tenant_id=tenant))[0].result()
        assert len({call.result() for call in gathered(one, threads, *[write()] * 3)}) == 1
    # Of kinds that never come again not all are remembered.
    wait_until(lambda: 0 < len(one.runner._gathering._alone) <= 2)


def test_who_has_waited_long_enough_goes_alone(one: Behind, threads: ThreadPoolExecutor) -> None:
    with one.held():
        begun = [threads.submit(one.one, write()) for _ in range(4)]
        wait_until(lambda: one.held_back() == 4)
    assert len({outcome.result() for outcome in begun}) == 4
    assert not one.runner._gathering._waiting


def test_nobody_waits_for_one_for_whom_another_has_waited_long_enough(
        one: Behind, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    with one.held():
        begun = [threads.submit(one.one, write()) for _ in range(2)]
        wait_until(lambda: one.held_back() == 2)
        monkeypatch.setattr(groups, "_PATIENCE", 600.0)
        begun.append(threads.submit(one.one, write()))
        wait_until(lambda: one.held_back() == 3)
    assert kinds(begun) == [bytes] * 3
    # And those behind it go together again.
    assert len({outcome.result() for outcome in gathered(one, threads, *[write()] * 3)}) == 1


def test_what_was_written_and_not_read_to_its_end_is_in_doubt_and_never_written_again(
        one: Behind, patient: None, threads: ThreadPoolExecutor) -> None:
    statement = write()
    # No date of Python's.
    text = statement.query.text.replace(b"pg_current_xact_id()::text", b"'infinity'::date")
    statement = replace(statement, query=statement.query._replace(text=text))
    begun = gathered(one, threads, *[statement] * 3)
    assert kinds(begun) == [errors.CommitUnknown] * 3
    wait_until(lambda: one.do("SELECT count(*) FROM written") == [(3,)])
    assert type(one.one(write())) is bytes


@pytest.mark.parametrize("kind, told", [(write, errors.CommitUnknown), (look, bytes)])
def test_a_connection_that_is_lost_is_told_to_all_who_wrote_and_those_who_read_read_again(
        one: Behind, patient: None, threads: ThreadPoolExecutor,
        kind: Callable[[], Statement], told: type) -> None:
    one.do("CREATE SEQUENCE tried")
    statement = kind()
    slow = statement.query.text.replace(
        b"pg_advisory_xact_lock_shared(20000)",
        b"CASE nextval('tried') WHEN 1 THEN pg_sleep(60) END")
    statement = replace(statement, query=statement.query._replace(text=slow))
    begun = gathered(one, threads, *[statement] * 4)
    wait_until(lambda: one.do("SELECT is_called FROM tried") == [(True,)])
    one.terminate("active")
    assert kinds(begun) == [told] * 4


def test_one_that_waits_for_anothers_write_holds_the_rest_of_its_group_up_for_a_moment_only(
        one: Behind, patient: None, threads: ThreadPoolExecutor) -> None:
    one.do("CREATE UNIQUE INDEX ON written (number)")
    with postgres.connect(one.settings) as outside, outside.transaction():
        outside.execute("INSERT INTO written VALUES (100)")
        # 100 / 1 is what is being written; 100 / 2 and 100 / 4 are not.
        begun = gathered(one, threads, write(2), write(1), write(4))
        assert kinds(begun[::2]) == [bytes] * 2 and not begun[1].done()
    assert kinds(begun)[1] is not bytes


def test_where_no_connection_is_to_be_had_all_are_told_so_in_the_time_of_one(
        new_database: Callable[..., Settings], patient: None, threads: ThreadPoolExecutor) -> None:
    one = Behind(new_database(tenant_connections=1, db_pool_size=1, db_pool_timeout=0.3))
    with one.pool.connection():
        begun = gathered(one, threads, *[write()] * 4)
        assert kinds(begun) == [errors.Overloaded] * 4
    assert one.pool.metrics.pool_refused.labels("timeout")._value.get() == 1
    one.pool.close()


def test_all_are_told_how_far_postgresql_was_behind_what_they_wrote(
        new_database: Callable[..., Settings], patient: None, threads: ThreadPoolExecutor) -> None:
    one = Behind(new_database())
    one.use(Pool(replace(one.settings, db_replica_host="127.0.0.1")))

    def position() -> int:
        watched = watch.begin("r")
        assert isinstance(one.one(write()), bytes)
        return watched.position

    before = one.runner._gathering.enter(write(), None)
    begun = [threads.submit(position) for _ in range(3)]
    wait_until(lambda: waiting(one) == 3)
    one.runner._gathering.leave(before)
    assert len({told.result() for told in begun}) == 1 and begun[0].result()
    one.pool.close()


def test_a_position_that_was_told_of_something_before_is_not_told_to_others_who_read(
        one: Behind, patient: None, threads: ThreadPoolExecutor) -> None:
    def position(before: int) -> int:
        watched = watch.begin("r")
        watched.see_position(before)
        assert isinstance(one.one(look()), bytes)
        return watched.position

    first = one.runner._gathering.enter(look(), None)
    begun = []
    for before in (5, 0):
        begun.append(threads.submit(position, before))
        wait_until(lambda: waiting(one) == len(begun))
    one.runner._gathering.leave(first)
    assert [told.result() for told in begun] == [5, 0]


def of_tenant(one: Behind, tenant: str, statement: Statement) -> bytes | FlexdbError:
    """Run a statement for a tenant's call."""
    watch.begin("r").tenant = tenant
    try:
        return one.one(statement)
    finally:
        watch.end()


@pytest.mark.parametrize("others", [0, 1], ids=["of them first", "behind one of them"])
def test_a_tenant_beside_one_that_has_all_it_may_have_neither_waits_with_it_nor_is_refused(
        new_database: Callable[..., Settings], patient: None, threads: ThreadPoolExecutor,
        others: int) -> None:
    one = Behind(new_database(db_pool_size=3, tenant_connections=2))
    # They need not wait for the lock.
    fast = look().query._replace(text=look().query.text.replace(b"20000", b"1"))
    before = one.runner._gathering.enter(replace(look(), query=fast), None)
    with one.held():
        begun = []
        if not others:
            begun.append(threads.submit(of_tenant, one, "loud", replace(look("loud"), query=fast)))
            wait_until(lambda: waiting(one) == 1)
            begun.append(threads.submit(of_tenant, one, "quiet", replace(look("q"), query=fast)))
            wait_until(lambda: waiting(one) == 2)
        loud = [threads.submit(of_tenant, one, "loud", SLOW_READ) for _ in range(2)]
        wait_until(lambda: one.held_back() == 2)
        one.runner._gathering.leave(before)
        if others:
            begun.append(threads.submit(of_tenant, one, "loud", replace(look("loud"), query=fast)))
            wait_until(lambda: one.pool.gate.waiting)
            begun.append(threads.submit(of_tenant, one, "quiet", replace(look("q"), query=fast)))
        assert isinstance(begun[1].result(60), bytes)
    assert kinds([*begun, *loud]) == [bytes] * 4
    one.pool.close()


def test_many_at_once_each_get_what_they_would_get_alone(
        way: Way, threads: ThreadPoolExecutor) -> None:
    settings, node_type = way
    of_type = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]}
    with closing(Service.of(settings)) as service:
        def work(worker: int) -> Counter[str]:
            told: Counter[str] = Counter()
            for number in range(30):
                # Each id is wanted by two workers.
                id = f"0190a000-0000-7000-8000-{worker // 2:04}{number:08}"
                try:
                    made = service.call("create_node", **of_type, id=id, data={"n": number})
                    assert made["node"]["id"] == id
                    told["made"] += 1
                except RpcError as error:
                    told[error.reason] += 1
                found = service.call("get_node", tenant_id=of_type["tenant_id"], id=id)
                assert found["node"]["data"] == {"n": number}
            return told

        told = sum(threads.map(work, range(8)), Counter())
        assert told == {"made": 120, "ALREADY_EXISTS": 120}
        nodes = service.call("list_nodes", tenant_id=of_type["tenant_id"],
                             pagination={"page_size": 200})
        assert len(nodes["nodes"]) == 120
