"""What it costs to tell many of changes as they happen."""

from __future__ import annotations

import http.client
import resource
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from bench.data import Data, connect
from bench.load import Sample, Subject, Work, measured
from bench.measure import Claim, Row
from bench.rows import FASTAPI, cpu, row
from bench.servers import FASTAPI_STREAMS, Server
from bench.stage import Stage

_TENANTS, _MANY, _FEW = 4, 1000, 100
# How many files a process has to be able to open for them; mostly it may have more than it has.
_FILES = 4096
# How often each tenant's data changes, and how often /health is asked, in seconds.
_PERIOD, _ASKED = 0.1, 0.25
# What an event of a change has once, and what ends the head of an answer.
_MARK, _HEAD = b"event: change\n", b"\r\n\r\n"
_INSERT = b"""INSERT INTO nodes (tenant_id, id, node_type_id, data)
SELECT nt.tenant_id, gen_random_uuid(), nt.id, '{"title": "Told to all", "status": "open"}'
FROM node_types nt WHERE nt.tenant_id = %s"""
# What a database needs that tells as a user would.
_NOTIFY = b"""
CREATE OR REPLACE FUNCTION bench_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('changes', NEW.tenant_id || json_build_object(
        'op', 'create', 'kind', 'node', 'id', NEW.id, 'version', NEW.version, 'node', NEW)::text);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER bench_notify AFTER INSERT ON nodes
FOR EACH ROW EXECUTE FUNCTION bench_notify();
"""


@row("FastAPI, asyncpg, LISTEN/NOTIFY; few streams", "what-the-log-of-changes-is-made-of")
def streams(stage: Stage) -> Row:
    """A thousand streams of four tenants, and a hundred, while the service answers others too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, hard))
    data = stage.small("streams", nodes=0, tenants=_TENANTS)
    theirs = stage.small("streams_beside", nodes=0, tenants=_TENANTS)
    # As many to each worker as there are at all, since one of them may take some more.
    server = stage.service(data, MAX_STREAMS=str(_MANY))
    many, few = f"{_MANY:,} streams", f"{_FEW} streams"
    beside = f"{_MANY:,} streams, {FASTAPI}"
    return Row(
        f"Streams of {_TENANTS} tenants, each changed ten times a second",
        {many: _told(stage, server, data, _MANY), few: _told(stage, server, data, _FEW),
         beside: _told_instead(stage, theirs)},
        [cpu(beside, one=many),
         Claim(f"p99 of `/health` meanwhile, times that of {beside}",
               lambda turn: (turn[many].p99 or 0) / (turn[beside].p99 or 1), None, beside=beside),
         Claim("service CPU of an event, µs", lambda turn: turn[many].service, 10),
         Claim("p99 of `/health` meanwhile, ms", lambda turn: turn[many].p99 or 0, 50),
         Claim(f"service CPU of an event with {many}, times that with {few}",
               lambda turn: turn[many].service / turn[few].service, 0.5, smoke=0.6)],
        "Beside it: the same changes, told by NOTIFY to as many streams, which cannot go on where "
        "they broke off; flexdb's log is written there too. Calls are events that were received; "
        "the times, and some of the service's CPU, are those of `/health`, which is asked four "
        "times a second.", warm_up=False)


def _told(stage: Stage, server: Server, data: Data, count: int) -> Subject:
    """Return what has so many streams told of changes."""
    def run(seconds: float) -> Sample:
        with _Listeners(server, data, count) as listeners, _changing(data):
            return measured(lambda seconds: _listen(server, listeners, seconds), stage.postgres,
                            server)(seconds)

    return run


def _told_instead(stage: Stage, data: Data) -> Subject:
    """Return what tells as many of the same changes as a user would."""
    def run(seconds: float) -> Sample:
        server = stage.fastapi(data, FASTAPI_STREAMS)
        with connect(data.settings) as connection:
            connection.execute(_NOTIFY)
        return _told(stage, server, data, _MANY)(seconds)

    return run


class _Listeners:
    """Open streams, read by a thread until the end of a ``with`` block."""

    def __init__(self, server: Server, data: Data, count: int) -> None:
        self.events = 0
        self._closing = ExitStack()
        self._selector = self._closing.enter_context(selectors.DefaultSelector())
        self._ended = threading.Event()
        self._tails: dict[socket.socket, bytes] = {}
        with ExitStack() as opened:
            for number in range(count):
                stream = opened.enter_context(
                    socket.create_connection(("127.0.0.1", server.port), 60))
                tenant = data.tenant(number % data.tenants)["tenant_id"]
                stream.sendall(f"GET /tenants/{tenant}/changes/stream HTTP/1.1\r\n"
                               "Host: localhost\r\n\r\n".encode())
                head = b""
                while _HEAD not in head:
                    received = stream.recv(65536)
                    if not received or not (head := head + received).startswith(b"HTTP/1.1 200"):
                        raise RuntimeError(f"a stream was refused: {head!r}")
                self._tails[stream] = b""
                self._selector.register(stream, selectors.EVENT_READ)
            self._closing.push(opened.pop_all())
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(_PERIOD):
                stream = key.fileobj
                assert isinstance(stream, socket.socket)
                received = self._tails[stream] + stream.recv(65536)
                self.events += received.count(_MARK)
                self._tails[stream] = received[1 - len(_MARK):]

    def __enter__(self) -> _Listeners:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._closing.close()


def _listen(server: Server, listeners: _Listeners, seconds: float) -> Work:
    """Ask for the health of the service for so long, and return how many events came meanwhile."""
    before, start = listeners.events, time.monotonic()
    times: list[float] = []
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as asking:
        while time.monotonic() < start + seconds:
            asked = time.monotonic()
            asking.request("GET", "/health")
            if asking.getresponse().read() and asking.sock:
                times.append(1000 * (time.monotonic() - asked))
            time.sleep(_ASKED)
    times.sort()
    return Work(listeners.events - before, time.monotonic() - start, times[len(times) // 2],
                times[len(times) * 99 // 100])


@contextmanager
def _changing(data: Data) -> Iterator[None]:
    """Add a node to each tenant now and then, until the end of a ``with`` block."""
    ended = threading.Event()

    def change() -> None:
        with connect(data.settings) as connection:
            while not ended.wait(_PERIOD):
                for number in range(data.tenants):
                    connection.execute(_INSERT, (data.tenant(number)["tenant_id"],))

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
