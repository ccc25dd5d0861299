"""The short form of long tables of cases, of which the long one tries all."""

from __future__ import annotations

import os
from collections import Counter
from typing import Protocol, TypeVar
from zlib import crc32

SHORT = bool(os.environ.get("SHORT"))
# How many cases of one test the short form tries at most, and what it tries whole, as it is quick.
MOST, WHOLE = 40, "tests/promises/test_architecture.py"


class Named(Protocol):
    """A case."""

    @property
    def nodeid(self) -> str:
        """The file and the name of its test, and behind a bracket the case's own."""


Case = TypeVar("Case", bound=Named)


def shortened(items: list[Case], is_short: bool = SHORT
              ) -> tuple[list[Case], list[Case]]:
    """Return the cases that are tried, and those that are left out: of long tables each so many.

    Which of so many differs from test to test, so that tables of the same things try others.
    """
    sizes = Counter(_test_of(item) for item in items)
    seen: Counter[str] = Counter()
    kept: list[Case] = []
    left: list[Case] = []
    for item in items:
        test = _test_of(item)
        step = -(-sizes[test] // MOST) if is_short and not test.startswith(WHOLE) else 1
        of_part = seen[test] % step == crc32(test.encode()) % step
        (kept if of_part else left).append(item)
        seen[test] += 1
    return kept, left


def _test_of(item: Named) -> str:
    return item.nodeid.partition("[")[0]
