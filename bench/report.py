"""What was measured, as text for the terminal and as Markdown."""

from __future__ import annotations

from bench.load import Sample
from bench.measure import Outcome, Verdict

_HEAD = ("calls/s", "p50 ms", "p99 ms", "service µs", "PostgreSQL µs", "load µs", "failed ‰")


def table(outcome: Outcome) -> str:
    """Return a row for the terminal."""
    lines = [outcome.title.replace("`", "").ljust(40) + "".join(f"{name:>14}" for name in _HEAD)]
    lines += [f"  {name:38}" + "".join(f"{cell:>14}" for cell in cells(sample))
              for name, sample in outcome.samples.items()]
    lines += [f"  {told(verdict)}" for verdict in outcome.verdicts]
    return "\n".join(lines) + "\n"


def cells(sample: Sample) -> list[str]:
    """Return the figures of a sample in the order of the head."""
    return [f"{sample.rate:,.0f}"] + [
        "" if time is None else f"{time:.2f}" for time in (sample.p50, sample.p99)] + [
        f"{cost:,.1f}" if cost else "" for cost in sample[3:6]] + [f"{sample.failed:.0f}"]


def told(verdict: Verdict) -> str:
    """Return a verdict in words."""
    limit = ""
    if verdict.limit is not None:
        sign = "at least" if verdict.at_least else "at most"
        limit = f", must be {sign} {verdict.limit:g}: {'reached' if verdict.reached else 'MISSED'}"
    return (f"{verdict.text}: {verdict.value:.2f} ({verdict.least:.2f} to {verdict.most:.2f})"
            f"{limit}")
