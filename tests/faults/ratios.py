"""What takes how many times as long as something else, measured in turns."""

from __future__ import annotations

from collections.abc import Callable

# How often to measure where others want the machine too.
TURNS = 5


def least(turn: Callable[[], tuple[float, ...]], most: float) -> tuple[float, ...]:
    """Return the ratios of the turn whose greatest is the least.

    A machine is slow for a while, and what is wrong is wrong in each turn: so there is none after
    the first that keeps the limit.

    :param turn: measures one thing and right after it another, and returns their ratios
    :param most: the limit
    """
    found = turn()
    for _ in range(TURNS - 1):
        if max(found) <= most:
            break
        found = min(found, turn(), key=max)
    return found
