"""Upkeep: what is no longer to be kept of changes goes, from the oldest on, beside calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.db import upkeep
from flexdb.db.feed import rename_feed
from flexdb.db.migrate import MigrationError
from flexdb.db.upkeep import keep_up
from tests.support import postgres
from tests.support.change_log import Log
from tests.support.service import RpcError


@pytest.fixture
def log(new_database: Callable[..., Settings]) -> Iterator[Log]:
    log = Log(new_database())
    yield log
    log.close()


def age(log: Log, days: int, where: str = "true") -> None:
    """Let what was logged have been logged so many days ago."""
    log.run("UPDATE flexdb_changes c SET at = c.at - make_interval(days => %(days)s)"
            f" WHERE c.tenant_id = %(tenant)s AND {where}", days=days)


def positions(log: Log) -> list[int]:
    return [position for position, in log.connection.execute(
        "SELECT position FROM flexdb_change_positions WHERE tenant_id = %s ORDER BY 1",
        [log.tenant["id"]])]


def versions(log: Log, id: str) -> list[tuple[Any, ...]]:
    """Return what is kept of an object: what was done, and what it was before."""
    return log.connection.execute("SELECT op::text, old_data FROM flexdb_changes"
                                  " WHERE object_id = %s ORDER BY seq", [id]).fetchall()


def kept_up(log: Log, **settings: Any) -> int:
    done = keep_up(replace(log.settings, **settings))
    assert done is not None
    return done


def test_what_is_older_goes_and_what_is_left_follows_without_a_gap(log: Log) -> None:
    for _ in range(5):
        log.node()
    age(log, 31, "seq <= (SELECT min(seq) + 2 FROM flexdb_changes)")
    assert kept_up(log, changes_days=40) == kept_up(log, changes_days=0) == 0
    assert positions(log) == [1, 2, 3, 4, 5, 6]
    assert kept_up(log) == 3 and kept_up(log) == 0
    assert positions(log) == [4, 5, 6] and log.tables()["changes"] == 3
    log.node()
    assert log.number() == 7


def test_one_that_is_older_stays_behind_one_that_is_not(log: Log) -> None:
    for _ in range(3):
        log.node()
    age(log, 31, "seq = (SELECT max(seq) FROM flexdb_changes)")
    assert kept_up(log) == 0
    assert positions(log) == [1, 2, 3, 4]


def test_of_more_than_may_be_the_oldest_go_in_several_chunks(
        log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_CHUNK", 3)
    for _ in range(9):
        log.node()
    assert kept_up(log, changes_most=2) == 8
    assert positions(log) == [9, 10] and log.tables()["changes"] == 2


def test_whoever_asks_from_before_what_is_kept_is_told_so(log: Log) -> None:
    since = log.call("list_changes")["position"]
    for _ in range(3):
        log.node()
    now = log.call("list_changes")["position"]
    kept_up(log, changes_most=1)
    with pytest.raises(RpcError) as gone:
        log.call("list_changes", since=since)
    assert gone.value.reason == "CHANGES_GONE"
    assert log.call("list_changes", since=now)["changes"] == []


def test_what_was_deleted_is_kept_as_long_as_its_type_says(log: Log) -> None:
    log.call("update_node_type", id=log.type["id"], schema={"x-keep-deleted": 60})
    kept = log.node(data={"a": 1})
    log.call("delete_node", id=kept["id"])
    age(log, 31)
    kept_up(log)
    # Its position is gone, and it gets no other.
    assert positions(log) == [] and versions(log, kept["id"]) == [("d", {"a": 1})]
    assert log.number() == log.head()[2]
    age(log, 31)
    kept_up(log)
    assert versions(log, kept["id"]) == [] and log.tables()["changes"] == 0


def test_what_deleted_nodes_were_goes_sooner_where_their_type_says_so(log: Log) -> None:
    log.call("update_node_type", id=log.type["id"], schema={"x-keep-deleted": 5})
    gone, back, late, there = (log.node(data={"a": n}) for n in range(4))
    for node in (gone, back, late, there):
        log.call("update_node", id=node["id"], data={"b": 1})
    for node in (gone, back):
        log.call("delete_node", id=node["id"])
    age(log, 6)
    log.call("delete_node", id=late["id"])
    log.node(id=back["id"])
    kept_up(log)
    assert versions(log, gone["id"]) == [("c", None), ("u", None), ("d", None)]
    for node, n, more in ((back, 1, ["d", "c"]), (late, 2, ["d"]), (there, 3, [])):
        found = versions(log, node["id"])
        assert found[1] == ("u", {"a": n}) and [op for op, _ in found[2:]] == more
    age(log, 6)
    kept_up(log)
    assert versions(log, late["id"]) == [("c", None), ("u", None), ("d", None)]
    # The changes themselves are told as before.
    assert positions(log)[0] == 1


def test_one_process_is_at_it_and_it_may_be_ended(log: Log) -> None:
    log.node()
    with postgres.connect(log.settings) as other:
        other.execute(f"SELECT pg_advisory_lock({upkeep._LOCK})".encode())
        assert keep_up(log.settings) is None
    assert keep_up(replace(log.settings, changes_most=1), lambda: True) == 0
    assert kept_up(log, changes_most=1) == 1


def test_what_requests_with_a_key_were_answered_goes_when_its_time_is_up(log: Log) -> None:
    for hours in (23, 25):
        log.run("INSERT INTO flexdb_idempotency_keys (tenant_id, caller, key, fingerprint, status,"
                " headers, created_at) VALUES (%(tenant)s, 'open', %(key)s, '', 200, '{}',"
                " clock_timestamp() - make_interval(hours => %(hours)s))", key=str(hours),
                hours=hours)
    assert kept_up(log) == 1 and kept_up(log, idempotency_hours=23) == 1


def test_a_statement_that_postgresql_refuses_is_told_as_that_and_not_as_a_lost_connection(
        log: Log) -> None:
    log.run(f"ALTER DATABASE {log.settings.db_name} SET lock_timeout = '50ms'")
    with log.connection.transaction():
        log.run("LOCK TABLE flexdb_idempotency_keys")
        with pytest.raises(MigrationError, match="upkeep came to no end: .* lock timeout"):
            keep_up(log.settings)
    assert keep_up(log.settings) == 0


@pytest.mark.long
def test_while_writers_write_and_readers_read_none_that_is_to_be_kept_goes(
        log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_CHUNK", 7)
    monkeypatch.setattr(upkeep, "_PAUSE", 0)
    done = threading.Event()
    made: list[str] = []

    def write() -> None:
        for _ in range(150):
            made.append(log.service.node(log.type)["id"])
        done.set()

    def tidy() -> None:
        while not done.is_set():
            kept_up(log, changes_most=50)

    threads = [threading.Thread(target=one) for one in (write, tidy)]
    since = log.call("list_changes")["position"]
    seen: list[str] = []
    for thread in threads:
        thread.start()
    while not done.is_set() or len(seen) < len(made):
        page = log.call("list_changes", since=since, limit=10)
        seen += [change["id"] for change in page["changes"]]
        since = page["position"]
    for thread in threads:
        thread.join()
    assert seen == made
    assert kept_up(log, changes_most=50) >= 0
    assert len(positions(log)) == 50 == log.tables()["changes"]


def test_a_database_that_was_set_back_gets_its_new_name_by_hand(log: Log) -> None:
    # It is a copy of the template.
    assert rename_feed(log.settings) and rename_feed(log.settings) is None
    before = log.call("list_changes")["position"]
    name = rename_feed(log.settings, anyway=True)
    assert name and log.call("list_changes")["position"].split(".")[0] == name
    with pytest.raises(RpcError) as gone:
        log.call("list_changes", since=before)
    assert gone.value.reason == "CHANGES_GONE"
