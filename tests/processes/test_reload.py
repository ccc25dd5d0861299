"""What a running service does when it is told to read its settings anew, or to end."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gunicorn.workers.gthread import DEFAULT_WORKER_DATA_TIMEOUT

from flexdb.config import Settings
from tests.support.http import call_body
from tests.support.served import Served, variables_of
from tests.support.service import request
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

TWO_CALLS = json.dumps([request("list_tenants", id=number) for number in (1, 2)])


@pytest.fixture
def served(tmp_path: Path, serve: Callable[..., Served]) -> Served:
    # A second worker might still be about to read what a test changes.
    (tmp_path / ".env").write_text("WORKERS=1\n")
    return serve(JSONRPC_SOCKET=tmp_path / "http.sock", AUTH="open")


def test_a_reload_takes_new_settings_and_makes_new_workers(tmp_path: Path, served: Served) -> None:
    old = served.booted
    (tmp_path / ".env").write_text("WORKERS=3\nMAX_BATCH=1\nTIMEOUT=7\n")
    served.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(served.booted - old) == 3
               and all(f"Worker exiting (pid: {pid})" in served.said for pid in old))
    status, reply = served.get("/jsonrpc", "POST", TWO_CALLS)
    assert status == 200 and "1" in reply["error"]["message"]


def test_a_worker_that_follows_another_has_the_settings_that_it_had(
        tmp_path: Path, serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=1, MAX_REQUESTS=3, MAX_REQUESTS_JITTER=0)
    first = served.booted
    (tmp_path / ".env").write_text("MAX_BATCH=1\nTHREADS=3\n")
    wait_until(lambda: served.answers() and served.booted - first)
    status, replies = served.get("/jsonrpc", "POST", TWO_CALLS)
    assert status == 200 and [reply["id"] for reply in replies] == [1, 2]


@pytest.mark.parametrize("file, text, told", [
    (".env", "WORKERS=many\n", "WORKERS='many' is not a whole number"),
    (".env", "THREADS=3\n", "THREADS=3 is too small"),
    ("wsgi.py", "import nothing_of_this_name\n", "No module named 'nothing_of_this_name'"),
    ("gunicorn.conf.py", "workers = \n", "invalid syntax"),
], ids=["setting", "settings that do not fit", "code", "configuration"])
def test_a_reload_that_would_fail_is_refused_in_one_line_and_nothing_ends(
        tmp_path: Path, served: Served, file: str, text: str, told: str) -> None:
    old, before = served.booted, len(served.said)
    (tmp_path / file).write_text(text)
    served.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "Not reloaded" in served.said)
    (line,) = [line for line in served.said[before:].splitlines() if "ERROR" in line]
    assert told in line
    assert "Traceback" not in served.said
    assert served.call("list_tenants")["result"] and served.booted == old
    assert served.end(signal.SIGTERM) == 0


@pytest.mark.longest
def test_an_end_answers_those_who_wait_to_be_let_in(tmp_path: Path, served: Served) -> None:
    body = call_body(1)
    call = (b"POST /jsonrpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    for worker in served.booted:
        os.kill(worker, signal.SIGSTOP)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(5)]
    for client in waiting:
        client.settimeout(30)
        client.connect(str(tmp_path / "http.sock"))
        client.sendall(call)
    served.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not (tmp_path / "http.sock").exists())
    for worker in served.booted:
        os.kill(worker, signal.SIGCONT)
    for client in waiting:
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        client.close()
        assert answer.startswith(b"HTTP/1.1 200") and b'"tenants"' in answer
    assert served.process.wait(30) == 0


@pytest.mark.longest
def test_an_end_does_not_wait_for_connections_on_which_nothing_was_sent(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port)):
        # A thread waits for the first byte that long, and the worker's loop after it.
        time.sleep(DEFAULT_WORKER_DATA_TIMEOUT + 1)
        began = time.monotonic()
        assert served.end(signal.SIGTERM, 60) == 0
        assert time.monotonic() - began < Settings().graceful_timeout / 2


@pytest.mark.parametrize("make, told", [
    (lambda path: path.write_text("not a socket"), "is there already, and is no socket"),
    (lambda path: path.parent.rmdir(), "must be a folder that may be written to"),
], ids=["a file", "no folder"])
def test_a_socket_that_cannot_be_made_is_refused_in_one_line(
        tmp_path: Path, start: Callable[..., Served], make: Callable[[Path], None], told: str
        ) -> None:
    path = tmp_path / "run" / "http.sock"
    path.parent.mkdir()
    make(path)
    line = start(DB_HOST="127.0.0.1", JSONRPC_SOCKET=path).refused()
    assert f"JSONRPC_SOCKET={path}" in line and told in line


def test_a_socket_with_too_long_a_path_is_refused_in_one_line(
        tmp_path: Path, start: Callable[..., Served]) -> None:
    line = start(DB_HOST="127.0.0.1", JSONRPC_SOCKET=tmp_path / ("x" * 120)).refused()
    assert "107 bytes" in line


@pytest.mark.longest
def test_a_socket_is_not_taken_from_one_that_listens_but_from_one_that_was_killed(
        tmp_path: Path, served: Served, start: Callable[..., Served],
        new_database: Callable[..., Settings]) -> None:
    path = tmp_path / "http.sock"
    line = start(DB_HOST="127.0.0.1", JSONRPC_SOCKET=path).refused()
    assert "is taken by another program" in line and served.answers()
    served.end(signal.SIGKILL)
    assert path.exists()
    again = start(**variables_of(new_database()), JSONRPC_SOCKET=path).wait()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.0 200")
    assert again.end() == 0 and not path.exists()


def test_a_worker_is_replaced_after_its_requests_and_no_call_is_lost(
        serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=1, MAX_REQUESTS=20, MAX_REQUESTS_JITTER=5)
    for number in range(60):
        assert "result" in served.call("list_tenants"), number
    wait_until(lambda: len(served.booted) >= 3)
    assert served.end(signal.SIGTERM) == 0
