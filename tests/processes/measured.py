"""What a benchmark may have measured."""

from __future__ import annotations

from bench.load import Sample
from bench.measure import Claim, Row


def sample(cost: float) -> Sample:
    """Return what a turn at 1,000 calls a second measured, each of which cost so many µs of CPU."""
    return Sample(1000, 1.0, 2.0, cost / 2, cost / 2, 10)


def grown(much: float, smoke: bool) -> Row:
    """Return a row of which a call costs so much among many nodes, and 100 µs among few.

    :param smoke: whether the short form has a limit for it
    """
    return Row("A row", {"many": lambda seconds: sample(much), "few": lambda seconds: sample(100)},
               [Claim("growth", lambda turn: turn["many"].cost / turn["few"].cost, 1.2,
                      smoke=2 if smoke else None)])
