"""No limit of the smoke form is one that nothing could miss: growth of each cost is seen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bench import servers
from bench.__main__ import look_at
from bench.measure import Row, look
from bench.report import table
from bench.rows import ROWS, SMOKE
from bench.stage import Stage
from tests.processes.measured import grown
from tests.support.growth import GROWTHS, Growth, planted
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    with closing(Stage(tmp_path_factory.mktemp("bench"), 50_000)) as stage:
        yield stage


@contextmanager
def serving(stage: Stage) -> Iterator[None]:
    """End the servers that a block has started."""
    try:
        yield
    finally:
        stage.stop_servers()


def test_each_row_of_the_smoke_form_has_a_growth_that_can_still_be_put_into_the_service() -> None:
    assert {growth.row for growth in GROWTHS.values()} == {*SMOKE}
    for growth in GROWTHS.values():
        for edit in growth.edits:
            edit.made((ROOT / "flexdb" / edit.file).read_text())


@pytest.mark.long
def test_a_row_that_fails_is_named_and_those_behind_it_are_looked_at(
        stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(stage: Stage) -> Row:
        raise RuntimeError("it took too long\nat all")

    monkeypatch.setitem(ROWS, "broken", broken)
    monkeypatch.setitem(ROWS, "grown", lambda stage: grown(500, smoke=True))
    assert look_at(stage, ["broken", "grown"], 1, 1) == [
        "broken failed: RuntimeError: it took too long", "grown missed: growth"]


@pytest.mark.longest
@pytest.mark.parametrize("growth", GROWTHS.values(), ids=GROWTHS)
def test_growth_misses_the_limit_that_is_to_see_it(
        growth: Growth, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with planted(growth, stage, tmp_path) as copy, serving(stage):
        monkeypatch.setattr(servers, "ROOT", copy)
        row = ROWS[growth.row](stage)
        limits = [claim for claim in row.claims if claim.smoke is not None]
        planned = [words for other in GROWTHS.values() if other.row == growth.row
                   for words in other.misses]
        assert all(any(words in claim.text for words in planned) for claim in limits)
        outcome = look(replace(row, claims=[
            claim for claim in limits if any(words in claim.text for words in growth.misses)]),
            1, 1)
    print(table(outcome))
    assert [verdict.reached for verdict in outcome.verdicts] == [False] * len(growth.misses)
