"""Requests with a key, sent again and again: each is done once, whatever is killed or lost."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from uuid import uuid4

import pytest

from tests.faults.length import times
from tests.faults.stack import Stack
from tests.support.proxy import Proxy
from tests.support.repeats import Answer, Send, check, fight, until_told
from tests.support.streams import Watched

pytestmark = pytest.mark.faults
CLIENTS = 16


class Tenant:
    """A tenant of a stack, and a node type in it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        _, self.id, self.node_type = Watched.of(stack.served)

    def send(self, port: int) -> Send:
        """Return what creates a node with a key at a port; it gives None where nothing came."""
        def send(body: bytes, key: str) -> Answer | None:
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("POST", f"/tenants/{self.id}/nodes", body, {
                    "Content-Type": "application/json", "Idempotency-Key": f'"{key}"'})
                answer = connection.getresponse()
                return Answer(answer.status, answer.read(),
                              "Idempotency-Replayed" in answer.headers)
            except (OSError, HTTPException):
                return None
            finally:
                connection.close()

        return send

    def body(self, data: object) -> bytes:
        return json.dumps({"node_type_id": self.node_type, "data": {"a": data}}).encode()

    def count(self) -> int:
        ((number,),) = self.stack.database.do(
            f"SELECT count(*) FROM nodes WHERE tenant_id = '{self.id}'")
        return int(number)


def test_of_many_clients_with_the_same_keys_each_is_done_once_while_backends_die(
        stack: Stack, report: Callable[..., None]) -> None:
    tenant, ended, killed = Tenant(stack), threading.Event(), 0

    def kill() -> None:
        nonlocal killed
        while not ended.wait(0.2):
            for pid in stack.database.backends("active")[:1]:
                with suppress(OSError):
                    stack.database.do(f"SELECT pg_terminate_backend({pid})")
                    killed += 1

    killer = threading.Thread(target=kill)
    killer.start()
    keys = [uuid4().hex for _ in range(times(150, 15))]
    try:
        answers = fight(tenant.send(stack.nginx.port), CLIENTS, keys,
                        [tenant.body(1), tenant.body(2)])
    finally:
        ended.set()
        killer.join()
    told = check(answers, CLIENTS)
    report(killed=killed, **told)
    assert tenant.count() == len(keys) and told["422"] == CLIENTS * len(keys)


@pytest.mark.parametrize("where", ["postgresql", "client"])
def test_an_answer_that_is_lost_is_got_by_the_key_and_nothing_done_again(
        proxied: tuple[Stack, Proxy], report: Callable[..., None], where: str) -> None:
    stack, behind = proxied
    before = Proxy(stack.nginx.port)
    proxy = before if where == "client" else behind
    proxy.wanted = b"" if where == "client" else b"COMMIT"
    tenant, fates, number = Tenant(stack), Counter[str](), times(500, 20)
    for place in range(number):
        key, body = uuid4().hex, tenant.body(place)
        proxy.losing.set()
        first = tenant.send(before.port)(body, key)
        proxy.losing.clear()
        again = until_told(tenant.send(stack.nginx.port), body, key)
        assert again.status == 201 and again.is_again
        assert first is None or first.body == again.body
        fates["nothing" if first is None else "again" if first.is_again else "told"] += 1
    before.close()
    behind.wanted = b""
    report(lost=proxy.lost, **fates)
    assert tenant.count() == number
    assert set(fates) == {"nothing" if where == "client" else "again"}
