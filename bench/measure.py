"""Rounds: all that is compared takes turns, so that what else the machine does meets all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from bench.load import Sample, Subject

# What each subject did in one round.
Round = Mapping[str, Sample]
_WARM_UP = 1.0


@dataclass(frozen=True)
class Claim:
    """What a row must show.

    :param text: what the figure is
    :param value: makes the figure of a round
    :param limit: what it must reach; None where it is only told
    :param at_least: whether it must be no less than the limit, in place of no more
    :param smoke: the limit where the smoke form looks at it, which cannot measure as well
    """

    text: str
    value: Callable[[Round], float]
    limit: float | None
    at_least: bool = False
    smoke: float | None = None


@dataclass(frozen=True)
class Row:
    """What is measured in turns, and what must come of it.

    :param title: what the row is about
    :param subjects: what takes turns, by name
    :param notes: what a reader must know to judge the figures
    :param warm_up: whether each has a turn before that does not count
    """

    title: str
    subjects: Mapping[str, Subject]
    claims: list[Claim]
    notes: str = ""
    warm_up: bool = True


class Verdict(NamedTuple):
    """A claim's figure: the median of the rounds, and the least and the most.

    :param reached: None where there is no limit
    """

    text: str
    value: float
    least: float
    most: float
    limit: float | None
    at_least: bool

    @property
    def reached(self) -> bool | None:
        """Tell whether the limit was reached; None where there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


class Outcome(NamedTuple):
    """What a row showed: each subject's median sample, and the verdicts."""

    title: str
    samples: dict[str, Sample]
    verdicts: list[Verdict]
    notes: str = ""


def measure(row: Row, rounds: int, seconds: float, smoke: bool = False) -> Outcome:
    """Let the subjects of a row take turns and return what came of it.

    :param rounds: how often each has its turn
    :param seconds: how long a turn takes
    """
    if row.warm_up and not smoke:
        for subject in row.subjects.values():
            subject(_WARM_UP)
    taken = [{name: subject(seconds) for name, subject in row.subjects.items()}
             for _ in range(rounds)]
    claims = [claim for claim in row.claims if claim.smoke is not None or not smoke]
    return Outcome(row.title, {name: middle([turn[name] for turn in taken])
                               for name in row.subjects},
                   [judge(claim.text, [claim.value(turn) for turn in taken],
                          claim.smoke if smoke else claim.limit, claim.at_least)
                    for claim in claims], row.notes)


def judge(text: str, values: list[float], limit: float | None, at_least: bool = False) -> Verdict:
    """Return what the figures of the rounds say, and whether that reaches a limit."""
    return Verdict(text, median(values), min(values), max(values), limit, at_least)


def middle(samples: list[Sample]) -> Sample:
    """Return the sample whose every figure is the median of those given."""
    figures: list[Any] = [None if None in figure else median(figure) for figure in zip(*samples)]
    return Sample(*figures)
