"""The rows of the table that are calls: what is measured beside what, and what must come out."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from bench.agreement import check_agreement
from bench.data import Data
from bench.load import CONNECTIONS, Subject, call, load
from bench.measure import Claim, Row
from bench.servers import Server
from bench.stage import Stage
from bench.statements import Script, statement_of
from bench.yardsticks import pgbench


class Yardstick(NamedTuple):
    """What a row is measured beside.

    :param text: what it is
    :param profile: the heading in docs/performance.md under which it says what the rest is made of
        where flexdb is behind
    """

    text: str
    profile: str = ""


ROWS: dict[str, Callable[[Stage], Row]] = {}
# Of the rows, and of what else is measured.
YARDSTICKS: dict[str, Yardstick] = {}
# What the smoke form measures.
SMOKE = ["page_depth", "batch_get", "batch_create", "many_tenants", "small_tenant", "bulk_changes",
         "sizes", "key", "import_nodes", "quiet_tenant", "streams"]
BATCH = 100
# pgbench prepares each script on each connection, which must not take long.
SCRIPTS = 8
_NEW = 1000
_SPREAD = 10_000
_TENANTS = 100
CALLS_PROFILE = "what-a-get-a-create-and-a-list-are-made-of"
SERVICE, EMPTY, PGBENCH = "flexdb", "empty Flask view", "pgbench, same SQL"
FASTAPI = "FastAPI, asyncpg"


def row(yardstick: str, profile: str = "") -> Callable[[Callable[[Stage], Row]],
                                                       Callable[[Stage], Row]]:
    """Make a function that puts a row together one of the table, under its own name.

    :param yardstick: what it is measured beside
    :param profile: where it is said what the rest is made of, where that is ahead
    """
    def register(build: Callable[[Stage], Row]) -> Callable[[Stage], Row]:
        ROWS[build.__name__] = build
        YARDSTICKS[build.__name__] = Yardstick(yardstick, profile)
        return build

    return register


@row("FastAPI, asyncpg; the empty Flask view; pgbench", CALLS_PROFILE)
def get_node(stage: Stage) -> Row:
    """One node by its id."""
    data = stage.data(1, stage.rows)
    gets = data.gets(SCRIPTS)
    scripts = [Script(statement_of(data.settings, get), f"v{place}")
               for place, get in enumerate(gets)]
    return Row(
        f"`get_node`, of {stage.rows:,} nodes",
        {SERVICE: load(stage.service(data), stage.postgres, gets),
         FASTAPI: fastapi(stage, data, gets),
         EMPTY: load(stage.empty(), stage.postgres, gets),
         PGBENCH: pgbench(stage.postgres, data.settings, scripts)},
        [rate(FASTAPI), cpu(FASTAPI, 1),
         Claim(f"p99, times that of {FASTAPI}",
               lambda turn: (turn[SERVICE].p99 or 0) / (turn[FASTAPI].p99 or 1), 0.5,
               beside=FASTAPI),
         _cpu_of_empty(2.2),
         Claim("calls/s, of the empty view's",
               lambda turn: turn[SERVICE].rate / turn[EMPTY].rate, 0.45, at_least=True),
         _postgres_of_pgbench()])


@row("FastAPI, asyncpg; the empty Flask view; pgbench", "what-a-create-is-made-of")
def create_node(stage: Stage) -> Row:
    """One new node, held to a small schema."""
    data = stage.writes()
    creates = data.creates(_NEW)
    script = Script(statement_of(data.settings, creates[0]), "v", {"id": "uuidv7()"})
    return Row(
        "`create_node`, validated against a small schema",
        {SERVICE: load(stage.service(data), stage.postgres, creates),
         FASTAPI: fastapi(stage, data, creates),
         EMPTY: load(stage.empty(), stage.postgres, creates),
         PGBENCH: pgbench(stage.postgres, data.settings, [script])},
        [rate(FASTAPI), cpu(FASTAPI), _cpu_of_empty(2.8), _postgres_of_pgbench(1.4)])


@row("single calls")
def batch_get(stage: Stage) -> Row:
    """A hundred gets in one request, and a hundred requests."""
    data = stage.data(1, stage.rows)
    return _batch(stage, stage.service(data), "get_node", data.gets(32 * BATCH), 6, 4)


@row("single calls")
def batch_create(stage: Stage) -> Row:
    """A hundred creates in one request, and a hundred requests."""
    data = stage.writes()
    return _batch(stage, stage.service(data), "create_node", data.creates(32 * BATCH), 8, 2)


def _batch(stage: Stage, server: Server, method: str, calls: list[Any], limit: float,
           smoke: float) -> Row:
    one, many = "one call each", f"batches of {BATCH}"
    return Row(
        f"`{method}` in batches",
        {many: load(server, stage.postgres, batches(calls, BATCH), BATCH),
         one: load(server, stage.postgres, calls[:_NEW])},
        [Claim("calls/s, times those of single calls",
               lambda turn: turn[many].rate / turn[one].rate, limit, at_least=True),
         Claim("CPU of a single call, times that of one in a batch",
               lambda turn: turn[one].cost / turn[many].cost, None, at_least=True,
               smoke=smoke)])


def batches(calls: list[Any], size: int) -> list[list[Any]]:
    """Return calls as batches of a size, each call with an id of its own."""
    return [[call | {"id": place} for place, call in enumerate(calls[first:first + size])]
            for first in range(0, len(calls) - size + 1, size)]


@row("one tenant by itself")
def many_tenants(stage: Stage) -> Row:
    """The same tenant among ten thousand others, and alone."""
    many, one = stage.data(max(1, stage.rows // 100), 100), stage.data(1, 100)
    names = {many: f"{many.tenants:,} tenants", one: "one tenant"}
    subjects = {}
    for data, name in names.items():
        server = stage.service(data)
        subjects[f"get, {name}"] = load(server, stage.postgres, data.gets(_SPREAD))
        pages = data.pages(tenants=min(data.tenants, _NEW))
        subjects[f"list, {name}"] = load(server, stage.postgres, pages)
    return Row(
        "`get_node` and `list_nodes`, of tenants with 100 nodes each", subjects,
        [growth(f"{what}, {names[many]}", f"{what}, {names[one]}", 1.2, smoke=2)
         for what in ("get", "list")])


@row("one tenant by itself")
def small_tenant(stage: Stage) -> Row:
    """An equality filter in a tenant among a thousand such, and in the same tenant alone."""
    many, one = stage.data(max(2, stage.rows // 1000), 1000), stage.data(1, 1000)
    names = {many: f"{many.tenants:,} tenants", one: "one tenant"}
    subjects: dict[str, Subject] = {}
    for data, name in names.items():
        numbers = range(0, data.tenants, max(1, data.tenants // _TENANTS))
        filters = {
            "one fits": [{"data.title": f"Task {number + data.tenants * 500}"}
                         for number in numbers],
            "all fit": [{"data.status": "open"} for _ in numbers]}
        server = stage.service(data)
        subjects |= {f"{what}, {name}": load(server, stage.postgres, [
            call("list_nodes", data.tenant(number) | {"filter": filter})
            for number, filter in zip(numbers, given)]) for what, given in filters.items()}
    return Row(
        "`list_nodes` by an equality filter, of tenants with 1,000 nodes each", subjects,
        [growth(f"one fits, {names[many]}", f"one fits, {names[one]}", 1.5, smoke=1.5),
         Claim("CPU where all fit, times one tenant's", lambda turn: (
             turn[f"all fit, {names[many]}"].cost / turn[f"all fit, {names[one]}"].cost), None)],
        "Where all fit, an index cannot help: the rows of one tenant lie together and those of "
        "many between each other, and each is looked at for the page and for the total.")


def growth(much: str, little: str, limit: float, smoke: float) -> Claim:
    """Return the claim that a call costs hardly more where there is much than where is little."""
    # Calls that fail where there is much, since they take too long, cost little.
    return Claim(f"CPU, {much}, times {little}", lambda turn: (
        inf if turn[much].failed else turn[much].cost / turn[little].cost), limit, smoke=smoke)


def fastapi(stage: Stage, data: Data, calls: list[Any], connections: int = CONNECTIONS) -> Subject:
    """Return the load of calls on what a user would write instead, which answers as we do."""
    server = stage.fastapi(data)
    check_agreement(stage.service(data), server, calls[0])
    return load(server, stage.postgres, calls, connections=connections)


def rate(other: str, one: str = SERVICE) -> Claim:
    """Return the claim to answer as many calls as another service, on the same processors."""
    return Claim(f"calls/s, of those of {other}",
                 lambda turn: turn[one].rate / turn[other].rate, 1, at_least=True, beside=other)


def cpu(other: str, limit: float | None = None, one: str = SERVICE) -> Claim:
    """Return the claim to use no more CPU for each call than another service."""
    return Claim(f"CPU, times that of {other}",
                 lambda turn: turn[one].cost / turn[other].cost, limit, beside=other)


def postgres(of: str, one: str, other: str, limit: float | None = None) -> Claim:
    """Return the claim to use no more of PostgreSQL's CPU than the same in bare SQL.

    :param of: what is compared
    """
    return Claim(f"PostgreSQL CPU {of}", lambda turn: turn[one].postgres / turn[other].postgres,
                 limit, beside=other)


def _cpu_of_empty(limit: float) -> Claim:
    return Claim("service CPU, times the empty view's",
                 lambda turn: turn[SERVICE].service / turn[EMPTY].service, limit)


def _postgres_of_pgbench(limit: float | None = None) -> Claim:
    return postgres("times pgbench's with the same SQL", SERVICE, PGBENCH, limit)
