"""What a client of nginx sees of a service that restarts, breaks off or does not answer."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support import nginx
from tests.support.http import JSON, call_body
from tests.support.nginx import Nginx
from tests.support.served import Served, variables_of
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.skipif(not nginx.PROGRAM, reason=nginx.MISSING)]


@pytest.fixture
def serve(tmp_path: Path, start: Callable[..., Served], new_database: Callable[..., Settings]
          ) -> Callable[..., Served]:
    """Start the service behind nginx, always on the same database."""
    same = variables_of(new_database(), JSONRPC_SOCKET=tmp_path / "http.sock", AUTH="open")
    return lambda **variables: start(**same, **variables).wait()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Nginx]:
    with Nginx(tmp_path, tmp_path / "http.sock") as front:
        yield front


class Load:
    """Clients that call through nginx, some with kept connections, until the block ends."""

    def __init__(self, front: Nginx, clients: int = 6) -> None:
        self.port = front.port
        self.answers: Counter[tuple[int, str]] = Counter()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,))
                         for number in range(clients)]

    def _work(self, number: int) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._ended.is_set():
            connection.request("POST", "/jsonrpc", call_body(number), JSON)
            response = connection.getresponse()
            reply = json.loads(response.read())
            self.answers[response.status, reply.get("error", {"data": {"reason": "OK"}})[
                "data"]["reason"]] += 1
            if number % 2:
                connection.close()
            # Some let their connection to the service rest for as long as nginx keeps it.
            time.sleep(number / 5 if number % 3 == 0 else 0.01)
        connection.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.longest
def test_a_reload_fails_no_call(serve: Callable[..., Served], front: Nginx) -> None:
    served = serve()
    with Load(front) as load:
        for _ in range(3):
            old = served.booted
            served.process.send_signal(signal.SIGHUP)
            wait_until(lambda: all(f"Worker exiting (pid: {pid})" in served.said for pid in old)
                       and len(served.booted - old) == 2, 90)
    assert set(load.answers) == {(200, "OK")} and load.answers.total() > 100


@pytest.mark.longest
def test_the_replacement_of_workers_fails_no_call(
        serve: Callable[..., Served], front: Nginx) -> None:
    served = serve(MAX_REQUESTS=50, MAX_REQUESTS_JITTER=20)
    with Load(front) as load:
        wait_until(lambda: len(served.booted) > 8, 120)
    assert set(load.answers) == {(200, "OK")}


@pytest.mark.longest
def test_an_end_leaves_no_call_in_doubt(serve: Callable[..., Served], front: Nginx) -> None:
    served = serve()
    with Load(front) as load:
        wait_until(lambda: load.answers.total() > 50)
        assert served.end(signal.SIGTERM) == 0
        before = load.answers[200, "OK"]
        serve()
        wait_until(lambda: load.answers[200, "OK"] > before + 50)
    assert set(load.answers) == {(200, "OK"), (502, "UNAVAILABLE")}


class Dying:
    """A service that answers the first request of a connection, and none after it.

    :param closes: whether it breaks off the second one, or says nothing
    """

    def __init__(self, path: Path, closes: bool) -> None:
        self.seen: list[bytes] = []
        self._closes = closes
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(path))
        self._door.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client:
            for number in range(2):
                request = client.recv(65536)
                self.seen.append(request.split(b" ")[0])
                if number == 0 and request.startswith(b"GET /first "):
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                    continue
                if not self._closes:
                    client.recv(65536)
                return

    def __enter__(self) -> Dying:
        return self

    def __exit__(self, *_: object) -> None:
        # The thread that waits in accept() is woken by this alone.
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


def ask_on_a_kept_connection(front: Nginx, verb: str) -> tuple[int, Any, str | None]:
    """Let nginx open a connection to the service, and then use it again."""
    # One connection of the client leads to one worker of nginx, which has its own to the service.
    connection = HTTPConnection("127.0.0.1", front.port, timeout=30)
    connection.request("GET", "/first")
    assert connection.getresponse().read() == b"{}"
    connection.request(verb, "/second", b"{}", JSON)
    response = connection.getresponse()
    reply = json.loads(response.read())
    connection.close()
    return response.status, reply, response.headers["Retry-After"]


@pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_change_that_may_have_been_made_is_not_sent_again_and_told_so(
        tmp_path: Path, verb: str) -> None:
    path = tmp_path / "http.sock"
    with Dying(path, closes=True) as service, Nginx(tmp_path, path) as front:
        status, reply, retry_after = ask_on_a_kept_connection(front, verb)
    assert (status, retry_after) == (502, "1")
    assert reply["error"]["code"] == -32005
    assert reply["error"]["data"] == {
        "reason": "COMMIT_UNKNOWN", "retryable": False, "retry_after": 1}
    assert service.seen.count(verb.encode()) == 1


def test_a_read_that_was_broken_off_is_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with Dying(path, closes=True) as service, Nginx(tmp_path, path) as front:
        status, reply, _ = ask_on_a_kept_connection(front, "GET")
    assert status == 502 and reply["error"]["data"]["reason"] == "UNAVAILABLE"
    assert service.seen == [b"GET"] * 3


@pytest.mark.parametrize("verb", ["POST", "PUT", "GET"])
def test_a_service_that_says_nothing_is_given_up(tmp_path: Path, verb: str) -> None:
    path = tmp_path / "http.sock"
    with (Dying(path, closes=False) as service,
          Nginx(tmp_path, path, patience="proxy_read_timeout 1s;") as front):
        status, reply, retry_after = ask_on_a_kept_connection(front, verb)
    assert (status, retry_after) == (504, "1")
    assert (reply["error"]["code"], reply["error"]["data"]["reason"]) == (
        -32006, "DEADLINE_EXCEEDED")
    assert service.seen.count(verb.encode()) == (2 if verb == "GET" else 1)
