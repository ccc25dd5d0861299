"""What kills, stops or renews gunicorn's processes under load."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest
import yaml

from tests.faults.length import only_at_length, times
from tests.faults.stack import Stack
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

THREADS = 16


def test_the_stack_is_started_as_the_compose_file_starts_it(stack: Stack) -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["flexdb"]
    assert "command" not in service and service["environment"].keys() == stack.variables.keys()
    assert (ROOT / "Dockerfile").read_text().endswith('CMD ["python", "wsgi.py"]\n')


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


@only_at_length
def test_a_worker_stopped_for_a_while_goes_on_where_it_was(
        stack: Stack, report: Callable[..., None]) -> None:
    load, workers = stack.load(), stack.workers
    with load.running():
        for worker in workers:
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
    stack = new_stack(MAX_REQUESTS=50, MAX_REQUESTS_JITTER=20)
    stack.served.wait()
    load, seen = stack.load(), set(stack.workers)
    with load.running():
        while len(seen) < times(20, 5):
            seen |= set(stack.workers)
            time.sleep(0.05)
    report(load, workers=len(seen))
    load.check(stack.database)
    stack.close()
    assert not load.failed()


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


def test_a_master_killed_is_started_anew_at_once(
        stack: Stack, report: Callable[..., None]) -> None:
    load, back = stack.load(), []
    with load.running():
        for _ in range(times(5, 1)):
            stack.served.end(signal.SIGKILL)
            # Its workers answer until they notice.
            stack.serve()
            stack.served.wait()
            back.append(load.first_good_write(time.monotonic()))
            time.sleep(0.3)
    report(load, back_after_s=max(back))
    load.check(stack.database)
    assert max(back) < 2
