"""What befalls PostgreSQL under load: its processes, its restarts, its absence."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from tests.faults.database import Database
from tests.faults.length import times
from tests.faults.stack import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

# The most that a call waits for a connection (DB_POOL_TIMEOUT is 1.5 s), and the machine's share.
ANSWERED = 2.5


def kill_a_backend(database: Database) -> None:
    while True:
        # It may have ended by itself meanwhile.
        with suppress(ProcessLookupError):
            return os.kill(wait_until(database.backends)[0], signal.SIGKILL)


def test_a_backend_killed_costs_nothing_that_was_acknowledged(
        stack: Stack, report: Callable[..., None]) -> None:
    load, back = stack.load(), []
    with load.running():
        for _ in range(times(20, 2)):
            with stack.database.connect() as watch:
                kill_a_backend(stack.database)
                # The server ends all others too and recovers from its log.
                with suppress(psycopg.OperationalError):
                    while watch.execute("SELECT 1"):
                        time.sleep(0.01)
            back.append(load.first_good_write(stack.database.wait()))
    report(load, back_after_s=max(back))
    load.check(stack.database)
    assert max(back) < 1


def test_a_backend_terminated_is_noticed_by_the_calls_under_way_alone(
        stack: Stack, report: Callable[..., None]) -> None:
    load, count = stack.load(), times(50, 10)
    with load.running():
        for _ in range(count):
            pid = wait_until(lambda: stack.database.backends("active")
                             or stack.database.backends())[0]
            stack.database.do(f"SELECT pg_terminate_backend({pid})")
            time.sleep(0.05)
    report(load)
    load.check(stack.database)
    assert len(load.failed()) <= count


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_is_over_when_postgresql_is_back(
        stack: Stack, report: Callable[..., None], mode: str) -> None:
    load, back = stack.load(), []
    with load.running():
        for _ in range(times(10, 2)):
            restart = stack.database.begin_restart(mode)
            wait_until(lambda: not stack.database.accepts())
            back.append(load.first_good(stack.database.wait()))
            assert restart.wait(60) == 0
            time.sleep(0.5)
    report(load, back_after_s=max(back))
    load.check(stack.database)
    assert max(back) < 1 and load.longest() < ANSWERED


def test_while_postgresql_is_away_each_call_is_told_so_in_time(
        stack: Stack, report: Callable[..., None]) -> None:
    load, workers = stack.load(8), stack.workers
    with load.running():
        stack.database.stop()
        gone = time.monotonic()
        while time.monotonic() < gone + times(20, 4):
            assert stack.served.answers("/health", 200)
            assert stack.served.answers("/health/ready", 503)
            time.sleep(0.5)
        stack.database.start()
        back = load.first_good_write(stack.database.wait())
    during = load.failed(gone)
    report(load, back_after_s=back)
    load.check(stack.database)
    assert {call.told for call in during if call.began > gone + 0.1} == {"UNAVAILABLE"}
    assert load.longest() < ANSWERED and back < 6
    assert stack.workers == workers


def test_a_start_before_postgresql_serves_when_it_is_there(
        stack: Stack, report: Callable[..., None]) -> None:
    stack.served.end()
    stack.database.stop()
    stack.serve()
    wait_until(lambda: stack.served.answers("/health"))
    assert stack.served.answers("/health/ready", 503)
    error = stack.served.call("list_tenants")["error"]
    assert (error["code"], error["data"]["reason"]) == (-32005, "UNAVAILABLE")
    workers = set(stack.workers)
    stack.served.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(stack.workers) == len(workers) and not workers & set(stack.workers))
    stack.database.start()
    accepted = stack.database.wait()
    wait_until(lambda: stack.served.answers("/health/ready"))
    back, load = time.monotonic() - accepted, stack.load()
    with load.running():
        pass
    report(load, ready_after_s=back)
    load.check(stack.database)
    assert not load.failed() and back < 6
