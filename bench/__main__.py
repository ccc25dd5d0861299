"""The command: ``python -m bench [--smoke]``; the variables are told in docs/performance.md."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import closing

import bench.aggregates  # noqa: F401 (registers its rows)
import bench.bulk  # noqa: F401
import bench.changes  # noqa: F401
import bench.client  # noqa: F401
import bench.console  # noqa: F401
import bench.declared  # noqa: F401
import bench.feed  # noqa: F401
import bench.fences  # noqa: F401
import bench.keys  # noqa: F401
import bench.kinto  # noqa: F401
import bench.lists  # noqa: F401
import bench.neighbours  # noqa: F401
import bench.related  # noqa: F401
import bench.repeats  # noqa: F401
import bench.search  # noqa: F401
import bench.sizes  # noqa: F401
import bench.streams  # noqa: F401
from bench.growth import CURVES, Curve, grow
from bench.kept import Kept, Measured
from bench.load import require_wrk
from bench.machine import describe, load_average
from bench.measure import Outcome, look, measure
from bench.memory import memory
from bench.report import markdown, table
from bench.rows import ROWS, SMOKE, YARDSTICKS
from bench.servers import ROOT
from bench.stage import Stage

REPORT = ROOT / "docs" / "performance"
KNOWN = [*ROWS, "memory", *CURVES]
# Among the names of rows: those of which no figure is kept.
REST = "rest"
_ROWS, _ROUNDS, _SECONDS = 1_000_000, 3, 2


def main(smoke: bool) -> None:
    """Measure the rows asked for, print them, and make the report of all that is kept.

    :param smoke: measure quickly what tells growth, keep nothing, and fail where there is too much
    """
    require_wrk()
    wanted = os.environ.get("ONLY", "").replace(",", " ").split()
    if unknown := set(wanted) - {*KNOWN, REST}:
        sys.exit(f"bench: ONLY={' '.join(sorted(unknown))}: there is no such row; there are "
                 f"{', '.join(KNOWN)}, and {REST} for those that were not measured")
    rows = _number("ROWS", 50_000 if smoke else _ROWS, 10_000)
    rounds = _number("ROUNDS", 1 if smoke else _ROUNDS, 1)
    seconds = _number("SECONDS", 1 if smoke else _SECONDS, 1)
    folder = ROOT / ".bench"
    folder.mkdir(exist_ok=True)
    with closing(Stage(folder, rows)) as stage:
        if smoke:
            failed = look_at(stage, wanted or SMOKE, rounds, seconds)
        else:
            # What was only tried is kept by itself.
            is_tried = (rows, rounds, seconds) != (_ROWS, _ROUNDS, _SECONDS)
            kept = Kept(folder / ("tried" if is_tried else "measured"))
            failed = _measure_all(stage, _names(wanted, kept), rounds, seconds, kept)
            _report(kept, is_tried)
    if failed:
        sys.exit(f"bench: {', '.join(failed)}")


def look_at(stage: Stage, names: list[str], rounds: int, seconds: float) -> list[str]:
    """Look at rows, and return the limits that they missed, and which of them failed."""
    missed = []
    for name in names:
        started = time.monotonic()
        try:
            outcome = look(ROWS[name](stage), rounds, seconds)
        # As where a call among many takes longer than it may.
        except Exception as error:
            traceback.print_exc()
            missed.append(f"{name} {_failure(error)}")
            continue
        finally:
            stage.stop_servers()
        print(f"{table(outcome)}  {time.monotonic() - started:.0f} s\n", flush=True)
        missed += [f"{name} missed: {verdict.text}" for verdict in outcome.verdicts
                   if not verdict.reached]
    return missed


def _names(wanted: list[str], kept: Kept) -> list[str]:
    if not wanted:
        kept.forget()
    measured = {name: kept.get(name) for name in KNOWN}
    rest = [name for name, row in measured.items() if row is None or isinstance(row.result, str)]
    return [name for name in KNOWN
            if not wanted or name in wanted or REST in wanted and name in rest]


def _measure_all(stage: Stage, names: list[str], rounds: int, seconds: float, kept: Kept
                 ) -> list[str]:
    """Measure rows, keep what comes of them, and return those that failed."""
    under = describe() | {"Rows": f"{stage.rows:,}", "Turns": (
        f"{rounds} of {seconds:g} s for each, taken in turns; figures are medians")}
    failed = []
    for name in names:
        load, started = load_average(), time.monotonic()
        result: Outcome | Curve | str
        try:
            result = _measure(name, stage, rounds, seconds)
        # One that fails is told, and the others go on.
        except Exception as error:
            traceback.print_exc()
            result = _failure(error)
            failed.append(f"{name} failed")
        finally:
            stage.stop_servers()
        taken = time.monotonic() - started
        kept.put(name, Measured(under, taken, load, result))
        print(table(result) if isinstance(result, Outcome) else name,
              f" {taken:.0f} s\n", flush=True)
    return failed


def _failure(error: Exception) -> str:
    return f"failed: {type(error).__name__}: {error}".splitlines()[0]


def _report(kept: Kept, is_tried: bool) -> None:
    """Write the report of what is kept: to the documentation where no row is missing."""
    measured = {name: kept.get(name) for name in KNOWN}
    folder = kept.folder if is_tried or None in measured.values() else REPORT
    (folder / "report.md").write_text(markdown(measured, YARDSTICKS), encoding="utf-8")
    for name in CURVES:
        row = measured[name]
        if row and isinstance(row.result, Curve):
            # Only curves need matplotlib.
            from bench.plots import draw
            draw(row.result, folder / f"{name}.svg")
    print(f"The report is in {folder.relative_to(ROOT)}.")


def _measure(name: str, stage: Stage, rounds: int, seconds: float) -> Outcome | Curve:
    if name in CURVES:
        return grow(name, stage, rounds, seconds)
    if name == "memory":
        return memory(stage, rounds)
    return measure(ROWS[name](stage), rounds, seconds)


def _number(name: str, default: int, least: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or int(text) < least:
        sys.exit(f"bench: {name}={text} is not a whole number of at least {least}")
    return int(text)


if __name__ == "__main__":
    # Whoever ends us ends what we started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(smoke="--smoke" in sys.argv[1:])
