"""gunicorn and flexdb together: what is true only of the processes that serve."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import count
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support import postgres
from tests.support.http import JSON, call_body, exchange
from tests.support.served import Served, variables_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

LIMIT = 4096
DAWDLE = """
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
    CREATE TRIGGER dawdle BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
DAWDLING = ("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
            "AND datname = current_database()")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., Settings]
           ) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served"), **variables_of(new_database()),
                MAX_BODY_BYTES=LIMIT) as served:
        yield served.wait()


@pytest.fixture
def connection(served: Served) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    yield connection
    connection.close()


def post(connection: HTTPConnection, body: Any) -> tuple[int, Any]:
    connection.request("POST", "/jsonrpc", body, JSON)
    response = connection.getresponse()
    answer = response.read()
    assert response.headers["Content-Type"] == "application/json"
    return response.status, json.loads(answer) if answer else None


def test_clients_at_once_get_their_own_answers(served: Served) -> None:
    def work(client: int) -> None:
        connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
        slug = f"client-{client}"
        tenant = post(connection, call_body(client, "create_tenant", slug=slug, name=slug))[1]
        key = tenant["result"]["tenant"]["id"]
        for number in range(client * 1000, client * 1000 + 25):
            reply = post(connection, call_body(number, "get_tenant", id=key))
            assert reply == (200, tenant | {"id": number})
        connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(1, 9)))


def test_a_connection_is_kept_for_many_requests_whatever_they_answer(
        connection: HTTPConnection) -> None:
    connection.connect()
    kept = connection.sock
    notification = call_body(3).replace(b'"id": 3', b'"x": 3')
    for body, status in [(call_body(1), 200), (b"{", 200), (call_body(2, "nothing"), 200),
                         (b"[]", 200), (notification, 204), (call_body(4), 200)]:
        connection.request("POST", "/jsonrpc", body, JSON)
        response = connection.getresponse()
        assert response.status == status and bool(response.read()) == (status == 200)
        assert connection.sock is kept


@pytest.mark.parametrize("sizes", [[1], [7], [3000], [1, 500, 2]], ids=str)
def test_a_chunked_body_is_read_like_any_other(
        connection: HTTPConnection, sizes: list[int]) -> None:
    body, place, chunks = call_body(1, slug="x" * 200), 0, []
    for number in count():
        if place >= len(body):
            break
        chunks.append(body[place:place + sizes[number % len(sizes)]])
        place += len(chunks[-1])
    reply = post(connection, iter(chunks))
    assert reply == post(connection, body) and reply[1]["error"]["code"] == -32602


@pytest.mark.parametrize("body", [
    pytest.param(b"[" + b" " * LIMIT, id="with its length"),
    pytest.param([b"[" + b" " * 512] * 9, id="chunked"),
    pytest.param([b" " * 100_000] * 30, id="chunked and much larger"),
])
def test_a_body_over_the_limit_is_413_and_a_json_rpc_error(
        served: Served, body: bytes | list[bytes]) -> None:
    framing = b"Content-Length: %d" % len(body)
    sent = bytes(body) if isinstance(body, bytes) else b"".join(
        b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in body) + b"0\r\n\r\n"
    if isinstance(body, list):
        framing = b"Transfer-Encoding: chunked"
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    with connection:
        head = b"POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(head + framing + b"\r\n\r\n")
        threading.Thread(target=lambda: _send(connection, sent)).start()
        answer = connection.recv(65536)
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            more = connection.recv(65536)
            assert more, answer
            answer += more
    assert answer.split()[1] == b"413"
    error = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert error["jsonrpc"] == "2.0" and error["id"] is None
    assert (error["error"]["code"], error["error"]["data"]["reason"]) == (-32600, "TOO_LARGE")


def _send(connection: socket.socket, sent: bytes) -> None:
    try:
        connection.sendall(sent)
    except OSError:
        pass


@pytest.mark.parametrize("request_, status", [
    (b"nonsense\r\n\r\n", 400),
    (b"GET /health HTTP/9.9\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n", 400),
    (b"POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
    (b"POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
     b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n\r\n", 400),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
    (b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 200 + b"\r\n", 431),
], ids=["no request", "version", "header", "length", "chunk", "line", "field", "fields"])
def test_what_gunicorn_itself_refuses_is_an_error_object_too(
        served: Served, request_: bytes, status: int) -> None:
    answered, head, body = exchange(served.port, request_)
    assert answered == status
    assert b"content-type: application/json" in head.lower() and b"<" not in body
    assert json.loads(body)["error"]["code"] == -32600


@pytest.mark.longest
def test_a_reload_under_requests_loses_none(served: Served) -> None:
    ended, results = threading.Event(), []

    def work() -> None:
        while not ended.is_set():
            results.append(served.get("/jsonrpc", "POST", call_body(1).decode())[0])

    with ThreadPoolExecutor(4) as threads:
        workers = [threads.submit(work) for _ in range(4)]
        try:
            for _ in range(2):
                booted = served.said.count("Booting worker")
                exited = served.said.count("Worker exiting")
                served.process.send_signal(signal.SIGHUP)
                wait_until(lambda: served.said.count("Booting worker") >= booted + 2
                           and served.said.count("Worker exiting") >= exited + 2)
        finally:
            ended.set()
        for worker in workers:
            worker.result()
    assert set(results) == {200} and len(results) > 20
    assert "Traceback" not in served.said


def test_a_worker_that_dies_is_replaced(served: Served) -> None:
    booted = served.said.count("Booting worker")
    os.kill(served.workers[-1], signal.SIGKILL)
    wait_until(lambda: served.said.count("Booting worker") > booted)
    assert served.call("list_tenants")["result"]


@pytest.mark.longest
def test_a_master_that_dies_leaves_its_port_to_the_next_and_its_calls_to_its_workers(
        start: Callable[..., Served], new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    with postgres.connect(settings) as database, ThreadPoolExecutor(1) as thread:
        database.execute(DAWDLE.format(seconds=6))
        first = start(**variables_of(settings)).wait()
        reply = thread.submit(first.call, "create_user", email="a@b.c", display_name="A")
        wait_until(lambda: database.execute(DAWDLING).fetchone() is not None)
        first.end(signal.SIGKILL)
        second = start(**variables_of(settings), JSONRPC_PORT=first.port).wait()
        assert second.call("list_users")["result"]["users"] == [] and not reply.done()
        assert reply.result()["result"]["user"]["email"] == "a@b.c"


def test_a_termination_lets_what_is_under_way_come_to_its_end(
        start: Callable[..., Served], new_database: Callable[..., Settings]) -> None:
    settings = new_database()
    with postgres.connect(settings) as database:
        database.execute(DAWDLE.format(seconds=1))
        served = start(**variables_of(settings)).wait()
        idle = HTTPConnection("127.0.0.1", served.port, timeout=30)
        assert post(idle, call_body(1))[0] == 200
        with ThreadPoolExecutor(1) as thread:
            reply = thread.submit(served.call, "create_user", email="a@b.c", display_name="A")
            wait_until(lambda: database.execute(DAWDLING).fetchone() is not None)
            began = time.monotonic()
            assert served.end(signal.SIGTERM) == 0
        assert reply.result()["result"]["user"]["email"] == "a@b.c"
        assert time.monotonic() - began < 20, "a kept connection does not delay the end"
        idle.close()
    assert "Traceback" not in served.said


@pytest.mark.parametrize("arguments, lines", [("", 0), ("--access-logfile -", 1)])
def test_gunicorn_tells_each_request_only_when_it_is_asked_to(
        serve: Callable[..., Served], arguments: str, lines: int) -> None:
    served = serve(GUNICORN_CMD_ARGS=arguments)
    served.get("/nothing-there")
    served.end()
    assert served.said.count("GET /nothing-there HTTP/1.1") == lines


@pytest.mark.parametrize("verb", ["DELETE", "GET"])
def test_content_that_means_nothing_is_not_taken_for_the_next_request(
        connection: HTTPConnection, verb: str) -> None:
    """RFC 9110, sections 9.3.1 and 9.3.5."""
    for body in (b"GET /nowhere HTTP/1.1\r\n\r\n", iter([b"GET /nowhere", b" HTTP/1.1\r\n\r\n"])):
        connection.request(verb, "/tenants/x", body, JSON)
        response = connection.getresponse()
        assert response.status == 400 and response.read()
        assert post(connection, call_body(1))[0] == 200


def test_a_gzip_body_may_arrive_in_chunks_and_has_the_limit_of_a_body(
        connection: HTTPConnection) -> None:
    for body, status in ((call_body(1), 200), (b" " * LIMIT * 2 + call_body(1), 413)):
        packed = gzip.compress(body)
        connection.request("POST", "/jsonrpc", iter([packed[:20], packed[20:]]),
                           JSON | {"Content-Encoding": "gzip"})
        response = connection.getresponse()
        assert response.status == status and response.read()
