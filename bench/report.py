"""What was measured, as text for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bench.growth import Curve
from bench.kept import Measured
from bench.load import Sample
from bench.measure import Outcome, Verdict
from bench.rows import Yardstick

_HEAD = ("calls/s", "p50 ms", "p99 ms", "service µs", "PostgreSQL µs", "load µs", "failed ‰")
_PAGE = "../performance.md"
_UNEXPLAINED = "**no profile**"


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
            f"{reached[verdict.reached]}{f'; {standing(verdict)}' if verdict.beside else ''}")


def _limit(verdict: Verdict) -> str:
    sign = "≥" if verdict.at_least else "≤"
    return "" if verdict.limit is None else f"{sign} {verdict.limit:g}"


def standing(verdict: Verdict) -> str:
    """Say whether a figure is ahead of what it is beside, or behind, and by what."""
    off = round(verdict.value - 1, 2)
    if not off:
        return "even"
    word = "behind" if verdict.is_behind else "ahead"
    by = f"{word}, {verdict.value:.1f} times" if off >= 1 else f"{word} by {abs(off):.0%}"
    return by if (verdict.least > 1) == (verdict.most > 1) else f"{by}, but not in each round"


def markdown(rows: Mapping[str, Measured | None], yardsticks: Mapping[str, Yardstick]) -> str:
    """Return the report.

    :param rows: all that there are, with what came of those that were measured
    :param yardsticks: what each is measured beside
    """
    measured = {name: row for name, row in rows.items() if row}
    under = next(iter(measured.values())).under
    results = {name: row.result for name, row in measured.items()
               if not isinstance(row.result, str)}
    outcomes = {name: result for name, result in results.items() if isinstance(result, Outcome)}
    curves = {name: result for name, result in results.items() if isinstance(result, Curve)}
    loads = [row.load for row in measured.values()]
    parts = [
        "# The measured part", "",
        f"Written by `make bench`; [performance.md]({_PAGE}) says how to read it.", "",
        *_table(["On", ""], [*map(list, under.items()), [
            "Load average", f"{min(loads):.1f} to {max(loads):.1f} while it ran; the benchmark "
                            "itself makes about 4"]]),
        *_missing(rows),
        *_beside(results, yardsticks),
        "## What must be reached", "",
        *_table(["Row", "Figure", "Must be", "Is", "Least to most", "Reached"], [
            [outcome.title, verdict.text, _limit(verdict), *_figures(verdict),
             "yes" if verdict.reached else "**no**"]
            for outcome in outcomes.values() for verdict in outcome.verdicts
            if verdict.reached is not None]),
        "## Row by row", ""]
    for name, outcome in outcomes.items():
        parts += [f"### {outcome.title}", "", f"Beside it: {yardsticks[name].text}.", ""]
        if outcome.samples:
            parts += _table(["", *_HEAD], [[subject, *_cells(sample)]
                                           for subject, sample in outcome.samples.items()])
        parts += [f"- {_told(verdict)}" for verdict in outcome.verdicts]
        parts += ["", f"{outcome.notes} {_took(measured[name], under)}".strip(), ""]
    parts += ["## How cost grows", "", "Turns take half as long, since each point has its own.", ""]
    for name, curve in curves.items():
        parts += [f"![The cost of a call {curve.title}]({name}.svg)", "",
                  f"Beside it: {yardsticks[name].text}. {_took(measured[name], under)}", ""]
        parts += _table([curve.along, *(f"{line}: {what}" for line in curve.lines
                                        for what in ("calls/s", "service µs", "PostgreSQL µs"))],
                        _points(curve))
    return "\n".join(parts).rstrip() + "\n"


def _missing(rows: Mapping[str, Measured | None]) -> list[str]:
    """Tell the rows of which there is no figure."""
    told = {name: row.result if row else "not measured" for name, row in rows.items()}
    lines = [f"- `{name}`: {why}" for name, why in told.items() if isinstance(why, str)]
    return ["## What there is no figure of", "", *lines, ""] if lines else []


def _beside(results: Mapping[str, Outcome | Curve], yardsticks: Mapping[str, Yardstick]
            ) -> list[str]:
    """Tell of each figure that has a yardstick from outside how it stands."""
    found = [(name, result, verdict) for name, result in results.items()
             for verdict in result.verdicts if verdict.beside]
    words = [standing(verdict).split()[0].strip(",") for _, _, verdict in found]
    return [
        "## Beside others: ahead or behind", "",
        f"Of {len(found)} figures that have a yardstick from outside, flexdb is ahead in "
        f"{words.count('ahead')}, even in {words.count('even')} and behind in "
        f"{words.count('behind')}. Where it is behind, the last column says where to read what the "
        "rest is made of.", "",
        *_table(["Row", "Beside", "Figure", "Is", "Least to most", "flexdb is", "Why"], [
            [_named(result), verdict.beside, verdict.text, *_figures(verdict), standing(verdict),
             _why(verdict, yardsticks[name])] for name, result, verdict in found])]


def _named(result: Outcome | Curve) -> str:
    return f"The cost of a call {result.title}" if isinstance(result, Curve) else result.title


def _why(verdict: Verdict, yardstick: Yardstick) -> str:
    if not verdict.is_behind:
        return ""
    if not yardstick.profile:
        return _UNEXPLAINED
    return f"[{yardstick.profile.replace('-', ' ')}]({_PAGE}#{yardstick.profile})"


def _figures(verdict: Verdict) -> list[str]:
    return [f"{verdict.value:.2f}", f"{verdict.least:.2f}–{verdict.most:.2f}"]


def _took(row: Measured, under: Mapping[str, str]) -> str:
    """Tell how long a row took, and where it was measured under other circumstances."""
    other = [f"{name}: {text}" for name, text in row.under.items() if under.get(name) != text]
    elsewhere = f" Measured on {'; '.join(other)}." if other else ""
    return f"It took {row.seconds:.0f} s.{elsewhere}"


def _points(curve: Curve) -> Iterable[list[str]]:
    for place in sorted({place for line in curve.lines.values() for place in line}):
        samples = [line.get(place) for line in curve.lines.values()]
        yield [f"{place:,}", *(f"{figure:,.0f}" if figure else "" for sample in samples for figure
                               in ((sample.rate, sample.service, sample.postgres) if sample
                                   else (0, 0, 0)))]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]
