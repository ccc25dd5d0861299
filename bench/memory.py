"""What a worker holds: when idle, and at most while it answers with a large page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from bench import processes
from bench.data import Data, connect
from bench.load import call, load
from bench.measure import Outcome, judge
from bench.rows import YARDSTICKS, Yardstick
from bench.servers import SERVICE, Server
from bench.stage import Stage

YARDSTICKS["memory"] = Yardstick("the empty Flask view; FastAPI, asyncpg")
_MB = 1_000_000
_NODES, _CHARACTERS = 100, 100_000
# What a figure is, and the most that it may be.
_CLAIMS = [
    ("idle worker, MB resident", 80),
    ("of that its share, MB (PSS)", None),
    ("of that its own, MB (USS)", None),
    ("idle worker of the empty Flask view, MB resident", None),
    ("idle worker of FastAPI's service, MB resident", None),
    ("size of the reply, MB", None),
    ("peak over idle, times the reply", 5),
]
_FILL = """
INSERT INTO nodes (tenant_id, id, node_type_id, data)
SELECT nt.tenant_id, gen_random_uuid(), nt.id,
       jsonb_build_object('text', repeat(md5(i::text), %(characters)s / 32))
FROM node_types nt, generate_series(1, %(nodes)s) i"""


def memory(stage: Stage, rounds: int) -> Outcome:
    """Measure the workers' memory, each round with a service started anew."""
    data = stage.large()
    with connect(data.settings) as connection:
        connection.execute(_FILL, {"nodes": _NODES, "characters": _CHARACTERS})
    turns = [_turn(stage, data) for _ in range(rounds)]
    verdicts = [judge(text, list(figures), limit)
                for (text, limit), figures in zip(_CLAIMS, zip(*turns))]
    return Outcome(
        "memory", {}, verdicts,
        f"Idle: the larger of the workers after a second of small pages on 16 connections. Peak: "
        f"while it answers with one page of {_NODES} nodes of {_CHARACTERS:,} characters, with "
        "MAX_PAGE_BYTES raised so that they fit.")


def _turn(stage: Stage, data: Data) -> tuple[float, ...]:
    small = data.pages(fields=["id"])
    beside = [_idle(stage, stage.empty(), small),
              _idle(stage, stage.fastapi(stage.writes()), stage.writes().creates(1))]
    server = Server(SERVICE, data.settings, stage.folder / "run",
                    {"MAX_PAGE_BYTES": str(2 * _NODES * _CHARACTERS)})
    try:
        load(server, stage.postgres, small)(1)
        idle = {pid: processes.memory(pid) for pid in server.workers}
        for pid in idle:
            processes.forget_peak(pid)
        page = call("list_nodes", data.tenant() | {"pagination": {"page_size": _NODES}})
        reply = len(server.post(orjson.dumps(page)))
        over = max(processes.peak(pid) - idle[pid].rss for pid in idle)
    finally:
        server.stop()
    most = max(idle.values())
    return (*(size / _MB for size in (*most, *beside)), reply / _MB, over / reply)


def _idle(stage: Stage, server: Server, bodies: Sequence[Any]) -> int:
    load(server, stage.postgres, bodies)(1)
    return max(processes.memory(pid).rss for pid in server.workers)
