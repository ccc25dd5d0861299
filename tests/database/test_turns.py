"""Reads at the database: one after the other, and none for long behind one that takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from flexdb.config import Settings
from flexdb.db.pool import Pool
from flexdb.db.turns import Turns
from tests.support.runner import READ, SLOW_READ, SLOW_WRITE, Behind
from tests.support.waiting import wait_until

LONG, SHORT = 30.0, 0.01
Turn = threading.Lock


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def queued(turns: Turns, threads: ThreadPoolExecutor, tenant: str = "") -> Future[threading.Lock]:
    """Let somebody wait for a turn, behind those that wait already."""
    before = len(turns._waiting)
    waits = threads.submit(turns.enter, tenant)
    wait_until(lambda: len(turns._waiting) > before)
    return waits


def test_one_is_at_work_and_the_others_follow_in_their_order(threads: ThreadPoolExecutor) -> None:
    turns = Turns(LONG)
    turn = turns.enter("")
    waiting = [queued(turns, threads) for _ in range(3)]
    for position, waits in enumerate(waiting):
        assert not any(later.done() for later in waiting[position:])
        turns.leave(turn)
        turn = waits.result(LONG)
    turns.leave(turn)
    turns.leave(turns.enter(""))


def test_one_of_each_tenant_is_let_in_before_a_second_of_any(threads: ThreadPoolExecutor) -> None:
    turns = Turns(LONG)
    turn = turns.enter("loud")
    waiting = [(tenant, queued(turns, threads, tenant))
               for tenant in ("loud", "loud", "loud", "quiet", "other", "quiet")]
    order = []
    while waiting:
        turns.leave(turn)
        wait_until(lambda: any(waits.done() for _, waits in waiting))
        (tenant, waits), = [one for one in waiting if one[1].done()]
        waiting.remove((tenant, waits))
        turn = waits.result()
        order.append(tenant)
        if len(order) == 2:
            # Who comes again and again keeps nobody out.
            waiting.append(("quiet again", queued(turns, threads, "quiet again")))
    turns.leave(turn)
    assert order == ["loud", "quiet", "other", "loud", "quiet", "quiet again", "loud"]


def test_nobody_waits_for_long_behind_one_that_takes_long(threads: ThreadPoolExecutor) -> None:
    turns = Turns(SHORT)
    slow = turns.enter("")
    took = turns.enter("")
    # The place is now theirs who took it: who had it before has none to give.
    turns.usual = LONG
    waits = queued(turns, threads)
    turns.leave(slow)
    assert turns._waiting
    turns.leave(took)
    turns.leave(waits.result(LONG))


def test_turns_that_come_too_late_are_lost_to_nobody(threads: ThreadPoolExecutor) -> None:
    turns = Turns(0.0002)

    def take_many(_: int) -> None:
        for _ in range(200):
            turn = turns.enter("")
            time.sleep(0.0002)
            turns.leave(turn)

    list(threads.map(take_many, range(16)))
    turns.usual = LONG
    turns.leave(turns.enter(""))
    assert turns._at_work is None and not turns._waiting


@pytest.mark.long
def test_reads_take_turns_and_writes_do_not(new_database: Callable[..., Settings]) -> None:
    behind = Behind(new_database())
    turns = behind.pool._turns
    assert behind.one(READ) == b"read"
    turns = behind.pool._turns
    turns.usual = LONG
    with behind.under_way(SLOW_WRITE):
        assert turns._at_work is None
        assert behind.one(READ) == b"read"
    with behind.under_way(SLOW_READ):
        assert turns._at_work is not None
        turns.usual = SHORT
        assert behind.one(READ) == b"read"
    behind.pool.close()


@pytest.mark.long
def test_the_connection_that_came_back_last_is_lent(new_database: Callable[..., Settings]) -> None:
    pool = Pool(new_database())
    with ExitStack() as lent:
        pids = [lent.enter_context(pool.connection()).info.backend_pid for _ in range(4)]
    # The stack gave them back in the opposite order.
    for _ in range(3):
        with pool.connection() as first:
            assert first.info.backend_pid == pids[0]
            with pool.connection() as second:
                assert second.info.backend_pid == pids[1]
    pool.close()
