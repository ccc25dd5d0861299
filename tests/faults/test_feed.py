"""The feed loses nothing: whoever writes, whatever is killed, and however readers take numbers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.db.migrate import migrate
from tests.faults.database import NAME, PASSWORD, USER, Database
from tests.faults.length import times
from tests.faults.storm import Storm
from tests.support.feed import Reader, assert_whole, new_node, new_relationship, new_tenant
from tests.support.tables import SHORT

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def stormy(new_database: Callable[..., Database]) -> Database:
    """A PostgreSQL of its own, which keeps prepared transactions."""
    database = new_database()
    database.do("ALTER SYSTEM SET max_prepared_transactions = 4")
    database.stop()
    database.start()
    migrate(Settings(db_host="127.0.0.1", db_port=database.port, db_user=USER,
                     db_password=PASSWORD, db_name=NAME))
    return database


def told(storm: Storm) -> dict[str, Any]:
    """Return what the table says of a storm."""
    lags = storm.lags()
    return {"changes": len(storm.readers[0].seen), "lost by sequence": storm.lost[0],
            "lost by updated_at": storm.lost[1], "connections lost": storm.lost_connections,
            "lag p50 ms": lags[len(lags) // 2], "lag p99 ms": lags[len(lags) * 99 // 100]}


def test_all_readers_see_all_changes_in_one_order_where_naive_ones_lose_some(
        stormy: Database, report: Callable[..., None]) -> None:
    storm = Storm(stormy)
    with storm.raging():
        time.sleep(times(20, 4))
    report(**told(storm))
    assert all(storm.lost)


@pytest.mark.parametrize("most", [(1, 2, 5, 50, 10_000)] if SHORT else [
    (1,), (2,), (5,), (50,), (10_000,), (1, 2, 5, 50, 10_000)], ids=str)
def test_nothing_is_lost_when_writers_number_too_and_backends_are_killed(
        stormy: Database, report: Callable[..., None], most: tuple[int, ...]) -> None:
    storm = Storm(stormy, most=most, wild=True)
    with storm.raging():
        until = time.monotonic() + times(12, 5)
        while time.monotonic() < until:
            time.sleep(0.2)
            stormy.do("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
                      f" WHERE usename = '{USER}' ORDER BY random() LIMIT 1) a")
    report(**told(storm))
    assert storm.lost_connections


def test_positions_go_on_where_they_were_after_the_server_crashed(
        stormy: Database, report: Callable[..., None]) -> None:
    storm = Storm(stormy, most=(1, 5, 1000), wild=True)
    with storm.raging():
        for _ in range(times(3, 1)):
            time.sleep(2)
            stormy.stop("immediate")
            stormy.start()
            stormy.wait()
        time.sleep(2)
    report(**told(storm))
    assert storm.lost_connections


def test_a_long_transaction_of_another_tenant_holds_nobody_up(
        stormy: Database, report: Callable[..., None]) -> None:
    with stormy.connect() as busy, stormy.connect() as prepared:
        for connection in (busy, prepared):
            connection.execute("BEGIN")
            connection.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'Other')",
                               (uuid4(), uuid4().hex))
        prepared.execute("PREPARE TRANSACTION 'long'")
        storm = Storm(stormy, writers=4)
        try:
            with storm.raging():
                time.sleep(times(60, 4))
            # All was read, and both are still open.
            assert busy.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        finally:
            busy.execute("ROLLBACK")
            prepared.execute("ROLLBACK PREPARED 'long'")
    report(**told(storm))


def test_each_end_of_a_relationship_is_logged_once_though_its_node_goes_meanwhile(
        stormy: Database, report: Callable[..., None]) -> None:
    with stormy.connect() as first, stormy.connect() as second:
        reader = Reader(first, (tenant := new_tenant(first))[0])
        keeper, made = new_node(first, *tenant), []
        ready = threading.Barrier(2)

        def relate(node: UUID) -> None:
            ready.wait()
            with suppress(psycopg.errors.ForeignKeyViolation):
                made.append(new_relationship(first, tenant[0], node, keeper))

        count = times(200, 50)
        for _ in range(count):
            node = new_node(first, *tenant)
            thread = threading.Thread(target=relate, args=(node,))
            thread.start()
            ready.wait()
            second.execute("DELETE FROM nodes n WHERE n.tenant_id = %s AND n.id = %s",
                           (tenant[0], node))
            thread.join()
        reader.read_all()
        assert_whole(reader)
        ends = Counter((change.object_id, change.op) for change in reader.seen)
        report(relationships=len(made), refused=count - len(made))
        assert all(ends[id, op] == 1 for id in made for op in "cd")
        assert not first.execute("SELECT FROM relationships r WHERE r.tenant_id = %s",
                                 tenant[:1]).fetchall()


def test_a_dump_that_is_restored_into_a_younger_server_goes_on_under_another_name(
        stormy: Database, new_database: Callable[..., Database], report: Callable[..., None]
) -> None:
    with stormy.connect() as connection:
        tenant = new_tenant(connection)
        # As an old server has them, also where this is the first of the tests.
        connection.execute("DO $$ BEGIN FOR i IN 1..5000 LOOP"
                           " PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
        for _ in range(3):
            new_node(connection, *tenant)
            before = Reader(connection, tenant[0]).read_all()
        (name,) = connection.execute("SELECT f.name FROM flexdb_feed f").fetchone() or ("",)
        noted = connection.execute("SELECT h.next_xid FROM flexdb_change_heads h"
                                   " WHERE h.tenant_id = %s", tenant[:1]).fetchone()
    younger = new_database()
    younger.load(stormy.dump())
    with younger.connect() as one, younger.connect() as late:
        # Ids of transactions begin anew there, far below the one that was noted.
        own = one.execute("SELECT pg_current_xact_id()").fetchone()
        assert noted and own and int(own[0]) < int(noted[0])
        renamed = one.execute("SELECT flexdb_rename_feed(false)").fetchone()
        assert renamed and renamed[0] not in (None, name)
        reader = Reader(one, tenant[0])
        assert reader.read_all() == before
        for _ in range(2):
            late.execute("BEGIN")
            new_node(late, *tenant)
            new_node(one, *tenant)
            reader.read()
            late.execute("COMMIT")
            reader.read_all()
        assert_whole(reader)
        assert len(reader.seen) == len(before) + 4
        report(changes=len(reader.seen))
