"""The load: wrk on 16 keep-alive connections, and what each call of it cost whom."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

import orjson

from bench.servers import Postgres, Server

CONNECTIONS = 16
_SETTLING = 0.1
_SCRIPT = Path(__file__).with_name("load.lua")


class Sample(NamedTuple):
    """One round of load.

    :param rate: calls per second
    :param p50: milliseconds that half of the requests took no longer than; None if not measured
    :param p99: the same for 99 of 100
    :param service: CPU time of gunicorn's processes for each call, in µs
    :param postgres: CPU time of PostgreSQL's processes for each call, in µs
    :param generator: CPU time of what made the load for each call, in µs
    :param failed: how many of a thousand requests were refused or failed
    """

    rate: float
    p50: float | None
    p99: float | None
    service: float
    postgres: float
    generator: float
    failed: float = 0.0

    @property
    def cost(self) -> float:
        """Return what a call costs us, service and PostgreSQL together, in µs."""
        return self.service + self.postgres


class Asks(NamedTuple):
    """How a request is made, and what must come of it.

    :param path: where to; that of JSON-RPC takes bodies
    :param status: of the answer
    :param secret: the key that is sent, or several with commas between, in turn; none when empty
    :param once: whether each has an Idempotency-Key of its own
    """

    path: str = "/jsonrpc"
    status: int = 200
    secret: str = ""
    once: bool = False


CALL, REFUSED, HEALTH = Asks(), Asks(status=401), Asks("/health")

# What can be put under load for some seconds.
Subject = Callable[[float], Sample]


class Work(NamedTuple):
    """What a round did.

    :param calls: how many
    :param seconds: how long that took
    """

    calls: float
    seconds: float
    p50: float | None = None
    p99: float | None = None
    failed: float = 0.0


def measured(work: Callable[[float], Work], postgres: Postgres, server: Server | None = None
             ) -> Subject:
    """Return what does some work and tells what it cost.

    :param work: does it for so many seconds; only child processes of ours that it waits for count
        as the generator
    :param server: the service that does it, if one does
    """
    def run(seconds: float) -> Sample:
        before = _used(postgres, server)
        done = work(seconds)
        # What PostgreSQL's processes used counts when they have ended, as its clients have.
        time.sleep(_SETTLING)
        service, database, generator = (
            1e6 * (after - start) / done.calls
            for start, after in zip(before, _used(postgres, server)))
        return Sample(done.calls / done.seconds, done.p50, done.p99, service, database, generator,
                      done.failed)

    return run


def _used(postgres: Postgres, server: Server | None) -> tuple[float, float, float]:
    generator = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (server.cpu() if server else 0.0, postgres.cpu(),
            generator.ru_utime + generator.ru_stime)


def call(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call as JSON-RPC has it."""
    return {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}


def load(server: Server, postgres: Postgres, bodies: Sequence[Any], each: int = 1,
         connections: int = CONNECTIONS, asks: Asks = CALL) -> Subject:
    """Return the load of sending bodies to a server, in turn, as fast as it answers.

    :param bodies: what is sent; where there is none, nothing but the URL is asked for
    :param each: how many calls, or nodes, a body counts for
    """
    lines = [orjson.dumps(body) for body in bodies]
    if asks is CALL:
        for line in (lines[0], lines[-1]):
            server.post(line)

    def work(seconds: float) -> Work:
        with NamedTemporaryFile(suffix=".ndjson") as file:
            file.write(b"\n".join(lines))
            file.flush()
            told = _wrk(server, file.name, connections, seconds, asks)
        if not told["requests"]:
            # None was answered in so short a time.
            return work(4 * seconds)
        return Work(each * told["requests"], told["microseconds"] / 1e6, told["p50"] / 1000,
                    told["p99"] / 1000, 1000 * told["wrong"] / told["requests"])

    return measured(work, postgres, server)


def in_turn(server: Server, postgres: Postgres, bodies: Sequence[Any]) -> Subject:
    """Return the load of sending bodies one behind another's answer, none of which is broken off.

    Where a call takes a fair part of a turn, what is at work at its end would cost and not count.
    """
    lines = [orjson.dumps(body) for body in bodies]

    def work(seconds: float) -> Work:
        done, start = 0, time.monotonic()
        while time.monotonic() < start + seconds:
            server.post(lines[done % len(lines)])
            done += 1
        return Work(done, time.monotonic() - start)

    return measured(work, postgres, server)


def beside(subject: Subject, server: Server, bodies: Sequence[Any], connections: int) -> Subject:
    """Return a subject while others send bodies to the same server, whose answers nobody looks at.

    :param connections: on how many they do
    """
    def run(seconds: float) -> Sample:
        with NamedTemporaryFile(suffix=".ndjson") as file:
            file.write(b"\n".join(orjson.dumps(body) for body in bodies))
            file.flush()
            others = subprocess.Popen(_command(server, file.name, connections, 3600, CALL),
                                      stdout=subprocess.DEVNULL)
            try:
                # Until they all wait for something.
                time.sleep(1)
                return subject(seconds)
            finally:
                others.terminate()
                others.wait()

    return run


def _wrk(server: Server, file: str, connections: int, seconds: float, asks: Asks
         ) -> dict[str, int]:
    done = subprocess.run(_command(server, file, connections, seconds, asks), capture_output=True,
                          text=True, check=True)
    told: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return told


def _command(server: Server, file: str, connections: int, seconds: float, asks: Asks) -> list[str]:
    return ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout",
            "30s", "-s", str(_SCRIPT), server.url(asks.path), "--", file, str(asks.status),
            asks.secret, "once" if asks.once else ""]


def require_wrk() -> None:
    """End in one line when the load generator is not there."""
    if shutil.which("wrk") is None:
        sys.exit("bench: wrk is not installed: apt-get install wrk")


def timed(work: Callable[[], object], calls: int) -> Callable[[float], Work]:
    """Return work that is done once, however long it takes.

    :param calls: how many calls, or rows, it is
    """
    def run(seconds: float) -> Work:
        start = time.monotonic()
        work()
        return Work(calls, time.monotonic() - start)

    return run
