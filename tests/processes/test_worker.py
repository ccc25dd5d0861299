"""The workers take their shares: the connections of clients are spread over all of them."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.served import Served
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    served = serve(WORKERS=3)
    wait_until(lambda: [accepts(pid) for pid in served.workers] == [True] * 3)
    return served


def accepts(pid: int) -> bool:
    """Tell whether a worker waits for connections, beside the word of its own threads."""
    polls = [link.name for link in Path(f"/proc/{pid}/fd").iterdir()
             if link.is_symlink() and os.readlink(link) == "anon_inode:[eventpoll]"]
    return any(Path(f"/proc/{pid}/fdinfo/{poll}").read_text().count("tfd:") >= 2 for poll in polls)


def sockets(pid: int) -> int:
    links = (os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink())
    return sum(link.startswith("socket:") for link in links)


def connect(served: Served, count: int) -> list[HTTPConnection]:
    """Open connections as fast as a client can, and keep them after a first call."""
    made = [HTTPConnection("127.0.0.1", served.port, timeout=30) for _ in range(count)]
    for connection in made:
        connection.connect()
    for connection in made:
        connection.request("GET", "/health")
        assert connection.getresponse().read()
    return made


def test_connections_that_are_kept_are_spread_over_the_workers(served: Served) -> None:
    before = {pid: sockets(pid) for pid in served.workers}
    made = connect(served, 24)
    taken = [sockets(pid) - before[pid] for pid in before]
    for connection in made:
        connection.close()
    assert min(taken) >= 7, taken


def test_a_worker_that_is_stopped_or_gone_does_not_keep_connections_from_the_others(
        served: Served) -> None:
    stopped, killed, _ = served.workers
    os.kill(stopped, signal.SIGSTOP)
    os.kill(killed, signal.SIGKILL)
    try:
        for _ in range(20):
            with closing(connect(served, 1)[0]) as connection:
                assert connection.sock
    finally:
        os.kill(stopped, signal.SIGCONT)


def test_busy_clients_do_not_keep_threads_from_those_who_wait(
        serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=1, THREADS=4, DB_POOL_SIZE=1, DB_POOL_QUEUE=1)
    answered = [0] * 12
    ended = threading.Event()

    def ask(client: int) -> None:
        (connection,) = connect(served, 1)
        with closing(connection):
            while not ended.is_set():
                connection.request("GET", "/health")
                assert connection.getresponse().read()
                answered[client] += 1

    with ThreadPoolExecutor(len(answered)) as threads:
        asking = [threads.submit(ask, client) for client in range(len(answered))]
        wait_until(lambda: sum(answered) > 3000)
        ended.set()
        for one in asking:
            one.result()
    assert min(answered) * 4 > sum(answered) / len(answered), answered


def test_requests_that_come_in_one_go_are_answered_in_their_order(served: Served) -> None:
    asked = b"".join(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Request-ID: number-%d\r\n%b\r\n" % (
        number, b"Connection: close\r\n" if number == 9 else b"") for number in range(10))
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as client:
        client.sendall(asked)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert re.findall(rb"number-(\d)", answer) == [b"%d" % number for number in range(10)]
