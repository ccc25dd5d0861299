"""What kills or renews gunicorn's processes under load."""

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


def test_a_worker_killed_loses_at_most_its_own_calls(
        stack: Stack, report: Callable[..., None]) -> None:
    load, lost, back = stack.load(), [0], [0.0]
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
    assert max(lost) <= 16 and max(back) < 2
