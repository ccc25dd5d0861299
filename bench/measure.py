"""Rounds: all that is compared takes turns, so that what else the machine does meets all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from bench.load import Sample, Subject

# What each subject did in one round.
Round = Mapping[str, Sample]
_WARM_UP = 1.0
# How many rounds decide where a first look missed a limit: on a busy machine one says little.
_AGAIN = 3


@dataclass(frozen=True)
class Claim:
    """What a row must show.

    :param text: what the figure is
    :param value: makes the figure of a round
    :param limit: what it must reach; None where it is only told
    :param at_least: whether more of it is better, in place of less
    :param smoke: the limit where the smoke form looks at it, which cannot measure as well
    :param beside: what from outside it is compared with; 1 is then as good as that is
    """

    text: str
    value: Callable[[Round], float]
    limit: float | None
    at_least: bool = False
    smoke: float | None = None
    beside: str = ""


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
    beside: str = ""

    @property
    def reached(self) -> bool | None:
        """Tell whether the limit was reached; None where there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def is_behind(self) -> bool:
        """Tell whether it is worse than what it is beside, to the second digit."""
        return round(self.value, 2) < 1 if self.at_least else round(self.value, 2) > 1


class Outcome(NamedTuple):
    """What a row showed: each subject's median sample, and the verdicts."""

    title: str
    samples: dict[str, Sample]
    verdicts: list[Verdict]
    notes: str = ""


def measure(row: Row, rounds: int, seconds: float) -> Outcome:
    """Let the subjects of a row take turns and return what came of it.

    :param rounds: how often each has its turn
    :param seconds: how long a turn takes
    """
    if row.warm_up:
        for subject in row.subjects.values():
            subject(_WARM_UP)
    taken = [{name: subject(seconds) for name, subject in row.subjects.items()}
             for _ in range(rounds)]
    return Outcome(row.title, _middles(row, taken),
                   [_judged(claim, taken, claim.limit) for claim in row.claims], row.notes)


def look(row: Row, rounds: int, seconds: float) -> Outcome:
    """Measure what the limits of the smoke form need; one that is missed is measured once more.

    :param rounds: how often each has its turn before
    :param seconds: how long a turn takes
    """
    taken: list[Round] = [_Turn(row.subjects, seconds) for _ in range(rounds)]
    verdicts = []
    for claim in row.claims:
        if claim.smoke is not None:
            verdict = _judged(claim, taken, claim.smoke)
            if not verdict.reached:
                again = [_Turn(row.subjects, seconds) for _ in range(_AGAIN)]
                verdict = _judged(claim, again, claim.smoke)
            verdicts.append(verdict)
    return Outcome(row.title, _middles(row, taken), verdicts, row.notes)


class _Turn(dict[str, Sample]):
    """A round in which a subject has its turn when its figures are asked for."""

    def __init__(self, subjects: Mapping[str, Subject], seconds: float) -> None:
        self._subjects, self._seconds = subjects, seconds

    def __missing__(self, name: str) -> Sample:
        self[name] = self._subjects[name](self._seconds)
        return self[name]


def _judged(claim: Claim, turns: Sequence[Round], limit: float | None) -> Verdict:
    return judge(claim.text, [claim.value(turn) for turn in turns], limit, claim.at_least,
                 claim.beside)


def judge(text: str, values: list[float], limit: float | None, at_least: bool = False,
          beside: str = "") -> Verdict:
    """Return what the figures of the rounds say, and whether that reaches a limit."""
    return Verdict(text, median(values), min(values), max(values), limit, at_least, beside)


def _middles(row: Row, turns: Sequence[Round]) -> dict[str, Sample]:
    return {name: middle([turn[name] for turn in turns]) for name in row.subjects
            if name in turns[0]}


def middle(samples: list[Sample]) -> Sample:
    """Return the sample whose every figure is the median of those given."""
    figures: list[Any] = [None if None in figure else median(figure) for figure in zip(*samples)]
    return Sample(*figures)
