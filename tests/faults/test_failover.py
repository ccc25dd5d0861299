"""A standby that takes over under load, as an operator has it done by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.faults.database import Database
from tests.faults.length import only_at_length
from tests.faults.load import Load
from tests.faults.stack import Stack
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, only_at_length]

# The most that a call waits for a connection (DB_POOL_TIMEOUT is 1.5 s), and the machine's share.
ANSWERED = 2.5
TOLD = {"UNAVAILABLE", "COMMIT_UNKNOWN", "OVERLOADED"}


class Pair(NamedTuple):
    """A primary, the standby that has each write before it is acknowledged, and who uses both."""

    primary: Database
    standby: Database
    stack: Stack


@pytest.fixture
def pair(new_database: Callable[..., Database], new_stack: Callable[..., Stack]
         ) -> Iterator[Pair]:
    primary = new_database()
    # What pg_rewind is to find may lie before the last checkpoint.
    primary.do("ALTER SYSTEM SET wal_keep_size = '256MB'")
    standby = new_database(follows=primary)
    wait_for_each_write(primary)
    stack = new_stack(primary, DB_HOST="127.0.0.1,127.0.0.1",
                      DB_PORT=f"{primary.port},{standby.port}")
    stack.served.wait()
    yield Pair(primary, standby, stack)
    stack.close()
    for database in (standby, primary):
        database.stop("immediate")


def wait_for_each_write(primary: Database) -> None:
    """Acknowledge from now on what a standby has too."""
    wait_until(lambda: primary.do("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    primary.do("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.do("SELECT pg_reload_conf()")
    wait_until(lambda: primary.do("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))


def over(load: Load, end: Callable[[], None], begin: Callable[[], None]) -> dict[str, float]:
    """End the primary and have the standby promoted; return how long what took, in seconds."""
    began = time.monotonic()
    end()
    ended = time.monotonic()
    begin()
    promoted = time.monotonic()
    back = load.first_good_write(promoted)
    return {"end_s": ended - began, "promotion_s": promoted - ended, "back_after_s": back,
            "without_writes_s": promoted + back - began}


@pytest.mark.parametrize("how", ["switched over", "killed"])
def test_a_standby_takes_over_with_all_that_was_acknowledged_and_the_old_primary_follows(
        pair: Pair, report: Callable[..., None], how: str) -> None:
    primary, standby, stack = pair
    load = stack.load()
    with load.running():
        took = over(load, primary.stop if how == "switched over" else primary.kill,
                    standby.promote)
        primary.follow(standby)
        wait_until(lambda: standby.do(
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))
    report(load, **took)
    load.check(standby)
    assert set(load.told()) <= TOLD and load.longest() < ANSWERED
    # How long PostgreSQL takes to end and to begin is not ours.
    assert took["back_after_s"] < 2
    assert primary.do("SELECT pg_is_in_recovery()") == [(True,)]
    assert stack.served.answers("/health/ready")
    # It would wait for a standby that is yet to follow it.
    primary.do("ALTER SYSTEM RESET synchronous_standby_names")
    primary.do("SELECT pg_reload_conf()")
    wait_for_each_write(standby)
    load = stack.load()
    with load.running():
        took = over(load, standby.stop, primary.promote)
    report(load, **took)
    load.check(primary)
    assert set(load.told()) <= TOLD and took["back_after_s"] < 2
    assert not stack.tracebacks()
