"""The command: ``python -m bench [--smoke]``; the variables are told in docs/performance.md."""

from __future__ import annotations

import os
import sys

from bench.load import require_wrk
from bench.measure import measure
from bench.report import table
from bench.rows import ROWS
from bench.servers import ROOT
from bench.stage import Stage


def main() -> None:
    """Measure the rows asked for and print them."""
    require_wrk()
    wanted = os.environ.get("ONLY", "").replace(",", " ").split()
    if unknown := set(wanted) - ROWS.keys():
        sys.exit(f"bench: ONLY={' '.join(sorted(unknown))}: there is no such row; there are "
                 f"{', '.join(ROWS)}")
    stage = Stage(ROOT / ".bench", int(os.environ.get("ROWS", "1000000")))
    try:
        for name, build in ROWS.items():
            if not wanted or name in wanted:
                outcome = measure(build(stage), int(os.environ.get("ROUNDS", "3")),
                                  float(os.environ.get("SECONDS", "2")))
                print(table(outcome), flush=True)
    finally:
        stage.close()


if __name__ == "__main__":
    main()
