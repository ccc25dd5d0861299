"""What kills, stops or renews gunicorn's processes under load."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import times
from tests.faults.stack import Stack
from tests.test_startup import wait_until

pytestmark = pytest.mark.faults

THREADS = 16


def test_a_worker_killed_loses_at_most_its_own_calls(
        stack: Stack, report: Callable[..., None]) -> None:
    load, lost, back = stack.load(8), [0], [0.0]
    with load.running():
        for _ in range(times(20, 3)):
            workers = stack.workers
            killed = time.monotonic()
            os.kill(workers[0], signal.SIGKILL)
            wait_until(lambda: len(stack.workers) == len(workers) and stack.workers != workers)
            time.sleep(0.7)
            failed = load.failed(killed)
            lost.append(len(failed))
            back.append(max((call.ended - killed for call in failed), default=0.0))
    report(load, failed_each=max(lost), back_after_s=max(back))
    load.check(stack.database)
    assert max(lost) <= THREADS and max(back) < 2


def test_a_worker_stopped_for_a_while_goes_on_where_it_was(
        stack: Stack, report: Callable[..., None]) -> None:
    load, workers = stack.load(), stack.workers
    with load.running():
        for worker in workers[:times(2, 1)]:
            os.kill(worker, signal.SIGSTOP)
            time.sleep(2)
            os.kill(worker, signal.SIGCONT)
            time.sleep(0.5)
    report(load)
    load.check(stack.database)
    assert not load.failed() and stack.workers == workers


def test_a_reload_fails_no_call(stack: Stack, report: Callable[..., None]) -> None:
    load, count = stack.load(), times(5, 2)
    with load.running():
        for _ in range(count):
            before = set(stack.workers)
            stack.served.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(stack.workers) == len(before)
                       and not before & set(stack.workers), 60)
    report(load, reloads=count)
    load.check(stack.database)
    assert not load.failed()


def test_workers_that_end_after_so_many_requests_fail_no_call(
        new_stack: Callable[..., Stack], report: Callable[..., None]) -> None:
    stack = new_stack(MAX_REQUESTS=100)
    stack.served.wait()
    load, seen = stack.load(), set(stack.workers)
    with load.running():
        until = time.monotonic() + times(20, 6)
        while time.monotonic() < until:
            seen |= set(stack.workers)
            time.sleep(0.05)
    report(load, workers=len(seen))
    load.check(stack.database)
    stack.close()
    assert not load.failed() and len(seen) > 4


def test_a_termination_answers_what_was_accepted_and_nginx_the_rest(
        stack: Stack, report: Callable[..., None]) -> None:
    load, count = stack.load(), times(5, 2)
    with load.running():
        for _ in range(count):
            assert stack.served.end(signal.SIGTERM) == 0
            time.sleep(0.3)
            stack.serve()
            wait_until(lambda: stack.served.answers("/health/ready"))
            load.first_good_write(time.monotonic())
    report(load, terminations=count)
    load.check(stack.database)
    assert set(load.told()) == {"502 UNAVAILABLE"}
