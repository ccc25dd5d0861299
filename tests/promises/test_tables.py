"""The short form of long tables of cases."""

from __future__ import annotations

from typing import NamedTuple

from tests.support.tables import MOST, WHOLE, shortened


class Case(NamedTuple):
    nodeid: str


def cases(test: str, number: int) -> list[Case]:
    return [Case(f"{test}[{place}]") for place in range(number)]


def test_of_long_tables_a_part_is_tried_in_the_short_form_and_all_of_short_ones() -> None:
    long, short = cases("tests/a.py::test_long", 5 * MOST), cases("tests/a.py::test_short", MOST)
    kept, left = shortened(long + short, is_short=True)
    first = long.index(kept[0])
    assert first < 5 and kept == long[first::5] + short
    assert sorted(kept + left) == sorted(long + short)


def test_tables_of_the_same_things_try_others() -> None:
    tried = [shortened(cases(f"tests/a.py::test_{number}", 5 * MOST), is_short=True)[0]
             for number in range(20)]
    places = {case.nodeid.partition("[")[2] for kept in tried for case in kept}
    assert len(places) == 5 * MOST and all(len(kept) == MOST for kept in tried)


def test_what_is_quick_and_the_long_form_leave_nothing_out() -> None:
    quick = cases(f"{WHOLE}::test_all", 1000)
    others = cases("tests/a.py::test_long", 1000)
    assert shortened(quick, is_short=True) == (quick, [])
    assert shortened(others, is_short=False) == (others, [])
