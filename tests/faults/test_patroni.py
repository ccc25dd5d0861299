"""Patroni under load: it has another server take the writes, by order and by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.length import only_at_length
from tests.faults.patroni import TTL, Patroni, install
from tests.faults.stack import Stack
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, only_at_length]

# The most that a call waits for a connection (DB_POOL_TIMEOUT is 1.5 s), and the machine's share.
ANSWERED = 2.5
# Of what is measured, a loaded machine's share too.
GRACE = 3


@pytest.fixture(scope="module")
def patroni(folder: Callable[[], Path]) -> Iterator[Patroni]:
    program = install(folder() / "patroni")
    patroni = Patroni([folder() for _ in range(3)], program)
    yield patroni
    patroni.close()


@pytest.fixture(scope="module")
def served(patroni: Patroni, new_stack: Callable[..., Stack]) -> Iterator[Stack]:
    leader = wait_until(patroni.leader)
    stack = new_stack(leader, **patroni.variables)
    stack.served.wait()
    yield stack
    stack.close()


def test_a_switchover_is_over_in_seconds(
        patroni: Patroni, served: Stack, report: Callable[..., None]) -> None:
    load, former = served.load(), patroni.leader()
    with load.running():
        began = time.monotonic()
        patroni.switch_over()
        told = time.monotonic()
        load.first_good_write(told)
    failed = load.failed(began)
    gap = max((call.ended for call in failed), default=began) - min(
        (call.began for call in failed), default=began)
    report(load, patroni_s=told - began, without_writes_s=gap)
    leader = wait_until(patroni.leader)
    load.check(leader)
    assert leader is not former and load.longest() < ANSWERED
    assert set(load.told()) <= {"UNAVAILABLE", "COMMIT_UNKNOWN", "OVERLOADED"}
    assert gap < 3 + GRACE


def test_a_machine_that_is_gone_is_replaced_when_its_lease_ends(
        patroni: Patroni, served: Stack, report: Callable[..., None]) -> None:
    wait_until(patroni.is_whole)
    load, leader = served.load(), wait_until(patroni.leader)
    with load.running():
        killed = time.monotonic()
        leader.kill()
        back = load.first_good_write(killed + 1) + 1
    report(load, without_writes_s=back)
    load.check(wait_until(patroni.leader))
    assert load.longest() < ANSWERED and back < TTL + 2 + GRACE
    assert set(load.told()) <= {"UNAVAILABLE", "COMMIT_UNKNOWN", "OVERLOADED"}
    # It comes back by itself, as one that follows.
    leader.start()
    wait_until(patroni.is_whole)
    assert not leader.leads
