"""What was measured, as text for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.growth import Curve
from bench.load import Sample
from bench.measure import Outcome, Verdict

_HEAD = ("calls/s", "p50 ms", "p99 ms", "service µs", "PostgreSQL µs", "load µs", "failed ‰")


def table(outcome: Outcome) -> str:
    """Return a row for the terminal."""
    lines = [outcome.title.replace("`", "")]
    if outcome.samples:
        lines.append(" " * 36 + "".join(f"{name:>14}" for name in _HEAD))
    lines += [f"  {name:34}" + "".join(f"{cell:>14}" for cell in _cells(sample))
              for name, sample in outcome.samples.items()]
    return "\n".join(lines + [f"  {_told(verdict)}" for verdict in outcome.verdicts]) + "\n"


def _cells(sample: Sample) -> list[str]:
    return [f"{sample.rate:,.0f}",
            *("" if time is None else f"{time:.2f}" for time in (sample.p50, sample.p99)),
            *(f"{cost:,.1f}" if cost else ""
              for cost in (sample.service, sample.postgres, sample.generator)),
            f"{sample.failed:.0f}"]


def _told(verdict: Verdict) -> str:
    limit = _limit(verdict)
    reached = {None: "", True: f", must be {limit}: reached", False: f", must be {limit}: MISSED"}
    return (f"{verdict.text}: {verdict.value:.2f} ({verdict.least:.2f} to {verdict.most:.2f})"
            f"{reached[verdict.reached]}")


def _limit(verdict: Verdict) -> str:
    sign = "≥" if verdict.at_least else "≤"
    return "" if verdict.limit is None else f"{sign} {verdict.limit:g}"


def markdown(machine: Mapping[str, str], outcomes: Sequence[Outcome], curves: Mapping[str, Curve],
             rounds: int, seconds: float, loads: Sequence[float]) -> str:
    """Return the report.

    :param machine: what it was measured on
    :param curves: by the name of the file that shows each
    :param loads: the load averages before each row
    """
    parts = [
        "# The measured part", "",
        "Written by `make bench`; [performance.md](../performance.md) says how to read it.", "",
        *_rows(["On", ""], [[name, text] for name, text in machine.items()] + [
            ["Turns", f"{rounds} of {seconds:g} s for each, taken in turns; figures are medians"],
            ["Load average", f"{min(loads):.1f} to {max(loads):.1f} while it ran; the benchmark "
                             "itself makes about 4"]]),
        "## What must be reached", "",
        *_rows(["Row", "Figure", "Must be", "Is", "Least to most", "Reached"], [
            [outcome.title, verdict.text, _limit(verdict), f"{verdict.value:.2f}",
             f"{verdict.least:.2f}–{verdict.most:.2f}", "yes" if verdict.reached else "**no**"]
            for outcome in outcomes for verdict in outcome.verdicts
            if verdict.reached is not None]),
        "## Row by row", ""]
    for outcome in outcomes:
        parts += [f"### {outcome.title}", ""]
        if outcome.samples:
            parts += _rows(["", *_HEAD], [[name, *_cells(sample)]
                                          for name, sample in outcome.samples.items()])
        parts += [f"- {_told(verdict)}" for verdict in outcome.verdicts] + [""]
        parts += [outcome.notes, ""] if outcome.notes else []
    parts += ["## How cost grows", ""]
    for name, curve in curves.items():
        parts += [f"![The cost of a call {curve.title}]({name}.svg)", ""]
        parts += _rows([curve.along, *(f"{line}: {what}" for line in curve.lines
                                       for what in ("calls/s", "service µs", "PostgreSQL µs"))],
                       _points(curve))
    return "\n".join(parts).rstrip() + "\n"


def _points(curve: Curve) -> Iterable[list[str]]:
    for place in next(iter(curve.lines.values())):
        samples = [line[place] for line in curve.lines.values()]
        yield [f"{place:,}", *(f"{figure:,.0f}" for sample in samples
                               for figure in (sample.rate, sample.service, sample.postgres))]


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]
