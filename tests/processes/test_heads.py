"""Requests that follow on one connection: what is remembered of one never gets into another."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.workers.gthread import TConn
from hypothesis import given
from hypothesis import strategies as st

from flexdb.server import sockets
from flexdb.server.heads import Response
from flexdb.server.sockets import Socket
from flexdb.server.worker import Worker
from tests.support.waiting import wait_until

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\nX-Who: %b\r\nContent-Length: %d\r\n%b\r\n"
_ASKED = ("PATH_INFO", "HTTP_X_WHO", "HTTP_HOST", "CONTENT_LENGTH", "REQUEST_METHOD", "marked")


class Client:
    """A client of a worker that answers with what it was asked."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.environs: list[dict[str, Any]] = []

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with what was sent, and leave a mark where another request must not see it."""
        self.environs.append({name: environ.get(name) for name in _ASKED})
        environ["marked"] = "by another request"
        body = b"" if environ["PATH_INFO"] == "/unread" else environ["wsgi.input"].read()
        told = b"%b said %b" % ((environ.get("HTTP_X_WHO") or "?").encode(), body)
        start_response("200 OK", [("Content-Length", str(len(told)))])
        return [told]

    def ask(self, sent: bytes) -> bytes:
        """Send something and return what comes of it at once."""
        self.sock.sendall(sent)
        return self.sock.recv(65536)


@pytest.fixture
def client() -> Iterator[Client]:
    config = Config()
    worker = Worker(1, os.getpid(), [], None, 30, config, Logger(config))
    listener = socket.create_server(("127.0.0.1", 0))
    with closing(listener), closing(socket.create_connection(listener.getsockname())) as theirs:
        theirs.settimeout(30)
        ours, peer = listener.accept()
        client = Client(theirs)
        worker.wsgi, worker.tpool = client.app, worker.get_thread_pool()
        connection = TConn(config, ours, peer, ours.getsockname())

        def serve() -> None:
            while worker.handle(connection):
                pass
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield client
        finally:
            theirs.close()
            thread.join(30)
            worker.tmp.close()


def test_an_answer_comes_in_one_piece(client: Client) -> None:
    for who in (b"one", b"two", b"two"):
        head, _, body = client.ask(HEAD % (who, 2, b"") + b"hi").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body == who + b" said hi"


def test_a_head_that_is_the_same_has_a_body_of_its_own(client: Client) -> None:
    assert [client.ask(HEAD % (b"one", 1, b"") + body)[-6:] for body in (b"1", b"2", b"3")] == [
        b"said 1", b"said 2", b"said 3"]


def test_nothing_of_a_request_gets_into_the_next(client: Client) -> None:
    for who in (b"one", b"one", b"one", b"other", b"one", b"one"):
        assert client.ask(HEAD % (who, 0, b"")).endswith(who + b" said ")
    client.ask(b"GET /b HTTP/1.1\r\n\r\n")
    assert [environ["HTTP_X_WHO"] for environ in client.environs] == [
        "one", "one", "one", "other", "one", "one", None]
    assert {environ["marked"] for environ in client.environs} == {None}
    assert client.environs[-1] == dict.fromkeys(_ASKED) | {
        "PATH_INFO": "/b", "REQUEST_METHOD": "GET"}


def test_requests_may_come_in_pieces_and_several_at_once(client: Client) -> None:
    one = HEAD % (b"one", 2, b"") + b"hi"
    for cut in (1, len(one) - 30, len(one) - 5, len(one) - 1):
        client.ask(one)
        client.sock.sendall(one[:cut])
        assert client.ask(one[cut:]).endswith(b"one said hi")
    longer = HEAD % (b"one", 2, b"X-More: y\r\n") + b"ho"
    client.sock.sendall(one + one + longer + one)
    answers = b""
    while answers.count(b"said") < 4 or not answers.endswith(b"said hi"):
        answers += client.sock.recv(65536)
    assert [piece[:2] for piece in answers.split(b"said ")[1:]] == [b"hi", b"hi", b"ho", b"hi"]


def test_a_body_that_nobody_read_is_no_request(client: Client) -> None:
    unread = HEAD.replace(b"/a", b"/unread") % (b"one", 20, b"") + b"GET /a HTTP/1.1\r\n\r\n "
    for _ in range(3):
        assert client.ask(unread).endswith(b"one said ")
    assert [environ["PATH_INFO"] for environ in client.environs] == ["/unread"] * 3


def test_bodies_may_be_chunked_and_be_waited_for(client: Client) -> None:
    chunked = (b"POST /a HTTP/1.1\r\nX-Who: one\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"2\r\n%b\r\n0\r\n\r\n")
    for body in (b"hi", b"ho", b"hu"):
        assert client.ask(chunked % body).endswith(b"one said " + body)
    for body in (b"hi", b"ho"):
        told = client.ask(HEAD % (b"one", 2, b"Expect: 100-continue\r\n"))
        assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert client.ask(body).endswith(b"one said " + body)


def test_a_body_may_come_long_after_its_head(client: Client) -> None:
    for body in (b"hi", b"ho", b"hu"):
        client.sock.sendall(HEAD % (b"one", 2, b""))
        # As long as a thread waits for a request, and then some.
        assert not select.select([client.sock], [], [], 0.05)[0]
        assert client.ask(body).endswith(b"one said " + body)


def test_what_the_kernel_has_no_room_for_at_once_is_sent_all_the_same() -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    theirs.settimeout(30)
    given, received = os.urandom(60_000), b""
    with Socket.of(ours) as sender, theirs:
        thread = threading.Thread(target=sender.sendall, args=(given,))
        thread.start()
        while len(received) < len(given):
            received += theirs.recv(65536)
        thread.join(30)
    assert received == given


def test_no_more_than_half_of_the_threads_wait_for_clients_that_may_go_on(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "_SOON", struct.pack("@ll", 60, 0))
    config = Config()
    config.set("threads", 4)
    worker = Worker(1, os.getpid(), [], None, 30, config, Logger(config))
    worker.tpool = worker.get_thread_pool()
    with ExitStack() as closing_all:
        closing_all.callback(worker.tmp.close)
        clients = [Client(closing_all.enter_context(socket.socket())) for _ in range(3)]
        listener = closing_all.enter_context(socket.create_server(("127.0.0.1", 0)))
        worker.wsgi = clients[0].app
        handled = []
        for client in clients:
            client.sock.settimeout(30)
            client.sock.connect(listener.getsockname())
            ours, peer = listener.accept()
            connection = TConn(config, ours, peer, ours.getsockname())
            closing_all.callback(connection.close)
            handled.append(worker.tpool.submit(worker.handle, connection))
            assert client.ask(HEAD % (b"one", 0, b"")).endswith(b"one said ")
            wait_until(lambda: len(worker._awaited) == min(len(handled), 2))
        # The third is handed back, so that a thread is there for whoever comes.
        assert handled[2].result(30) is True
        assert not handled[0].done() and not handled[1].done()
        for client in clients:
            client.sock.close()
        assert not any(one.result(30) for one in handled[:2])


def test_who_asks_for_the_end_gets_it(client: Client) -> None:
    client.ask(HEAD % (b"one", 0, b""))
    assert b"Connection: close\r\n" in client.ask(HEAD % (b"one", 0, b"Connection: close\r\n"))
    assert client.sock.recv(10) == b""


_NAMES = st.sampled_from(["Content-Type", "X-Request-ID", "Server-Timing", "ETag", "Connection",
                          "content-length", "a b", ""])
_VALUES = st.text(st.sampled_from("a1 ;\t\r\n\0\x7f\xe9\u0100"), max_size=4).map(str.strip)


@given(headers=st.lists(st.tuples(_NAMES, _VALUES), max_size=5), length=st.integers(0, 9))
def test_headers_are_taken_and_refused_as_gunicorn_does(
        headers: list[tuple[str, str]], length: int) -> None:
    given = [*headers, ("Content-Length", str(length))]
    assert _taken(Response, given) == _taken(wsgi.Response, given)


def _taken(kind: type[Any], headers: list[tuple[str, str]]) -> object:
    """Return what an answer of a kind makes of headers, or the error that it raises."""
    answer = kind(Request.__new__(Request), None, Config())
    try:
        answer.process_headers(headers)
    except (ParseException, ValueError) as error:
        return type(error), str(error)
    return answer.headers, answer.response_length
