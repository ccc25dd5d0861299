"""The short form of long tables of cases."""

from __future__ import annotations

from typing import NamedTuple

from tests.support.tables import FEW, shortened


class Case(NamedTuple):
    nodeid: str


def cases(test: str, number: int) -> list[Case]:
    return [Case(f"{test}[{place}]") for place in range(number)]


def test_of_long_tables_a_third_is_tried_in_the_short_form_and_all_of_short_ones() -> None:
    long, short = cases("tests/a.py::test_long", 100), cases("tests/a.py::test_short", FEW)
    kept, left = shortened(long + short, is_short=True)
    assert kept == long[::3] + short
    assert sorted(kept + left) == sorted(long + short)


def test_promises_and_the_long_form_leave_nothing_out() -> None:
    promises = cases("tests/promises/test_x.py::test_all", 1000)
    others = cases("tests/a.py::test_long", 1000)
    assert shortened(promises, is_short=True) == (promises, [])
    assert shortened(others, is_short=False) == (others, [])
