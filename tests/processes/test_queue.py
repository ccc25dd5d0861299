"""Threads go around among tenants: no one's requests keep those of others from being read."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexdb.server.queue import FairQueue
from tests.support.http import JSON
from tests.support.served import Served
from tests.support.service import request
from tests.support.waiting import wait_until


@given(st.lists(st.sampled_from(["", "a", "b", "take", "leave"]), max_size=40))
def test_a_thread_takes_one_of_the_tenant_with_fewest_and_the_next_who_has_waited_longest(
        steps: list[str]) -> None:
    queue, waiting, threads = FairQueue(), list[tuple[str, int]](), list[str]()
    by_tenant = True
    for number, step in enumerate(steps):
        if step == "take" and waiting:
            connection, tenant = queue.take()
            held = Counter(threads)
            if by_tenant:
                assert held[tenant] == min(held[other] for other, _ in waiting)
                # Of one tenant's the first, and only that one is gone.
                assert connection == next(one for other, one in waiting if other == tenant)
            else:
                assert (tenant, connection) == waiting[0]
            by_tenant = not by_tenant
            waiting.remove((tenant, connection))
            threads.append(tenant)
        elif step == "leave" and threads:
            queue.leave(threads.pop())
        elif step not in ("take", "leave"):
            queue.put(number, step)
            waiting.append((step, number))
        assert queue.is_empty == (not waiting)
    assert sorted(queue.take()[0] for _ in waiting) == [number for _, number in waiting]


def test_tenants_take_turns_where_there_is_one_thread() -> None:
    queue = FairQueue()
    for tenant in ("loud", "loud", "loud", "loud", "quiet", "quiet"):
        queue.put(tenant, tenant)
    order = []
    for _ in range(6):
        _, tenant = queue.take()
        queue.leave(tenant)
        order.append(tenant)
    assert order == ["loud", "loud", "quiet", "loud", "quiet", "loud"]


@pytest.mark.long
def test_a_request_is_answered_before_many_of_another_tenant_that_came_first(
        serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=1, THREADS=4, DB_POOL_SIZE=1, DB_POOL_QUEUE=1)
    loud, quiet = (served.call("create_tenant", slug=slug, name=slug)["result"]["tenant"]["id"]
                   for slug in ("loud", "quiet"))
    with ExitStack() as connections:
        def connect() -> HTTPConnection:
            return connections.enter_context(
                closing(HTTPConnection("127.0.0.1", served.port, timeout=30)))

        those = [connect() for _ in range(20)]
        this = connect()
        for connection in those:
            send(connection, loud, 1)
            connection.getresponse().read()
        send(this, quiet, 1)
        this.getresponse().read()
        # All are there when the worker goes on, in this order, and wait before a fourth is done.
        (worker,) = served.workers
        os.kill(worker, signal.SIGSTOP)
        try:
            for connection in those:
                send(connection, loud, 200, "loud")
            send(this, quiet, 1, "quiet")
        finally:
            os.kill(worker, signal.SIGCONT)
        assert {one.getresponse().status for one in [*those, this]} == {200}

    # In the order of the log: whoever reads the answers may be late.
    def ids() -> list[str]:
        return re.findall(r"request_id=(loud|quiet)", served.said)

    wait_until(lambda: len(ids()) == 200 * len(those) + 1)
    assert ids().index("quiet") < 200 * len(those) / 2


def send(connection: HTTPConnection, tenant: str, calls: int, request_id: str = "first") -> None:
    """Send calls about a tenant, and wait for no answer."""
    body: list[Any] = [request("list_node_types", {"tenant_id": tenant})] * calls
    connection.request("POST", "/jsonrpc", json.dumps(body), {**JSON, "X-Request-ID": request_id})
