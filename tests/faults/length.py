"""How long the scenarios are: SHORT=1 asks for the short form."""

from __future__ import annotations

import pytest

from tests.support.tables import SHORT

only_at_length = pytest.mark.skipif(SHORT, reason="left out of the short form")


def times(full: int, short: int) -> int:
    """Return how often to repeat, or for how many seconds."""
    return short if SHORT else full
