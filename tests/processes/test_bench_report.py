"""The report says of each row beside what it was measured, and whether flexdb is ahead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bench.__main__  # noqa: F401 (registers all rows)
from bench.growth import CURVES, Curve
from bench.kept import Kept, Measured
from bench.measure import Claim, Outcome, Row, judge, measure
from bench.report import markdown, standing
from bench.rows import ROWS, YARDSTICKS, Yardstick
from tests.processes.measured import grown, sample
from tests.support.paths import ROOT


def test_each_row_and_curve_names_its_yardstick_and_its_profile_is_there() -> None:
    assert {*ROWS, *CURVES, "memory"} == YARDSTICKS.keys()
    headings = {re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-")
                for line in (ROOT / "docs/performance.md").read_text().splitlines()
                if line.startswith("## ")}
    for name, yardstick in YARDSTICKS.items():
        assert yardstick.text and yardstick.profile in {"", *headings}, name


def test_no_row_of_the_report_is_behind_without_a_profile() -> None:
    assert "**no profile**" not in (ROOT / "docs/performance/report.md").read_text()


@pytest.mark.parametrize("figures, at_least, said", [
    ([1.3, 1.2, 1.4], True, "ahead by 30%"),
    ([0.9, 0.8, 0.95], True, "behind by 10%"),
    ([0.9, 0.8, 0.95], False, "ahead by 10%"),
    ([3.31, 3, 4], False, "behind, 3.3 times"),
    ([1.1, 0.9, 1.2], False, "behind by 10%, but not in each round"),
    ([1.004, 0.9, 1.2], False, "even"),
])
def test_it_is_said_whether_flexdb_is_ahead_and_by_what(
        figures: list[float], at_least: bool, said: str) -> None:
    verdict = judge("a figure", figures, None, at_least, "another")
    assert standing(verdict) == said and verdict.is_behind == said.startswith("behind")


def test_what_was_measured_is_kept_and_what_failed_is_told(tmp_path: Path) -> None:
    row = Row("A row", {"one": lambda seconds: sample(100)}, [
        Claim("cost", lambda turn: turn["one"].cost / 50, None, beside="another")])
    curve = Curve("with the rows", "rows", {"get_node": {100: sample(50)}}, [])
    under = {"Day": "2026-01-01", "Turns": "3"}
    put: dict[str, Measured] = {
        "row": Measured(under, 7, 1, measure(row, 3, 1)),
        "rows": Measured(under | {"Day": "2026-01-02"}, 8, 2, curve),
        "broken": Measured(under, 1, 1, "failed: RuntimeError: there is none")}
    for name, measured in put.items():
        Kept(tmp_path).put(name, measured)
    kept = Kept(tmp_path)
    assert {name: kept.get(name) for name in put} == put and kept.get("absent") is None
    report = markdown({name: kept.get(name) for name in [*put, "absent"]},
                      {name: Yardstick("another") for name in put})
    for said in ("| cost | 2.00 | 2.00–2.00 | behind, 2.0 times | **no profile** |",
                 "It took 7 s.\n",
                 "It took 8 s. Measured on Day: 2026-01-02.\n",
                 "- `broken`: failed: RuntimeError: there is none", "- `absent`: not measured"):
        assert said in report, report
    kept.forget()
    assert kept.get("row") is None


def test_the_same_figures_give_the_same_report_and_the_same_plots(tmp_path: Path) -> None:
    plots = pytest.importorskip("bench.plots", reason="matplotlib, which `make bench` installs")
    curve = Curve("with the rows", "rows", {"get_node": {100: sample(50), 1000: sample(60)},
                                              "beside": {100: sample(70)}}, [])
    results: dict[str, Outcome | Curve] = {"row": measure(grown(500, smoke=False), 3, 1),
                                           "rows": curve}
    reports = [markdown({name: Measured({"Day": "2026-01-01"}, 1, 0.5, result)
                         for name, result in results.items()},
                        {name: Yardstick("another") for name in results}) for _ in range(2)]
    for name in ("one", "other"):
        plots.draw(curve, tmp_path / name)
    assert reports[0] == reports[1] and "**no**" in reports[0] and "(rows.svg)" in reports[0]
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
