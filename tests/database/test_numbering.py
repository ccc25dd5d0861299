"""Positions in the feed: dense, in one order for all, and none is left out whoever commits when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import psycopg
import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.feed import (
    Connection,
    Naive,
    Reader,
    assert_whole,
    new_node,
    new_relationship,
    new_tenant,
    number,
)
from tests.support.plans import nodes_of, pages_read
from tests.support.waiting import wait_until

Connect = Callable[[], Connection]


@pytest.fixture(scope="module")
def database(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture
def connect(database: Settings) -> Iterator[Connect]:
    """Connect once more; each connection is closed at the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(postgres.connect(database))


@pytest.fixture
def one(connect: Connect) -> Connection:
    return connect()


@pytest.fixture
def late(connect: Connect) -> Connection:
    """Whoever is in a transaction that has an id already, lower than all that come."""
    connection = connect()
    connection.execute("BEGIN")
    connection.execute("SELECT pg_current_xact_id()")
    return connection


@pytest.fixture
def tenant(one: Connection) -> tuple[UUID, UUID]:
    return new_tenant(one)


def test_what_is_committed_late_is_read_where_naive_cursors_lose_it(
        one: Connection, late: Connection, connect: Connect, tenant: tuple[UUID, UUID]) -> None:
    reader = Reader(connect(), tenant[0])
    naive = [Naive(reader.connection, tenant[0], by) for by in (Naive.BY_SEQUENCE, Naive.BY_TIME)]
    first = new_node(late, *tenant)
    second = new_node(one, *tenant)
    reader.read()
    for each in naive:
        each.read()
    late.execute("COMMIT")
    reader.read_all()
    assert [each.lost() for each in naive] == [{(first, 1)}, {(first, 1)}]
    assert [change.object_id for change in reader.seen][-2:] == [second, first]
    assert_whole(reader)


@pytest.mark.parametrize("most", [1, 2, 5, 10_000])
def test_what_is_committed_late_is_read_though_numbering_was_cut(
        one: Connection, late: Connection, connect: Connect, tenant: tuple[UUID, UUID], most: int
) -> None:
    reader = Reader(connect(), tenant[0], most)
    new_node(late, *tenant)
    for _ in range(3):
        new_node(one, *tenant)
        reader.read()
        new_node(late, *tenant)
        new_node(one, *tenant)
        reader.read()
    late.execute("COMMIT")
    reader.read_all()
    assert_whole(reader)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("old", [True, False])
def test_who_numbers_in_a_transaction_of_their_own_leaves_nobody_out(
        one: Connection, late: Connection, connect: Connect, tenant: tuple[UUID, UUID],
        times: int, old: bool) -> None:
    numbers, reader = connect(), Reader(connect(), tenant[0])
    numbers.execute("BEGIN")
    if old:
        # In the place of the older one, whose change comes then from a younger transaction.
        numbers.execute("SELECT pg_current_xact_id()")
        late.execute("ROLLBACK")
        late.execute("BEGIN")
    new_node(late, *tenant)
    new_node(one, *tenant)
    for _ in range(times):
        number(numbers, tenant[0])
    numbers.execute("COMMIT")
    reader.read()
    late.execute("COMMIT")
    reader.read_all()
    assert_whole(reader)


def test_who_numbers_what_they_wrote_themselves_gives_it_a_position_with_their_commit(
        one: Connection, late: Connection, connect: Connect, tenant: tuple[UUID, UUID]) -> None:
    reader = Reader(connect(), tenant[0])
    new_node(late, *tenant)
    number(late, tenant[0])
    new_node(late, *tenant)
    new_node(one, *tenant)
    # Nobody waits for the one who numbers: there is nothing yet.
    assert reader.read() == []
    late.execute("COMMIT")
    assert len(reader.read_all()) >= 3
    assert_whole(reader)


@pytest.mark.parametrize("back", ["ROLLBACK", "ROLLBACK TO SAVEPOINT here"])
def test_numbers_that_are_rolled_back_are_given_again(
        one: Connection, connect: Connect, tenant: tuple[UUID, UUID], back: str) -> None:
    numbers, reader = connect(), Reader(connect(), tenant[0])
    numbers.execute("BEGIN")
    numbers.execute("SAVEPOINT here")
    new_node(one, *tenant)
    number(numbers, tenant[0])
    numbers.execute(back)
    reader.read_all()
    numbers.execute("COMMIT")
    new_node(one, *tenant)
    reader.read_all()
    assert_whole(reader)


def test_a_snapshot_of_a_whole_transaction_numbers_nothing(
        one: Connection, late: Connection, connect: Connect, tenant: tuple[UUID, UUID]) -> None:
    old, reader = connect(), Reader(connect(), tenant[0])
    reader.read_all()
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    new_node(one, *tenant)
    assert number(old, tenant[0]) == reader.position
    old.execute("COMMIT")
    reader.read_all()
    assert_whole(reader)


def test_a_tenant_of_which_all_was_numbered_costs_a_look(
        one: Connection, late: Connection, tenant: tuple[UUID, UUID]) -> None:
    def looked() -> int:
        ((plan,),) = one.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT"
                                 " flexdb_number_changes(%s, 10000)", (tenant[0],)).fetchall()
        return pages_read(plan[0]["Plan"])

    one.execute("INSERT INTO nodes (tenant_id, id, node_type_id)"
                " SELECT %s, gen_random_uuid(), %s FROM generate_series(1, 3000)", tenant)
    number(one, tenant[0], 10_000)
    # While an older transaction goes on, what it may yet bring is looked for among all.
    number(one, tenant[0])
    among_all = looked()
    late.execute("COMMIT")
    number(one, tenant[0])
    assert looked() * 20 < among_all


def test_an_update_of_many_rows_is_logged_by_no_plan_that_was_made_for_one(
        one: Connection, tenant: tuple[UUID, UUID]) -> None:
    one.execute("INSERT INTO nodes (tenant_id, id, node_type_id)"
                " SELECT %s, gen_random_uuid(), %s FROM generate_series(1, 2000)", tenant)
    node = new_node(one, *tenant)
    for _ in range(10):
        one.execute("UPDATE nodes SET data = '{}' WHERE tenant_id = %s AND id = %s",
                    (tenant[0], node))
    (([plan],),) = one.execute(
        "EXPLAIN (ANALYZE, FORMAT JSON) UPDATE nodes SET data = '{\"a\": 1}'"
        " WHERE tenant_id = %s", tenant[:1]).fetchall()
    # Where each row before is held against all after, it takes hundreds of times as long.
    (taken,) = [trigger["Time"] for trigger in plan["Triggers"]
                if trigger["Trigger Name"] == "flexdb_follow_changed"]
    assert taken < 20 * plan["Plan"]["Actual Total Time"]
    assert one.execute("SELECT count(*) FROM flexdb_changes c WHERE c.tenant_id = %s"
                       " AND c.op = 'u'", tenant[:1]).fetchone() == (2011,)


def test_a_relationship_that_goes_with_its_node_is_logged_once_whoever_is_first(
        one: Connection, connect: Connect, tenant: tuple[UUID, UUID]) -> None:
    def relate(connection: Connection) -> UUID:
        return new_relationship(connection, tenant[0], node, other)

    def delete(connection: Connection) -> None:
        connection.execute("DELETE FROM nodes WHERE tenant_id = %s AND id = %s",
                           (tenant[0], node))

    def meet(first: Callable[[Connection], Any], second: Callable[[Connection], Any]
             ) -> tuple[Any, list[str]]:
        """Let the second wait for the first; return what the first gave, and what failed."""
        failed: list[str] = []

        def run() -> None:
            try:
                second(waits)
            except psycopg.Error as error:
                failed.append(type(error).__name__)

        waits, thread = connect(), threading.Thread(target=run)
        with one.transaction():
            made = first(one)
            thread.start()
            wait_until(lambda: watch.execute(
                "SELECT FROM pg_locks WHERE pid = %s AND NOT granted",
                (waits.info.backend_pid,)).fetchone() is not None)
        thread.join()
        return made, failed

    watch, reader = connect(), Reader(connect(), tenant[0])
    node, other = new_node(one, *tenant), new_node(one, *tenant)
    made, failed = meet(relate, delete)
    assert failed == []
    assert [(change.op, change.version) for change in reader.read_all()
            if change.object_id == made] == [("c", 1), ("d", 2)]
    node = new_node(one, *tenant)
    assert meet(delete, relate)[1] == ["ForeignKeyViolation"]
    reader.read_all()
    assert_whole(reader)
    assert [change.op for change in reader.seen if change.object_id == node] == ["c", "d"]


def test_an_index_finds_what_comes_next(one: Connection, tenant: tuple[UUID, UUID]) -> None:
    for way in ("seqscan", "bitmapscan"):
        one.execute(f"SET enable_{way} = off".encode())
    for table, column in (("flexdb_changes", "seq"), ("flexdb_change_positions", "position")):
        ((plan,),) = one.execute(
            f"EXPLAIN (FORMAT JSON) SELECT t.seq FROM {table} t WHERE t.tenant_id = %s"
            f" AND t.{column} > 5 ORDER BY t.{column} LIMIT 10".encode(), tenant[:1]).fetchall()
        kinds = [node["Node Type"] for node in nodes_of(plan[0]["Plan"])]
        assert "Sort" not in kinds and {"Index Scan", "Index Only Scan"} & {*kinds}
