"""How values are written on pages."""

from __future__ import annotations

import pytest

from flexdb.web.console.words import day, is_past, moment


@pytest.mark.parametrize("time, written, is_over", [
    ("2026-01-01T12:00:00.123456+00:00", "2026-01-01 12:00:00", True),
    ("9999-12-31T23:59:59.000000+00:00", "9999-12-31 23:59:59", False),
    ("infinity", "infinity", False), ("-infinity", "-infinity", True),
    ("0044-03-15T12:00:00.000000+00:00 BC", "0044-03-15T12:00:00.000000+00:00 BC", True),
    ("294276-12-31T00:00:00.000000+00:00", "294276-12-31T00:00:00.000000+00:00", False)])
def test_every_time_of_postgresql_can_be_shown(time: str, written: str, is_over: bool) -> None:
    assert (moment(time), is_past(time)) == (written, is_over)
    assert day(time) and " " not in day(time)
