"""What the Python client costs its program, beside bare HTTP with JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import cycle, islice
from typing import Any

import httpx2

import flexdb.client as fx
from bench.data import Data
from bench.load import Sample, Subject, Work, call, measured
from bench.measure import Claim, Row
from bench.rows import row
from bench.servers import ROOT, Server
from bench.stage import Stage

CLIENT, BARE = "flexdb.client", "httpx2 and json"
LOADED, BY_HAND = "`load()`", "`create_nodes` by hand"
IMPORTED, EMPTY = "`import flexdb.client`", "a bare interpreter"
_GETS, _CHUNK, _ROWS = 1000, 1000, 5000


@row("httpx2 and json; `create_nodes` by hand; a bare interpreter", "what-the-client-adds")
def client(stage: Stage) -> Row:
    """Calls one by one, many rows, and the import; each beside the same without the client."""
    data, written = stage.data(1, 1000), stage.writes()
    gets = data.gets(_GETS)
    reads, writes = stage.service(data), stage.service(written)
    return Row(
        "The Python client",
        {CLIENT: _in_process(stage, reads, lambda: _got(reads, gets)),
         BARE: _in_process(stage, reads, lambda: _posted(reads, gets)),
         LOADED: _in_process(stage, writes, lambda: _loaded(writes, written)),
         BY_HAND: _in_process(stage, writes, lambda: _created(writes, written)),
         IMPORTED: _interpreted(stage, "import flexdb.client"),
         EMPTY: _interpreted(stage, "pass")},
        [Claim("client CPU of a call, times that of bare httpx2 with json",
               lambda turn: turn[CLIENT].generator / turn[BARE].generator, 1.15,
               beside=BARE),
         Claim("rows/s of load(), of create_nodes' by hand",
               lambda turn: turn[LOADED].rate / turn[BY_HAND].rate, 0.80, at_least=True,
               beside=BY_HAND),
         Claim("CPU of the import, less a bare interpreter's, in ms",
               lambda turn: (turn[IMPORTED].generator - turn[EMPTY].generator) / 1000, 200)],
        "On one connection. A call is a `get_node`; figures of `load()` and of `create_nodes` are "
        f"for each row, {_CHUNK:,} of them in a call; those of the import are for each process.")


def _in_process(stage: Stage, server: Server, doing: Callable[[], Iterator[int]]) -> Subject:
    """Return what does some calls after each other in this thread, whose CPU time is the client's.

    :param doing: does them, and gives after each of them how many calls or rows it was
    """
    def run(seconds: float) -> Sample:
        used = 0.0

        def work(seconds: float) -> Work:
            nonlocal used
            done, started, before = 0, time.monotonic(), time.thread_time()
            for calls in doing():
                done += calls
                if time.monotonic() - started >= seconds:
                    break
            used = (time.thread_time() - before) / done
            return Work(done, time.monotonic() - started)

        return measured(work, stage.postgres, server)(seconds)._replace(generator=1e6 * used)

    return run


def _got(server: Server, gets: list[Any]) -> Iterator[int]:
    with fx.connect(server.url("")) as db:
        for get in cycle(gets):
            db.get_node(**get["params"])
            yield 1


def _posted(server: Server, bodies: list[Any], each: int = 1) -> Iterator[int]:
    with closing(httpx2.Client()) as http:
        for body in cycle(bodies):
            answer = http.post(server.url("/jsonrpc"), content=json.dumps(body).encode(),
                               headers={"Content-Type": "application/json"})
            assert "result" in json.loads(answer.content)
            yield each


def _loaded(server: Server, data: Data) -> Iterator[int]:
    nodes = [data.new_node(number) for number in range(_ROWS)]
    rows = [node["data"] for node in nodes]
    with fx.connect(server.url("")) as db:
        tenant = db.tenant(data.tenant()["tenant_id"])
        while True:
            report = tenant.load(nodes[0]["node_type_id"], rows, chunk=_CHUNK)
            assert report.created == len(rows)
            yield len(rows)


def _created(server: Server, data: Data) -> Iterator[int]:
    nodes = iter([data.new_node(number) for number in range(_ROWS)])
    chunks = []
    while chunk := list(islice(nodes, _CHUNK)):
        chunks.append(call("create_nodes", data.tenant() | {"nodes": chunk}))
    return _posted(server, chunks, _CHUNK)


def _interpreted(stage: Stage, statement: str) -> Subject:
    def work(seconds: float) -> Work:
        done, started = 0, time.monotonic()
        while not done or time.monotonic() - started < seconds:
            subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
            done += 1
        return Work(done, time.monotonic() - started)

    return measured(work, stage.postgres)
