"""nginx before the service: what it passes on, what it adds, and what it hides."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from flexdb.config import Settings
from tests.support import nginx
from tests.support.http import JSON, call_body
from tests.support.nginx import Nginx
from tests.support.paths import ROOT
from tests.support.served import Served, variables_of

pytestmark = [pytest.mark.long, pytest.mark.skipif(not nginx.PROGRAM, reason=nginx.MISSING)]

CONFIGURATION = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")

METRICS = ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics", "/metrics?x"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[..., Settings]
           ) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with Served(folder, **variables_of(new_database()),
                JSONRPC_SOCKET=folder / "http.sock", AUTH="open") as served:
        yield served.wait()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, served: Served) -> Iterator[Nginx]:
    with Nginx(tmp_path_factory.mktemp("nginx"), served.folder / "http.sock") as front:
        yield front


def ask(front: Nginx, method: str, path: str, body: bytes | None = None, **headers: str
        ) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", front.port, timeout=30)
    connection.request(method, path, body, {
        **JSON, **{name.replace("_", "-"): value for name, value in headers.items()}})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response, answer


def call(front: Nginx, method: str, **params: Any) -> Any:
    return json.loads(ask(front, "POST", "/jsonrpc", call_body(1, method, **params))[1])["result"]


@pytest.fixture(scope="module")
def node(front: Nginx) -> Any:
    """A node that is large enough to be compressed."""
    tenant = call(front, "create_tenant", slug="front", name="Front")["tenant"]
    kind = call(front, "create_node_type", tenant_id=tenant["id"], name="Page")["node_type"]
    return call(front, "create_node", tenant_id=tenant["id"], node_type_id=kind["id"],
                data={"text": "word " * 1000})["node"]


def test_limits_and_times_fit_the_services_own() -> None:
    def said(name: str) -> int:
        (value,) = re.findall(rf"^ *{name} (\d+)s?;", CONFIGURATION, re.MULTILINE)
        return int(value)

    defaults = Settings()
    assert said("client_max_body_size") == defaults.max_body_bytes
    assert said("proxy_read_timeout") > defaults.long_timeout + defaults.db_pool_timeout
    # The first is of the connections to the service, the second of those of clients.
    kept, _ = re.findall(r"keepalive_timeout (\d+)s;", CONFIGURATION)
    least = Settings.__dataclass_fields__["keepalive"].metadata["least"]
    assert int(kept) < min(STOP_KEEPALIVE_LINGER, least)


def test_an_error_of_the_service_passes_as_it_is(front: Nginx, served: Served) -> None:
    for path, method, status in [("/nowhere", "GET", 404), ("/jsonrpc", "GET", 405),
                                 ("/tenants/x", "DELETE", 400), ("/tenants/x", "PUT", 400)]:
        response, answer = ask(front, method, path, b"{}")
        assert (response.status, json.loads(answer)) == served.get(path, method, "{}")
        assert response.status == status


def test_every_answer_has_the_headers_that_keep_browsers_safe_and_each_once(front: Nginx) -> None:
    for path in ("/health", "/nowhere", "/docs", "/jsonrpc", "/%00"):
        headers = ask(front, "GET", path)[0].headers
        assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
        assert headers.get_all("Referrer-Policy") == ["no-referrer"]
        assert headers.get_all("X-Frame-Options") == ["DENY"]
        assert headers["Server"] == "nginx" and not headers.get_all("Strict-Transport-Security")
        (policy,) = headers.get_all("Content-Security-Policy") or []
        assert "frame-ancestors 'none'" in policy
        assert ("script-src 'self'" in policy) == (path == "/docs")


def test_a_request_has_one_id_from_the_client_where_it_is_sane(front: Nginx) -> None:
    assert ask(front, "GET", "/health", X_Request_ID="a.b-c_1")[0].headers.get_all(
        "X-Request-ID") == ["a.b-c_1"]
    for wild in ("", "a b", "a\"b", "x" * 129, "\x1b[31m"):
        made = ask(front, "GET", "/health", X_Request_ID=wild)[0].headers["X-Request-ID"]
        assert re.fullmatch("[0-9a-f]{32}", made)
    assert front.logged("a.b-c_1")["status"] == 200


def test_the_log_has_no_query_and_no_body(front: Nginx) -> None:
    ask(front, "POST", "/jsonrpc?token=canary", call_body(1, "create_user", email="canary"))
    ask(front, "GET", "/tenants?page_token=canary", Authorization="canary", Referer="canary",
        X_Request_ID="quiet")
    line = front.logged("quiet")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/tenants", 401)
    assert float(line["upstream_seconds"]) <= line["seconds"] + 0.01
    assert "canary" not in front.log


def test_the_pages_know_the_address_that_the_client_call_body(front: Nginx) -> None:
    address = f"http://127.0.0.1:{front.port}"
    assert address.encode() in ask(front, "GET", "/")[1]
    forged = ask(front, "GET", "/", X_Forwarded_Proto="https", X_Forwarded_Host="evil.example",
                 X_Forwarded_Ssl="on", Forwarded="host=evil.example;proto=https")
    assert forged[0].status == 200 and address.encode() in forged[1]
    assert b"evil" not in forged[1]


def test_large_json_is_compressed_for_who_takes_it(front: Nginx, node: Any) -> None:
    body = call_body(1, "get_node", tenant_id=node["tenant_id"], id=node["id"])
    plain, answer = ask(front, "POST", "/jsonrpc", body)
    packed, bytes_ = ask(front, "POST", "/jsonrpc", body, Accept_Encoding="gzip")
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(bytes_) == answer and len(bytes_) < len(answer) / 4


def test_a_version_that_compression_made_weak_is_still_the_version(front: Nginx, node: Any) -> None:
    path = f"/tenants/{node['tenant_id']}/nodes/{node['id']}"
    tag = ask(front, "GET", path, Accept_Encoding="gzip")[0].headers["ETag"]
    assert tag.startswith('W/"1-')
    assert ask(front, "GET", path, If_None_Match=tag)[0].status == 304
    data = json.dumps({"data": {"text": "word " * 1001}}).encode()
    assert ask(front, "PUT", path, data, If_Match='W/"7"')[0].status == 412
    assert ask(front, "PUT", path, data, If_Match=tag)[0].status == 200
    assert ask(front, "PUT", path, data, If_Match=tag)[0].status == 412


def test_slow_clients_hold_no_thread(front: Nginx, served: Served) -> None:
    """More of them than the service has threads: their bodies are awaited here."""
    body = call_body(1)
    slow = [socket.create_connection(("127.0.0.1", front.port)) for _ in range(64)]
    for client in slow:
        client.sendall(b"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%b" % (len(body), body[:-1]))
    began = time.monotonic()
    for number in range(20):
        assert ask(front, "POST", "/jsonrpc", call_body(number))[0].status == 200
    assert time.monotonic() - began < 10, "the service waits for slow bodies"
    for client in slow:
        client.sendall(body[-1:])
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.close()


def test_metrics_are_for_this_machine_alone(front: Nginx, tmp_path: Path, served: Served) -> None:
    for path in METRICS:
        assert ask(front, "GET", path)[0].status != 403, "127.0.0.1 may ask"
    # The address that an outside client has is given by nginx's own module for it.
    with Nginx(tmp_path, served.folder / "http.sock",
               outside="set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;") as outside:
        for path in METRICS:
            for claimed in ("", "127.0.0.1"):
                response, answer = ask(outside, "GET", path, X_Real_IP="203.0.113.9",
                                       X_Forwarded_For=claimed)
                assert response.status == 403
                assert json.loads(answer)["error"]["data"]["reason"] == "INVALID_REQUEST"
        assert ask(outside, "GET", "/health", X_Real_IP="203.0.113.9")[0].status == 200


def test_the_rate_of_an_address_can_be_limited(tmp_path: Path, served: Served) -> None:
    (line,) = re.findall(r"# (limit_req zone=.*)", CONFIGURATION)
    with (Nginx(tmp_path, served.folder / "http.sock",
                limit=line.replace("burst=200", "burst=5")) as limited,
          ThreadPoolExecutor(8) as threads):
        answers = list(threads.map(lambda n: ask(limited, "PUT" if n % 2 else "POST", "/jsonrpc",
                                                 call_body(n)), range(200)))
    statuses = {response.status for response, _ in answers}
    assert statuses == {200, 405, 429}
    response, answer = next(one for one in answers if one[0].status == 429)
    assert response.headers.get_all("Retry-After") == ["1"]
    assert json.loads(answer)["error"]["data"] == {
        "reason": "RATE_LIMITED", "limit": "rate", "retryable": True, "retry_after": 1}


def read_late(front: Nginx, request_id: str, request: bytes, body: bytes = b"") -> bytes:
    """Return the body of an answer that a client takes in small pieces, and not at once."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", front.port))
    client.sendall(b"%b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   b"Connection: close\r\nX-Request-ID: %b\r\nContent-Length: %d\r\n\r\n"
                   % (request, request_id.encode(), len(body)))
    threading.Thread(target=client.sendall, args=(body,)).start()
    time.sleep(2)
    client.settimeout(30)
    answer = b"".join(iter(lambda: client.recv(2**20), b""))
    client.close()
    return answer.partition(b"\r\n\r\n")[2]


def assert_taken_at_once(front: Nginx, request_id: str) -> None:
    line = front.logged(request_id)
    assert float(line["upstream_seconds"]) < line["seconds"] - 0.5


def test_a_large_answer_is_taken_from_the_service_at_once(front: Nginx, node: Any) -> None:
    calls = [json.loads(call_body(n, "get_node", tenant_id=node["tenant_id"], id=node["id"]))
             for n in range(1000)]
    answer = read_late(front, "large", b"POST /jsonrpc", json.dumps(calls).encode())
    assert len(json.loads(answer)) == 1000 and len(answer) > 5_000_000
    assert_taken_at_once(front, "large")


def test_so_is_a_large_list_of_changes_which_is_compressed_like_any_answer(
        front: Nginx, node: Any) -> None:
    path = f"/tenants/{node['tenant_id']}/changes"
    since = json.loads(ask(front, "GET", path)[1])["position"]
    for _ in range(2):
        call(front, "create_nodes", tenant_id=node["tenant_id"], nodes=[
            {"node_type_id": node["node_type_id"], "data": node["data"]}] * 400)
    path += f"?since={since}&limit=1000"
    answer = read_late(front, "changes", b"GET " + path.encode())
    assert len(json.loads(answer)["changes"]) > 500
    assert_taken_at_once(front, "changes")
    packed, bytes_ = ask(front, "GET", path, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip" and len(bytes_) < len(answer) / 4
