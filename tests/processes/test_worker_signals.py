"""What several workers together tell: the figures of all of them, and a log of whole lines."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from flexdb.config import Settings
from flexdb.telemetry.metrics import Folder, free_place
from tests.support.http import exchange
from tests.support.metrics import read
from tests.support.paths import ROOT
from tests.support.served import Served
from tests.support.service import request
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

CANARY = "kilroy-was-here"
CALLS = ("flexdb_calls_total", "list_tenants", "ok")


def figures(served: Served) -> dict[tuple[str, ...], float]:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return read(text)


def call(served: Served, times: int) -> None:
    for _ in range(times):
        assert "result" in served.call("list_tenants")


def folder(served: Served) -> Path:
    """Return where the figures are kept, which the master has open."""
    links = [os.readlink(link) for link in Path(f"/proc/{served.process.pid}/fd").iterdir()]
    (found,) = [link for link in links if "flexdb-metrics-" in link]
    return Path(found)


def test_figures_are_of_all_workers_and_no_counter_goes_back_when_one_is_killed(
        serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=3)
    call(served, 30)
    assert figures(served)[CALLS] == 30
    wait_until(lambda: figures(served)["flexdb_workers",] == 3)
    assert figures(served)["flexdb_pool_size_limit",] == 3 * Settings().db_pool_size
    files = sorted(folder(served).iterdir())
    for killed in range(1, 4):
        booted = served.said.count("Booting worker")
        os.kill(served.workers[-1], signal.SIGKILL)
        wait_until(lambda: served.said.count("Booting worker") > booted)
        wait_until(lambda: figures(served)["flexdb_workers",] == 3)
        call(served, 10)
        assert figures(served)[CALLS] == 30 + 10 * killed
    assert sorted(folder(served).iterdir()) == files, "the new workers go on in the old files"


def test_the_gauges_of_a_dead_worker_vanish_and_its_counts_stay(
        serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=2)
    call(served, 20)
    # One answers already while the other is still made.
    wait_until(lambda: figures(served)["flexdb_workers",] == 2)
    served.process.send_signal(signal.SIGTTOU)
    wait_until(lambda: figures(served)["flexdb_workers",] == 1)
    found = figures(served)
    assert found[CALLS] == 20 and found["flexdb_pool_size_limit",] == Settings().db_pool_size
    for alive in (2, 3):
        served.process.send_signal(signal.SIGTTIN)
        wait_until(lambda: figures(served)["flexdb_workers",] == alive)
    call(served, 5)
    assert figures(served)[CALLS] == 25


@pytest.mark.longest
def test_a_reload_keeps_the_counts(serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=2)
    call(served, 20)
    for _ in range(3):
        exited = served.said.count("Worker exiting")
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: served.said.count("Worker exiting") >= exited + 2)
        wait_until(lambda: figures(served)["flexdb_workers",] == 2)
        assert figures(served)[CALLS] == 20
    assert len(list(folder(served).glob("counter_*"))) <= 4


def test_the_gauges_of_another_worker_are_at_most_seconds_old(
        serve: Callable[..., Served]) -> None:
    served = serve(WORKERS=2)
    call(served, 20)
    found = wait_until(lambda: (now := figures(served))["flexdb_pool_idle",] and now, 10)
    assert found["flexdb_pool_in_use",] == 0
    assert found["flexdb_pool_size",] == found["flexdb_pool_idle",]


def test_figures_are_given_while_a_worker_makes_its_files(serve: Callable[..., Served]) -> None:
    served = serve()
    call(served, 1)
    for kind in ("counter", "histogram", "gauge_livesum"):
        (folder(served) / f"{kind}_99.db").touch()
    assert figures(served)[CALLS] == 1


def test_the_folder_of_the_figures_ends_with_the_master(serve: Callable[..., Served]) -> None:
    served = serve()
    place = folder(served)
    assert place.is_dir() and place.stat().st_mode & 0o077 == 0
    assert served.end() == 0
    assert not place.exists()


def test_what_a_killed_master_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    script = ("from flexdb.telemetry.metrics import Folder\n"
              "folder = Folder(); folder.make(); print(folder.path, flush=True); input()")
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        left = Path(process.stdout.readline().strip())
        (left / "counter_1.db").write_bytes(b"old")
        first = Folder()
        first.make()
        assert left.exists() and first.path != left, "its master lives"
        process.kill()
        process.wait()
    second = Folder()
    second.make()
    assert not left.exists() and first.path and first.path.exists()
    first.remove()
    second.remove()
    assert not first.path and not second.path


def test_a_new_worker_gets_the_first_place_that_no_living_one_has() -> None:
    assert [free_place(iter(taken)) for taken in ([], [1], [2], [1, 2, 4])] == [1, 2, 1, 3]


def test_every_line_of_the_processes_is_json_when_asked_for(serve: Callable[..., Served]) -> None:
    served = serve(LOG_FORMAT="json", LOG_LEVEL="DEBUG")
    call(served, 3)
    served.get("/jsonrpc", "POST", json.dumps([request("list_tenants"), request("a\nb")]))
    exchange(served.port, b"nonsense\x1b[2J\r\n\r\n")
    booted = served.said.count("Booting worker")
    os.kill(served.workers[-1], signal.SIGKILL)
    wait_until(lambda: served.said.count("Booting worker") > booted)
    served.process.send_signal(signal.SIGHUP)
    wait_until(lambda: served.said.count("Booting worker") >= booted + 3)
    assert served.end() == 0
    lines = [json.loads(line) for line in served.said.splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
               and line["level"] and line["message"] for line in lines)
    assert {"gunicorn.error", "flexdb.server.startup", "flexdb.api.middleware"} <= {
        line["logger"] for line in lines}
    assert len([line for line in lines if line.get("method") == "list_tenants"]) == 4


def test_the_answers_of_gunicorn_itself_have_an_id_and_its_lines_no_secrets(
        serve: Callable[..., Served]) -> None:
    served = serve(LOG_LEVEL="DEBUG")
    secret = CANARY.encode()
    for sent in (b"GET /?token=" + secret + b" HTTP/9.9\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization " + secret + b"\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + secret + b"\r\n\r\n",
                 b"POST /users?" + secret + b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                 b"chunked\r\nContent-Type: application/json\r\n\r\n" + secret + b"\r\n\r\n"):
        status, head, _ = exchange(served.port, sent)
        (asked,) = re.findall(rb"(?i)x-request-id: (\S+)", head)
        assert status == 400 and re.fullmatch(rb"[0-9a-f]{16}-[0-9a-f]+", asked)
        wait_until(lambda: f"request_id={asked.decode()}" in served.said, 5)
    assert CANARY not in served.said
