"""Streams and calls that wait, under gunicorn: what becomes of them whatever ends or gets stuck."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from flexdb.config import Settings
from tests.support import nginx, postgres
from tests.support.nginx import Nginx
from tests.support.served import Served, variables_of
from tests.support.streams import Streamed, Watched, is_change, writing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

QUICK = {"STREAM_POLL": 0.05, "HEARTBEAT": 0.2}


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., Settings]) -> Settings:
    return new_database()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    # All that a worker asks for at once may wait, so nothing is refused for that.
    with Served(folder, **variables_of(settings), **QUICK, JSONRPC_SOCKET=folder / "http.sock",
                AUTH="local", MAX_STREAMS=8, MAX_WAITING=8, THREADS=9, DB_POOL_SIZE=1,
                DB_POOL_QUEUE=6) as served:
        yield served.wait()


@pytest.fixture
def watched(served: Served) -> Watched:
    return Watched.of(served)


def open_streams(served: Served) -> int:
    lines = get_text(served, "/metrics").splitlines()
    return sum(int(float(line.split()[1])) for line in lines if line.startswith("flexdb_streams "))


def get_text(served: Served, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_a_change_comes_with_its_position_and_a_quiet_stream_says_where_it_is(
        watched: Watched) -> None:
    began = watched.position()
    with watched.open() as stream:
        assert stream.status == 200 and "text/event-stream" in stream.head
        assert "Connection: close" in stream.head and "X-Accel-Buffering: no" in stream.head
        assert "Cache-Control: no-store" in stream.head
        events = iter(stream)
        assert next(events)[:2] == (began, "position")
        node = watched.node(text="one\ntwo")
        change = stream.until(is_change)[-1]
        assert change.id == change.data["position"] and change.data["id"] == node
        assert change.data["node"]["data"] == {"text": "one\ntwo"}
        assert next(events) == (change.id, "position", {"position": change.id})
    with watched.open(since=began) as again:
        assert again.until(is_change)[-1] == change


def test_where_nothing_fits_the_position_moves_on(watched: Watched, settings: Settings) -> None:
    with watched.open(filter=json.dumps({"data.a": "nothing"})) as stream:
        began = next(iter(stream)).id
        with postgres.connect(settings) as database:
            database.execute("INSERT INTO nodes (id, tenant_id, node_type_id, data) SELECT "
                             "gen_random_uuid(), %s, %s, '{}' FROM generate_series(1, 10000)",
                             [watched.id, watched.type])
        last = int(began.split(".")[2]) + 10_000
        seen = stream.until(lambda event: event.id.endswith(f".{last}"))
        assert {event.name for event in seen} == {"position"}


def test_a_stream_gives_what_its_parameters_let_through(watched: Watched) -> None:
    node = watched.node(a=1)
    with watched.open(kinds=["node"], ids=[node], ops=["delete"]) as stream:
        next(iter(stream))
        watched.node(a=2)
        watched.served.call("delete_node", tenant_id=watched.id, id=node)
        (change,) = stream.changes(1)
        assert (change.data["op"], change.data["node"]) == ("delete", None)


def test_who_is_cut_off_at_any_byte_comes_back_and_loses_nothing(
        watched: Watched, settings: Settings) -> None:
    drawn, node = random.Random(7), watched.node()
    began = since = watched.position()
    seen: list[str] = []
    cuts = 0
    with writing(partial(postgres.connect, settings), node):
        while cuts < 25 or len(seen) <= 100:
            cuts += 1
            with watched.open(since=since, cut=drawn.randint(400, 6000)) as stream:
                for event in stream:
                    since = event.id
                    seen += [since] if is_change(event) else []
    assert seen == watched.walk(began)[:len(seen)]


@pytest.mark.longest
@pytest.mark.parametrize("how", ["killed", "reloaded"])
def test_who_comes_back_behind_a_worker_that_ended_loses_nothing(
        serve: Callable[..., Served], new_database: Callable[..., Settings], tmp_path: Path,
        how: str) -> None:
    settings = new_database()
    with Served(tmp_path, **variables_of(settings), **QUICK) as served:
        watched = Watched.of(served.wait())
        node, began = watched.node(), watched.position()
        seen: list[str] = []
        with writing(partial(postgres.connect, settings), node):
            with watched.open(since=began) as stream:
                workers = served.workers
                seen += [event.id for event in stream.changes(20)]
                if how == "killed":
                    for worker in workers:
                        os.kill(worker, signal.SIGKILL)
                else:
                    served.process.send_signal(signal.SIGHUP)
                seen += [event.id for event in stream if is_change(event)]
                # One that was killed says nothing more.
                assert stream.is_complete or how == "killed"
            wait_until(lambda: served.answers() and not {*workers} & {*served.workers})
            with watched.open(since=seen[-1]) as stream:
                seen += [event.id for event in stream.changes(20)]
        assert seen == watched.walk(began)[:len(seen)]


@pytest.mark.longest
def test_a_call_that_waits_is_answered_when_its_worker_ends(
        serve: Callable[..., Served]) -> None:
    served = serve(**QUICK)
    watched = Watched.of(served)
    since = watched.position()
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(served.get, f"/tenants/{watched.id}/changes?since={since}&wait=60")
        wait_until(lambda: "flexdb_waiting 1.0" in get_text(served, "/metrics"))
        served.process.send_signal(signal.SIGHUP)
        assert waits.result() == (200, {"changes": [], "position": since, "more": False})


def test_who_reads_nothing_holds_up_nobody(watched: Watched, settings: Settings) -> None:
    node = watched.node()
    with ExitStack() as opened:
        for _ in range(3):
            opened.enter_context(watched.open(buffer=2048))
        other = opened.enter_context(watched.open())
        with postgres.connect(settings) as database:
            for number in range(12):
                database.execute(
                    "UPDATE nodes SET data = jsonb_build_object('n', %s::int, 'text', "
                    "repeat('x', 400000)) WHERE id = %s", [number, node])
        seen = other.changes(12)
        assert [change.data["node"]["data"]["n"] for change in seen] == [*range(12)]
        assert watched.served.answers()


def test_streams_and_calls_that_wait_hold_no_thread(watched: Watched) -> None:
    """More of them than there are threads."""
    since = watched.position()
    with ExitStack() as opened, ThreadPoolExecutor(6) as threads:
        streams = [opened.enter_context(watched.open()) for _ in range(6)]
        wait_until(lambda: open_streams(watched.served) == 6)
        waiting = []
        for number in range(1, 7):
            waiting.append(threads.submit(watched.served.call, "list_changes",
                                          tenant_id=watched.id, since=since, wait=60))
            wait_until(lambda: f"waiting {number}.0" in get_text(watched.served, "/metrics"))
        node = watched.node()
        for stream in streams:
            assert stream.changes(1)[0].data["id"] == node
        for waits in waiting:
            (change,) = waits.result()["result"]["changes"]
            assert change["id"] == node
    wait_until(lambda: open_streams(watched.served) == 0)


def test_more_streams_than_there_may_be_are_refused(watched: Watched) -> None:
    with ExitStack() as opened:
        wait_until(lambda: open_streams(watched.served) == 0)
        tried = list[Streamed]()

        def taken() -> int:
            tried.append(opened.enter_context(watched.open()))
            return sum(stream.status == 200 for stream in tried)

        # Three of four of each worker are one tenant's; which worker takes one is as it happens.
        wait_until(lambda: taken() == 12)
        assert [taken() for _ in range(8)] == [12] * 8
        refused = [stream for stream in tried if stream.status != 200]
        for stream in refused:
            assert stream.status == 503 and "Retry-After: 1" in stream.head
            assert stream.error()["data"]["reason"] == "OVERLOADED"
        others = opened.enter_context(Watched.of(watched.served).open())
        assert others.status == 200
    wait_until(lambda: open_streams(watched.served) == 0)


@pytest.mark.parametrize("end", ["key", "suspended"])
def test_who_may_listen_no_longer_is_told_so_and_let_go(watched: Watched, end: str) -> None:
    served = watched.served
    made = served.call("create_key", tenant_id=watched.id, role="viewer", name="one")["result"]
    with watched.open(key=made["key"]["secret"]) as stream:
        assert next(iter(stream)).name == "position"
        if end == "key":
            served.call("delete_key", tenant_id=watched.id, id=made["key"]["id"])
        else:
            served.call("update_tenant", id=watched.id, status="suspended")
        last = [*stream][-1]
        assert last.name == "gone" and stream.is_complete
        assert last.data["error"]["data"]["reason"] == (
            "PERMISSION_DENIED" if end == "suspended" else "UNAUTHENTICATED")


def test_a_stream_of_a_tenant_that_is_deleted_says_so(watched: Watched) -> None:
    with watched.open() as stream:
        next(iter(stream))
        watched.served.call("delete_tenant", id=watched.id)
        last = [*stream][-1]
        assert (last.name, last.data["error"]["data"]["reason"]) == ("gone", "NOT_FOUND")


def test_a_client_of_http_1_0_gets_a_stream_without_chunks(watched: Watched) -> None:
    with watched.open(version="1.0") as stream:
        assert "chunked" not in stream.head
        next(iter(stream))
        node = watched.node()
        assert stream.changes(1)[0].data["id"] == node


@pytest.mark.skipif(not nginx.PROGRAM, reason=nginx.MISSING)
def test_a_stream_comes_through_nginx_at_once_and_its_end_is_noticed(
        served: Served, tmp_path: Path) -> None:
    watched = Watched.of(served)
    key = served.call("create_key", tenant_id=watched.id, role="viewer", name="one")["result"]
    wait_until(lambda: open_streams(served) == 0)
    with Nginx(tmp_path, served.folder / "http.sock") as front:
        with Streamed(front.port, watched.id, key=key["key"]["secret"]) as stream:
            next(iter(stream))
            node = watched.node()
            assert stream.changes(1)[0].data["id"] == node
            wait_until(lambda: open_streams(served) == 1)
        wait_until(lambda: open_streams(served) == 0)
