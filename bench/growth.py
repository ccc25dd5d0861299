"""How cost grows: with rows, with the depth of a page, with the size of a batch, with workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.load import Sample, Subject, load
from bench.measure import Row, measure
from bench.rows import batches
from bench.stage import Stage

_BATCHES = (1, 3, 10, 30, 100, 300)
# So few that what is under way when a turn ends is little beside what was answered.
_BATCH_CONNECTIONS = 2
_SPREAD = 1000


class Curve(NamedTuple):
    """How the cost of a call grows.

    :param title: what it is the cost of
    :param along: what grows
    :param lines: for each kind of call its samples by what grows
    """

    title: str
    along: str
    lines: Mapping[str, Mapping[int, Sample]]


Points = dict[str, dict[int, Subject]]


def rows(stage: Stage) -> tuple[str, str, Points]:
    """The rows of the tenant, which are all there are in the database."""
    sizes = [stage.rows // part for part in (1000, 100, 10, 1) if stage.rows // part >= 100]
    points: Points = {"get_node": {}, "list_nodes, first page": {}}
    for size in sizes:
        data = stage.data(1, size)
        server = stage.service(data)
        points["get_node"][size] = load(server, stage.postgres, data.gets(_SPREAD))
        points["list_nodes, first page"][size] = load(server, stage.postgres, data.pages())
    return "with the rows of a tenant", "rows", points


def depth(stage: Stage) -> tuple[str, str, Points]:
    """The rows that stand before a page."""
    data = stage.data(1, stage.rows)
    server = stage.service(data)
    places = [stage.rows * part // 10 for part in (0, 2, 4, 6, 8)]
    pages = {place: load(server, stage.postgres, data.pages([place])) for place in places}
    return "with the depth of a page", "rows before the page", {"list_nodes": pages}


def batch(stage: Stage) -> tuple[str, str, Points]:
    """The calls in a batch."""
    data, writes = stage.data(1, stage.rows), stage.writes()
    points: Points = {"get_node": {}, "create_node": {}}
    for size in _BATCHES:
        count = max(4 * size, _SPREAD)
        points["get_node"][size] = load(
            stage.service(data), stage.postgres, batches(data.gets(count), size), size,
            _BATCH_CONNECTIONS)
        points["create_node"][size] = load(
            stage.service(writes), stage.postgres, batches(writes.creates(count), size), size,
            _BATCH_CONNECTIONS)
    return "with the size of a batch", "calls in a batch", points


def workers(stage: Stage) -> tuple[str, str, Points]:
    """The worker processes."""
    data = stage.data(1, stage.rows)
    gets = {count: load(stage.service(data, WORKERS=str(count)), stage.postgres,
                        data.gets(_SPREAD))
            for count in (1, 2, 3, 4)}
    return "with the workers", "workers", {"get_node": gets}


CURVES: dict[str, Callable[[Stage], tuple[str, str, Points]]] = {
    "rows": rows, "depth": depth, "batch": batch, "workers": workers}


def grow(name: str, stage: Stage, rounds: int, seconds: float) -> Curve:
    """Measure a curve; its points take turns."""
    title, along, points = CURVES[name](stage)
    subjects = {f"{line} {place}": subject for line, by_place in points.items()
                for place, subject in by_place.items()}
    samples = measure(Row(title, subjects, []), rounds, seconds).samples
    return Curve(title, along, {line: {place: samples[f"{line} {place}"] for place in by_place}
                                for line, by_place in points.items()})
