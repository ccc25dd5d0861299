"""What nginx and gunicorn refuse themselves: always JSON, never HTML, once, and at once."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.contract.describe import error_kinds
from flexdb.errors import Unavailable
from tests.support import nginx
from tests.support.nginx import Nginx
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.served import Served, variables_of

pytestmark = [pytest.mark.long, pytest.mark.skipif(not nginx.PROGRAM, reason=nginx.MISSING)]

CONFIGURATION = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
MADE_BY_NGINX = {400, 403, 404, 405, 408, 413, 414, 429, 431, 494, 495, 496, 497, 500, 501, 502,
                 503, 504, 505, 507}
PUBLIC = {494: 431, 495: 400, 496: 400, 497: 400}
RETRIED_AFTER = {429: "1", 502: "1", 503: "1", 504: "1", 507: "30"}
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
# What a proxy that is taken in by the framing before it would pass on as a request of its own.
HIDDEN = b"0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., Settings]
           ) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with Served(folder, **variables_of(new_database()),
                JSONRPC_SOCKET=folder / "http.sock", AUTH="open") as served:
        yield served.wait()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, served: Served) -> Iterator[Nginx]:
    statuses = "".join(f"location = /made/{status} {{ return {status}; }}\n"
                       f"location = /jsonrpc/{status} {{ return {status}; }}\n"
                       for status in MADE_BY_NGINX)
    with Nginx(tmp_path_factory.mktemp("nginx"), served.folder / "http.sock",
               statuses=statuses) as front:
        yield front


def send(port: int, request: bytes) -> tuple[int, str, dict[str, str], Any]:
    """Send bytes and nothing more; return the first status, the head, its fields and the JSON."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        except ConnectionError:
            answer = client.recv(65536)
    if not answer.startswith(b"HTTP/"):
        return 0, "", {}, json.loads(answer)
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert b"HTTP/" not in body, "one request, one answer"
    assert fields["content-type"] == "application/json"
    return int(head.split()[1]), head.decode(), fields, json.loads(body)


# nginx tells a client that is too slow nothing: it closes the connection.
@pytest.mark.parametrize("status", sorted(MADE_BY_NGINX - {408}))
def test_every_status_that_nginx_makes_is_an_error_object_in_the_form_of_its_door(
        front: Nginx, status: int) -> None:
    for path in ("/made", "/jsonrpc"):
        request = f"GET {path}/{status}?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answered, _, fields, reply = send(front.port, request.encode())
        assert answered == PUBLIC.get(status, status)
        assert set(reply) == {"error"}, "only /jsonrpc itself is JSON-RPC's"
        assert set(reply["error"]) == {"code", "message", "data"}
        assert fields.get("retry-after") == RETRIED_AFTER.get(answered)
        if status == 500:
            error_id = reply["error"]["data"]["error_id"]
            assert front.logged(error_id)["error_id"] == error_id


def test_the_error_objects_of_nginx_are_the_services() -> None:
    kinds = {(kind.code, kind.reason): kind for kind in error_kinds()}
    told = [json.loads(text) for text in re.findall(r"'(\{\"code\".*\})'", CONFIGURATION)]
    assert len(told) > 15
    for error in told:
        kind, data = kinds[error["code"], error["data"]["reason"]], error["data"]
        assert data["retryable"] == kind.retryable and error["message"]
        assert data.get("retry_after") == (
            kind.retry_after if issubclass(kind, Unavailable) else {429: 1}.get(kind.status))
        assert set(data) <= {"reason", "retryable", "retry_after", "error_id", "limit"}
        assert ("error_id" in data) == (kind.reason == "INTERNAL")


def test_the_statuses_of_nginx_are_those_of_the_errors_and_some_that_only_it_makes() -> None:
    statuses = {(kind.reason, kind.status) for kind in error_kinds()} | {
        ("INVALID_REQUEST", 403), ("INVALID_REQUEST", 408), ("INVALID_REQUEST", 501),
        ("TOO_LARGE", 414), ("TOO_LARGE", 431), ("STORAGE_FULL", 507)}
    told = re.findall(r"^ *(\d{3}) '(\{\"code\".*\})';", CONFIGURATION, re.MULTILINE)
    assert len(told) > 10
    assert {(json.loads(text)["data"]["reason"], int(status)) for status, text in told} <= statuses


@pytest.mark.parametrize("request_, through_nginx, direct", [
    (b"nonsense\r\n\r\n", 400, 400),
    (b"\0" * 50 + b"\r\n\r\n", 400, 400),
    (b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400, 400),
    (GET + b"X: a\0b\r\n\r\n", 400, 400),
    (GET + b"X: " + b"x" * 70_000 + b"\r\n\r\n", 431, 431),
    (GET + b"X: x\r\n" * 3000 + b"\r\n", 431, 431),
    (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, 414),
    (b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405, 405),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400, 404),
    (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400, 400),
    (b"POST /jsonrpc\r\n\r\n", 0, 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 400),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505, 400),
    (HELLO + b"\r\n\r\n" * 10, 400, 400),
    (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400, 400),
    (GET + b"Host: y\r\n\r\n", 400, 400),
    (GET + b": x\r\n\r\n", 400, 400),
    (GET + b"A: b\r\n c\r\n\r\n", 400, 400),
    (GET + b"A: b\rTransfer-Encoding: chunked\r\n\r\n", 400, 400),
    (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400, 400),
    (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, 400),
    (POST + b"Content-Length: +2\r\n\r\n{}", 400, 400),
    (POST + b"Content-Length: 0x2\r\n\r\n{}", 400, 400),
    (POST + b"Content-Length: -2\r\n\r\n{}", 400, 400),
    (POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}", 400, 413),
    (CHUNKED + b"Content-Length: 5\r\n\r\n" + HIDDEN, 400, 400),
    (CHUNKED + b"Transfer-Encoding: x\r\n\r\n" + HIDDEN, 400, 501),
    (POST + b"Transfer-Encoding: xchunked\r\n\r\n" + HIDDEN, 501, 501),
    (POST + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n" + HIDDEN, 400, 400),
    (POST + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n" + HIDDEN, 400, 400),
    (POST + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n" + HIDDEN, 501, 400),
    (b"POST /jsonrpc HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN, 400, 400),
    (CHUNKED + b"\r\nnonsense\r\n", 400, 400),
    (CHUNKED + b"\r\n-1\r\n\r\n", 400, 400),
    (CHUNKED + b"\r\nffffffffffffffffff\r\n", 400, 400),
    (CHUNKED + b"\r\n1_0\r\n0123456789abcdef\r\n0\r\n\r\n", 400, 400),
    (CHUNKED + b"\r\n2\r\n{}xx0\r\n\r\n", 400, 400),
], ids=range(37))
def test_what_is_not_http_is_refused_once_with_an_error_object(
        front: Nginx, served: Served, request_: bytes, through_nginx: int, direct: int) -> None:
    for port, expected in [(front.port, through_nginx), (served.port, direct)]:
        status, _, _, reply = send(port, request_)
        assert status == expected
        assert reply["error"]["code"] == (-32601 if status in (404, 405) else -32600)


@pytest.mark.parametrize("framing", [
    b"Content-Length: 16777217\r\n\r\n[", b"Transfer-Encoding: chunked\r\n\r\n1000001\r\n[",
], ids=["length", "chunk"])
def test_a_body_over_the_limit_is_refused_before_it_comes(front: Nginx, framing: bytes) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=3) as client:
        client.sendall(POST + framing)
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413") and b'"TOO_LARGE"' in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["jsonrpc"] == "2.0"


def test_what_nginx_was_sent_in_http_09_is_answered_with_json_alone(front: Nginx) -> None:
    assert send(front.port, b"GET /health\r\n")[3] == {"status": "ok"}
    assert send(front.port, b"GET /nowhere\r\n")[3]["error"]["code"] == -32601


def test_a_service_that_is_away_is_told_as_one_to_be_called_again(tmp_path: Path) -> None:
    with Nginx(tmp_path, tmp_path / "http.sock") as front:
        for request in (POST + b"Content-Length: 2\r\n",
                        b"DELETE /tenants/x HTTP/1.1\r\nHost: x\r\n", GET):
            closing = request + b"Connection: close\r\n\r\n{}"
            status, _, fields, reply = send(front.port, closing)
            assert status == 502 and fields["retry-after"] == "1"
            assert reply["error"]["data"] == {
                "reason": "UNAVAILABLE", "retryable": True, "retry_after": 1}
            assert ("jsonrpc" in reply) == (b"/jsonrpc" in request)


def test_who_asks_whether_the_service_is_ready_is_not_told_why_not(
        tmp_path: Path, start: Callable[..., Served]) -> None:
    served = start(DB_HOST="127.0.0.1", DB_PORT=free_port(), DB_USER="canary",
                   JSONRPC_SOCKET=tmp_path / "http.sock", AUTH="open").wait("/health")
    with Nginx(tmp_path, tmp_path / "http.sock") as front:
        status, _, _, reply = send(
            front.port, b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status == 503 and reply["error"]["data"]["reason"] == "UNAVAILABLE"
    assert "127.0.0.1" not in str(reply) and "127.0.0.1" in served.get("/health/ready")[1]["reason"]
