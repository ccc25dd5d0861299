"""Requests that never reach the application, or reach it in pieces: each gets a JSON error too."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from http.client import HTTPResponse

import orjson
import pytest

from flexdb.config import Settings
from tests.support.served import Served, variables_of

POST = b"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., Settings]
         ) -> Iterator[int]:
    """A gunicorn that takes bodies up to 64 KiB."""
    with Served(tmp_path_factory.mktemp("served"), **variables_of(new_database()), WORKERS=1,
                MAX_BODY_BYTES=64 * 1024, AUTH="open") as served:
        yield served.wait().port


def send(port: int, request: bytes) -> tuple[int, str, bytes]:
    """Send bytes and return the status, the content type and the body of the response."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.headers.get_content_type(), response.read()


def test_a_chunked_body_is_read(port: int) -> None:
    status, kind, body = send(port, CHUNKED + b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
    assert (status, kind, len(orjson.loads(body))) == (200, "application/json", 2)


@pytest.mark.parametrize(("request_", "statuses"), [
    (CHUNKED + b"10000\r\n" + b"%65536d" % 1 + b"\r\n1\r\n \r\n0\r\n\r\n", {413}),
    (CHUNKED + b"20000\r\n" + b"%131072d" % 1 + b"\r\n0\r\n\r\n", {413}),
    (POST + b"Content-Length: 65537\r\n\r\n" + b" " * 65537, {413}),
    (POST + b"Content-Length: 99999999999999999999\r\n\r\n", {413}),
    (CHUNKED + b"kilroy\r\n", {400}),
    (CHUNKED + b"2\r\n[]kilroy\r\n0\r\n\r\n", {400}),
    (POST + b"Content-Length: kilroy\r\n\r\n", {400}),
    (POST + b"Content-Length: -1\r\n\r\n", {400}),
    (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12", {400}),
    (POST + b"Transfer-Encoding: kilroy\r\n\r\n", {400, 501}),
    (POST + b"kilroy\r\n\r\n", {400}),
    (POST + b"X: " + b"a" * 10_000 + b"\r\n\r\n", {400, 431}),
    (POST + b"X: 1\r\n" * 200 + b"\r\n", {400, 431}),
    (b"POST /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n", {400, 414}),
    (b"kilroy\r\n\r\n", {400}), (b"POST /jsonrpc HTTP/9.9\r\n\r\n", {400, 505}),
    (b"{}\r\n\r\n", {400}), (b"POST /jsonrpc\r\n\r\n", {400}),
], ids=lambda value: repr(value[:90]) if isinstance(value, bytes) else "")
def test_a_request_that_is_not_taken_is_refused_in_json(port: int, request_: bytes,
                                                        statuses: set[int]) -> None:
    status, kind, body = send(port, request_)
    assert status in statuses and kind == "application/json", (status, kind, body)
    assert orjson.loads(body)["error"]["code"] in (-32600, -32601) and b"kilroy" not in body
    assert send(port, b"GET /health HTTP/1.0\r\n\r\n")[0] == 200
