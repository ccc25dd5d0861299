"""Streams while everything ends again and again: what a client that comes back has is the log."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.database import Database
from tests.faults.length import only_at_length
from tests.support.served import Served
from tests.support.streams import Watched, is_change, writing
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, only_at_length]
CUTS = 200


def test_a_client_that_is_cut_off_two_hundred_times_has_what_the_log_has(
        database: Database, tmp_path: Path) -> None:
    """Workers are killed, reloaded, and replaced after few requests; others read nothing."""
    drawn = random.Random(11)
    with (Served(tmp_path, **database.variables, AUTH="local", STREAM_POLL=0.05, HEARTBEAT=0.5,
                 MAX_REQUESTS=40, MAX_REQUESTS_JITTER=10) as served, ExitStack() as opened):
        watched = Watched.of(served.wait())
        node, began = watched.node(), watched.position()
        since, seen, cuts = began, [], 0
        with writing(database.connect, node):
            while cuts < CUTS:
                cuts += 1
                if cuts % 40 == 0:
                    os.kill(drawn.choice(served.workers), signal.SIGKILL)
                if cuts % 60 == 0:
                    served.process.send_signal(signal.SIGHUP)
                if cuts % 20 == 0:
                    wait_until(served.answers)
                    opened.enter_context(watched.open(buffer=2048))
                try:
                    with watched.open(since=since, cut=drawn.randint(1, 20_000)) as stream:
                        for event in stream:
                            since = event.id
                            seen += [since] if is_change(event) else []
                except (OSError, EOFError):
                    time.sleep(0.05)  # Its worker was going.
        wait_until(served.answers)
        assert len(seen) > CUTS
        assert seen == watched.walk(began)[:len(seen)]
