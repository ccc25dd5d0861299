"""Clients that are slow, and clients that send what nobody should."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from statistics import quantiles

import pytest

from tests.faults.length import times
from tests.faults.load import Load
from tests.faults.ratios import least
from tests.faults.slow_clients import slow_clients
from tests.faults.stack import Stack
from tests.support.service import request

pytestmark = pytest.mark.faults

MIB = 1024 * 1024


def p99(load: Load, seconds: float) -> float:
    """Return the time in which 99 of 100 calls of the next seconds were answered, in seconds."""
    began = time.monotonic()
    time.sleep(seconds)
    ended = time.monotonic()
    return quantiles((call.ended - call.began for call in load.calls
                      if began <= call.began < ended), n=100)[-1]


def test_slow_clients_do_not_slow_the_others(
        stack: Stack, report: Callable[..., None]) -> None:
    load = stack.load()
    fat = stack.served.call("create_tenant", slug=f"fat{time.monotonic_ns()}", name="Fat")
    tenant = fat["result"]["tenant"]["id"]
    made = stack.served.call("create_node_type", tenant_id=tenant, name="T")
    for _ in range(4):
        stack.served.call("create_node", tenant_id=tenant, data={"fat": "x" * (MIB // 2)},
                          node_type_id=made["result"]["node_type"]["id"])
    reading = json.dumps(request("list_nodes", {"tenant_id": tenant})).encode()
    writing = json.dumps(request("create_tenant", {"slug": "x" * 5000})).encode()

    def turn() -> tuple[float, ...]:
        alone = p99(load, times(10, 2))
        with slow_clients(stack.nginx.port, 64, reading, writing):
            # Until the answers to the slow readers are made, which costs the same for all.
            time.sleep(1)
            return (p99(load, times(10, 2)) / alone,)

    with load.running():
        (slower,) = least(turn, 2)
    report(load, p99_times_alone=slower)
    load.check(stack.database)
    assert not load.failed()
    assert slower <= 2


def ask(port: int, head: bytes, pieces: list[bytes], most: int) -> tuple[int, dict[str, object]]:
    """Send a head and pieces over and over, until an answer comes or it was enough.

    :param most: how many bytes to send at most
    """
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        sent, answer = 0, b""
        try:
            client.sendall(b"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                           b"Content-Type: application/json\r\n%b\r\n\r\n" % head)
            while sent < most:
                for piece in pieces:
                    client.sendall(piece)
                    sent += len(piece)
        except OSError:
            pass  # the server has heard enough
        try:
            while more := client.recv(65536):
                answer += more
        except OSError:
            pass
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower(), head
    return int(head.split()[1]), json.loads(body)


BODIES = {
    "declared as too large": (b"Content-Length: %d" % (17 * MIB), [bytes(65536)], 17 * MIB,
                              413, "TOO_LARGE"),
    "chunked without end": (b"Transfer-Encoding: chunked",
                            [b"10000\r\n" + b" " * 65536 + b"\r\n"], 64 * MIB, 413, "TOO_LARGE"),
    "nested without end": (b"Content-Length: 100000", [b"[" * 100_000], 100_000,
                           200, "INVALID_REQUEST"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_monstrous_body_is_refused_and_disturbs_nobody(
        stack: Stack, report: Callable[..., None], kind: str) -> None:
    head, pieces, most, status, reason = BODIES[kind]
    load = stack.load()

    def send(count: int) -> None:
        for _ in range(count):
            answered, reply = ask(stack.nginx.port, head, pieces, most)
            error = reply["error"]
            assert isinstance(error, dict)
            assert (answered, error["code"], error["data"]["reason"]) == (status, -32600, reason)

    with load.running():
        send(times(10, 3))
        before = stack.memory()
        send(times(50, 5))
        grown = (stack.memory() - before) / MIB
    report(load, grown_MiB=grown)
    load.check(stack.database)
    assert not load.failed() and grown < 16
