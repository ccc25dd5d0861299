"""The command: ``python -m bench [--smoke]``; the variables are told in docs/performance.md."""

from __future__ import annotations

import os
import signal
import sys
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
from bench.load import require_wrk
from bench.machine import describe, load_average
from bench.measure import Outcome, measure
from bench.memory import memory
from bench.report import markdown, table
from bench.rows import ROWS, SMOKE
from bench.servers import ROOT
from bench.stage import Stage

REPORT = ROOT / "docs" / "performance"


def main(smoke: bool) -> None:
    """Measure the rows asked for and print them.

    :param smoke: measure quickly what tells growth, and fail when there is too much of it
    """
    require_wrk()
    known = [*ROWS, "memory", *CURVES]
    wanted = os.environ.get("ONLY", "").replace(",", " ").split()
    if unknown := set(wanted) - set(known):
        sys.exit(f"bench: ONLY={' '.join(sorted(unknown))}: there is no such row; there are "
                 f"{', '.join(known)}")
    rows = _number("ROWS", 50_000 if smoke else 1_000_000, 10_000)
    rounds = _number("ROUNDS", 2 if smoke else 3, 1)
    seconds = _number("SECONDS", 1 if smoke else 2, 1)
    names = wanted or (SMOKE if smoke else known)
    outcomes: list[Outcome] = []
    curves: dict[str, Curve] = {}
    loads = []
    with closing(Stage(ROOT / ".bench", rows)) as stage:
        for name in names:
            loads.append(load_average())
            if name in CURVES:
                # Only curves need matplotlib.
                from bench.plots import draw
                curves[name] = grow(name, stage, rounds, seconds)
                draw(curves[name], (stage.folder if wanted else REPORT) / f"{name}.svg")
            else:
                outcomes.append(memory(stage, rounds) if name == "memory" else
                                measure(ROWS[name](stage), rounds, seconds, smoke))
                print(table(outcomes[-1]), flush=True)
            stage.stop_servers()
    if not wanted and not smoke:
        text = markdown(describe(), outcomes, curves, rounds, seconds, loads)
        (REPORT / "report.md").write_text(text, encoding="utf-8")
        print(f"The report is in {REPORT.relative_to(ROOT)}.")
    missed = [verdict for outcome in outcomes for verdict in outcome.verdicts
              if verdict.reached is False]
    if smoke and missed:
        sys.exit(f"bench: {len(missed)} limits were missed")


def _number(name: str, default: int, least: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or int(text) < least:
        sys.exit(f"bench: {name}={text} is not a whole number of at least {least}")
    return int(text)


if __name__ == "__main__":
    # Whoever ends us ends what we started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(smoke="--smoke" in sys.argv[1:])
