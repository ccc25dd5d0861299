"""The short form of long tables of cases, of which the long one tries all."""

from __future__ import annotations

import os
from collections import Counter
from typing import Protocol, TypeVar

SHORT = bool(os.environ.get("SHORT"))
# Up to how many cases of one test are tried in any form, and which part of more in the short one;
# and what is tried whole in any.
FEW, PART, WHOLE = 60, 3, "tests/promises/"


class Named(Protocol):
    """A case."""

    @property
    def nodeid(self) -> str:
        """The file and the name of its test, and behind a bracket the case's own."""


Case = TypeVar("Case", bound=Named)


def shortened(items: list[Case], is_short: bool = SHORT
              ) -> tuple[list[Case], list[Case]]:
    """Return the cases that are tried, and those that are left out: of long tables two of three."""
    sizes = Counter(_test_of(item) for item in items)
    seen: Counter[str] = Counter()
    kept: list[Case] = []
    left: list[Case] = []
    for item in items:
        test = _test_of(item)
        of_part = (not is_short or test.startswith(WHOLE) or sizes[test] <= FEW
                   or seen[test] % PART == 0)
        (kept if of_part else left).append(item)
        seen[test] += 1
    return kept, left


def _test_of(item: Named) -> str:
    return item.nodeid.partition("[")[0]
