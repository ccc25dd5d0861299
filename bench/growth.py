"""How cost grows: with rows, with the depth of a page, with the size of a batch, with workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.lists import bare_page
from bench.load import Sample, Subject, load
from bench.measure import Row, Verdict, judge, measure
from bench.rows import CALLS_PROFILE, FASTAPI, YARDSTICKS, Yardstick, batches, fastapi
from bench.servers import Server
from bench.stage import Stage
from bench.yardsticks import psql

_BATCHES = (1, 3, 10, 30, 100, 300)
# So few that what is under way when a turn ends is little beside what was answered.
_BATCH_CONNECTIONS = 2
_SPREAD = 1000
_GET, _LIST, _CREATE = "get_node", "list_nodes", "create_node"


class Curve(NamedTuple):
    """How the cost of a call grows.

    :param title: what it is the cost of
    :param along: what grows
    :param lines: for each kind of call its samples by what grows
    :param verdicts: what they say beside others, of the points that both have
    """

    title: str
    along: str
    lines: Mapping[str, Mapping[int, Sample]]
    verdicts: list[Verdict]


Points = dict[str, dict[int, Subject]]
Build = Callable[[Stage], tuple[str, str, Points]]
CURVES: dict[str, Build] = {}


def curve(yardstick: str, profile: str = "") -> Callable[[Build], Build]:
    """Make a function that puts points together one of the curves, under its own name.

    :param yardstick: what it is measured beside
    :param profile: where it is said what the rest is made of, where that is ahead
    """
    def register(build: Build) -> Build:
        CURVES[build.__name__] = build
        YARDSTICKS[build.__name__] = Yardstick(yardstick, profile)
        return build

    return register


def _theirs(line: str) -> str:
    return f"{line}, {FASTAPI}"


@curve(FASTAPI, CALLS_PROFILE)
def rows(stage: Stage) -> tuple[str, str, Points]:
    """The rows of the tenant, which are all there are in the database."""
    sizes = [stage.rows // part for part in (1000, 100, 10, 1) if stage.rows // part >= 100]
    points: Points = {line: {} for line in (_GET, _LIST, _theirs(_GET), _theirs(_LIST))}
    for size in sizes:
        data = stage.data(1, size)
        for line, bodies in ((_GET, data.gets(_SPREAD)), (_LIST, data.pages())):
            points[line][size] = load(stage.service(data), stage.postgres, bodies)
            points[_theirs(line)][size] = fastapi(stage, data, bodies)
    return "with the rows of a tenant", "rows", points


@curve("the same pages in psql")
def depth(stage: Stage) -> tuple[str, str, Points]:
    """The rows that stand before a page."""
    data = stage.data(1, stage.rows)
    server = stage.service(data)
    places = [stage.rows * part // 10 for part in (0, 2, 4, 6, 8)]
    return "with the depth of a page", "rows before the page", {
        _LIST: {place: load(server, stage.postgres, data.pages([place])) for place in places},
        "psql": {place: psql(stage.postgres, data.settings, [bare_page(data, place)])
                 for place in places}}


@curve(f"single calls, and those of {FASTAPI}", CALLS_PROFILE)
def batch(stage: Stage) -> tuple[str, str, Points]:
    """The calls in a batch."""
    data, writes = stage.data(1, stage.rows), stage.writes()
    points: Points = {}
    for line, of, calls in ((_GET, data, data.gets), (_CREATE, writes, writes.creates)):
        points[line] = {
            size: load(stage.service(of), stage.postgres,
                       batches(calls(max(4 * size, _SPREAD)), size), size, _BATCH_CONNECTIONS)
            for size in _BATCHES}
        points[_theirs(line)] = {1: fastapi(stage, of, calls(_SPREAD), _BATCH_CONNECTIONS)}
    return "with the size of a batch", "calls in a batch", points


@curve(f"{FASTAPI}, with as many workers", CALLS_PROFILE)
def workers(stage: Stage) -> tuple[str, str, Points]:
    """The worker processes, with small pools: PostgreSQL takes 100 connections at once."""
    data = stage.data(1, stage.rows)
    gets, counts = data.gets(_SPREAD), (1, 2, 3, 4)

    def measured(serve: Callable[..., Server]) -> dict[int, Subject]:
        return {count: load(serve(data, WORKERS=str(count), DB_POOL_SIZE="4"), stage.postgres,
                            gets) for count in counts}

    return "with the workers", "workers", {
        _GET: measured(stage.service), _theirs(_GET): measured(stage.fastapi)}


def grow(name: str, stage: Stage, rounds: int, seconds: float) -> Curve:
    """Measure a curve; its points, which are many, take turns of half the time."""
    title, along, points = CURVES[name](stage)
    subjects = {f"{line} {place}": subject for line, by_place in points.items()
                for place, subject in by_place.items()}
    samples = measure(Row(title, subjects, []), rounds, seconds / 2).samples
    lines = {line: {place: samples[f"{line} {place}"] for place in by_place}
             for line, by_place in points.items()}
    return Curve(title, along, lines, [
        _beside(line, lines[line], lines[_theirs(line)]) for line in lines
        if _theirs(line) in lines])


def _beside(line: str, ours: Mapping[int, Sample], theirs: Mapping[int, Sample]) -> Verdict:
    """Return what a line says beside that of another, point by point."""
    return judge(f"{line}: calls/s, of those of {FASTAPI}",
                 [ours[place].rate / other.rate for place, other in theirs.items()],
                 None, at_least=True, beside=FASTAPI)
