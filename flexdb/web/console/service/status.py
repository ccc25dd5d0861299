"""The service itself: whether it can do its work, what it did, and how it is set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from platform import python_version
from typing import Any, NamedTuple

from flexdb.api.calls import PageCalls
from flexdb.api.readiness import why_not
from flexdb.config import Settings
from flexdb.db.migrate import migration_ids
from flexdb.errors import PermissionDenied
from flexdb.web.console.page import Shown, page, show

# What is never shown; and how high the picture of a distribution is, in pixels.
_SECRET, _HEIGHT, _BAR = ("db_password", "secret_key"), 18, 4


@dataclass
class MethodFigures:
    """What became of the calls of one method since the start.

    :param buckets: how many took at most so many seconds, by the upper bounds
    """

    name: str
    outcomes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    times: int = 0
    buckets: dict[float, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Return how many there were."""
        return sum(self.outcomes.values())

    @property
    def errors(self) -> dict[str, int]:
        """Return how many were refused, by reason."""
        return {reason: times for reason, times in sorted(self.outcomes.items())
                if reason != "ok"}

    @property
    def mean(self) -> str:
        """Return how long one took on average, in ms."""
        return f"{self.seconds / self.times * 1000:.1f}" if self.times else "–"

    def within(self, share: float) -> str:
        """Return within how many ms such a share of the calls was answered."""
        for bound, times in sorted(self.buckets.items()):
            if self.times and times >= share * self.times:
                return f"≤ {bound * 1000:g}" if bound != float("inf") else "longer"
        return "–"

    @property
    def bars(self) -> list[tuple[int, int, int, str]]:
        """Return the distribution of durations as bars: x, y, height, and what each says."""
        bounds = sorted(self.buckets)
        each = [self.buckets[bound] - (self.buckets[before] if place else 0)
                for place, (bound, before) in enumerate(zip(bounds, [0.0, *bounds]))]
        most = max(each, default=0) or 1
        heights = [max(round(_HEIGHT * times / most), 1 if times else 0) for times in each]
        return [(place * (_BAR + 1), _HEIGHT - height, height, f"{times:,} within "
                 f"{bound * 1000:g} ms") for place, (bound, times, height)
                in enumerate(zip(bounds, each, heights)) if times]


class Setting(NamedTuple):
    """A setting, as a variable is named.

    :param is_set: whether it is another than the default
    """

    name: str
    value: str
    help: str
    is_set: bool


@page("/service")
def service(calls: PageCalls) -> Shown:
    """Show how the service is; also where PostgreSQL is away."""
    if calls.context.caller.role != "operator":
        raise PermissionDenied("that needs the role operator")
    reason = why_not(calls.runner)
    methods, figures = _measured(calls.runner.metrics.now().collect())
    return show("service/status.html", reason=reason, migrations=migration_ids(), figures=figures,
                methods=sorted(methods.values(), key=lambda one: -one.calls),
                settings=_settings(calls.settings), python=python_version(), height=_HEIGHT,
                bar=_BAR, width=20 * (_BAR + 1))


def _measured(families: Iterable[Any]) -> tuple[dict[str, MethodFigures], dict[str, float]]:
    """Return what was counted of each method, and the figures that have no label."""
    methods: dict[str, MethodFigures] = {}
    figures: dict[str, float] = {}
    for family in families:
        for name, labels, value, *_ in family.samples:
            if "method" not in labels:
                figures[f"{name}_{labels['status']}" if "status" in labels else name] = value
                continue
            method = methods.setdefault(labels["method"], MethodFigures(labels["method"]))
            if name == "flexdb_calls_total":
                method.outcomes[labels["outcome"]] = int(value)
            elif name == "flexdb_call_duration_seconds_sum":
                method.seconds = value
            elif name == "flexdb_call_duration_seconds_count":
                method.times = int(value)
            elif name == "flexdb_call_duration_seconds_bucket":
                method.buckets[float(labels["le"])] = int(value)
    return methods, figures


def _settings(settings: Settings) -> list[Setting]:
    """Return every setting, of secrets only whether they are set."""
    told = []
    for one in fields(settings):
        value = getattr(settings, one.name)
        shown = ("set" if value else "not set") if one.name in _SECRET else str(value)
        if isinstance(value, bool):
            shown = shown.lower()
        told.append(Setting(one.name.upper(), shown, one.metadata["help"], value != one.default))
    return told
