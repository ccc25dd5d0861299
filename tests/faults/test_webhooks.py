"""Deliveries while those who send them are killed, and those who receive them fail and hang."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.faults.deliverers import TIMEOUT, Deliverers
from tests.faults.length import only_at_length
from tests.faults.stack import Stack
from tests.support.receivers import LEAVE, Crowd, Received, Receiver, Reply
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, only_at_length]


@pytest.fixture(scope="module")
def told(new_stack: Callable[..., Stack]) -> Stack:
    """A stack whose webhooks may lead to this machine."""
    stack = new_stack(**LEAVE)
    stack.served.wait()
    return stack


@pytest.fixture
def deliverers(told: Stack) -> Iterator[Deliverers]:
    made = Deliverers(3, told.database.variables)
    yield made
    made.close()


def call(stack: Stack, method: str, **params: Any) -> Any:
    return stack.served.call(method, **params)["result"]


def hook_of(stack: Stack, url: str) -> Any:
    tenant = call(stack, "create_tenant", slug=f"hooks-{time.monotonic_ns()}", name="Hooks")
    return call(stack, "create_webhook", tenant_id=tenant["tenant"]["id"], url=url)["webhook"]


def nodes_of(stack: Stack, tenant_id: str, count: int) -> list[str]:
    made = call(stack, "create_node_type", tenant_id=tenant_id, name="Thing")["node_type"]
    return [call(stack, "create_node", tenant_id=tenant_id, node_type_id=made["id"])["node"]["id"]
            for _ in range(count)]


def count_of(stack: Stack, hook: Any, status: str) -> int:
    with stack.database.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM flexdb_deliveries WHERE webhook_id = %s AND status = %s",
            [hook["id"], status]).fetchone()
    return int(found[0])  # type: ignore[index]


def test_whoever_is_killed_between_sending_and_noting_it_loses_nothing(
        told: Stack, deliverers: Deliverers, report: Callable[..., None]) -> None:
    accepted: dict[str, list[int]] = defaultdict(list)
    all_of: list[Received] = []
    lock, hangs = threading.Lock(), threading.Event()

    def answer(received: Received) -> Reply:
        with lock:
            all_of.append(received)
            place = len(all_of)
            if place % 10 == 3:
                return Reply(500)
            if place % 97 == 0:
                return Reply(503, {"Retry-After": "0"})
            if place % 61 != 0:
                accepted[received.data["id"]].append(received.data["version"])
        if place % 61 == 0:
            hangs.wait(TIMEOUT * 3)
        elif place % 40 == 0:
            deliverers.kill_who_sends(received.port)
        return Reply()

    with Receiver(answer) as receiver:
        hook = hook_of(told, receiver.url())
        tenant = hook["tenant_id"]
        nodes = nodes_of(told, tenant, 20)
        until, turn = time.monotonic() + 60, 0
        while time.monotonic() < until:
            turn += 1
            call(told, "update_node", tenant_id=tenant, id=nodes[turn % 20], data={"turn": turn})
        changed = turn + 21
        wait_until(lambda: count_of(told, hook, "done") == changed, 300)
        hangs.set()
    twice = sum(len(found) - len(set(found)) for found in accepted.values())
    report(changes=changed, killed=deliverers.killed, requests=len(all_of), twice=twice)
    assert deliverers.killed >= 5
    # Nothing is lost, and of no record a version came before an older one.
    assert sum(len(set(found)) for found in accepted.values()) == changed
    assert all(found == sorted(found) for found in accepted.values())
    assert twice <= deliverers.killed * 16
    for one in all_of:
        Webhook(hook["secret"]).verify(one.body, one.headers)


def test_one_record_that_always_fails_holds_up_no_other_and_can_be_sent_again(
        told: Stack, deliverers: Deliverers, report: Callable[..., None]) -> None:
    cursed: list[str] = []

    def answer(received: Received) -> Reply:
        return Reply(500 if received.data["id"] in cursed else 200)

    with Receiver(answer) as receiver:
        hook = hook_of(told, receiver.url())
        tenant = hook["tenant_id"]
        nodes = nodes_of(told, tenant, 10)
        wait_until(lambda: count_of(told, hook, "done") == 11, 300)
        cursed.append(nodes[0])
        for turn in range(5):
            for id in nodes:
                call(told, "update_node", tenant_id=tenant, id=id, data={"turn": turn})
        wait_until(lambda: count_of(told, hook, "done") == 11 + 9 * 5, 300)
        wait_until(lambda: count_of(told, hook, "dead") == 5, 300)
        cursed.clear()
        assert call(told, "redeliver", tenant_id=tenant, webhook_id=hook["id"]) == {"count": 5}
        wait_until(lambda: count_of(told, hook, "done") == 11 + 10 * 5, 300)
    report(requests=len(receiver.received))


def test_where_an_endpoint_is_down_one_probe_at_a_time_is_made_by_all_processes(
        told: Stack, deliverers: Deliverers, report: Callable[..., None]) -> None:
    is_down = [True]
    crowd = Crowd(lambda _: Reply(500 if is_down[0] else 200), 0.05)
    with Receiver(crowd) as receiver:
        hook = hook_of(told, receiver.url())
        tenant = hook["tenant_id"]
        nodes_of(told, tenant, 40)
        wait_until(lambda: call(told, "get_webhook", tenant_id=tenant, id=hook["id"])[
            "webhook"]["failures"] >= 10 + 12 * 3, 300)
        before = len(receiver.received)
        probes = crowd.most_while(
            lambda: wait_until(lambda: len(receiver.received) > before + 100, 300))
        is_down[0] = False
        wait_until(lambda: count_of(told, hook, "done") == 41, 300)
    report(probes_at_once=probes, by=Counter(one.path for one in receiver.received)["/hook"])
    assert probes == 1
