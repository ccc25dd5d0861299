"""The curves as small SVG files, whose text changes only where a figure does."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from bench.growth import Curve

# Text stays text, and what is otherwise drawn by lot or by the clock is fixed.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "flexdb", "font.size": 9,
                            "axes.spines.top": False, "axes.spines.right": False})


def draw(curve: Curve, file: Path) -> None:
    """Write a curve: the CPU time of service and PostgreSQL for each call.

    :param file: where to
    """
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.subplots()
    places = sorted({place for line in curve.lines.values() for place in line})
    for place, (name, line) in enumerate(curve.lines.items()):
        colour, costs = f"C{place}", [sample.cost for sample in line.values()]
        # What PostgreSQL does by itself, or what is but a point, needs one line.
        alone = costs == [sample.postgres for sample in line.values()] or len(line) == 1
        axes.plot(list(line), costs, f"{colour}o-", markersize=4,
                  label=name if alone else f"{name}, in all")
        if not alone:
            axes.plot(list(line), [sample.postgres for sample in line.values()], f"{colour}o:",
                      markersize=3, label="of that PostgreSQL")
    if places[0] and places[-1] / places[0] >= 100:
        axes.set_xscale("log")
    else:
        axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.set_ylim(bottom=0)
    axes.set_title(f"The cost of a call {curve.title}", fontsize=10)
    axes.set_xlabel(curve.along)
    axes.set_ylabel("CPU for each call, µs")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=7)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    # matplotlib leaves spaces at the ends of lines.
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("".join(f"{line.rstrip()}\n" for line in lines), encoding="utf-8")
