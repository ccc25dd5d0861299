"""What was measured, kept from run to run: a file for each row, from which the report is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.growth import Curve
from bench.load import Sample
from bench.measure import Outcome, Verdict


class Measured(NamedTuple):
    """What came of a row.

    :param under: the circumstances, by their names
    :param seconds: how long it took, with all that it had to make before
    :param load: the load average before it
    :param result: what it showed; of one that failed, how
    """

    under: dict[str, str]
    seconds: float
    load: float
    result: Outcome | Curve | str


class Kept:
    """The rows that were measured.

    :param folder: where they are kept
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def forget(self) -> None:
        """Forget all rows."""
        for file in self.folder.glob("*.json"):
            file.unlink()

    def put(self, name: str, measured: Measured) -> None:
        """Keep what came of a row, in place of what came of it before."""
        kind = type(measured.result).__name__
        text = json.dumps([kind, *measured], indent=1, ensure_ascii=False)
        self._file(name).write_text(text, encoding="utf-8")

    def get(self, name: str) -> Measured | None:
        """Return what came of a row; None if it was not measured."""
        if not self._file(name).exists():
            return None
        kind, under, seconds, load, result = json.loads(
            self._file(name).read_text(encoding="utf-8"))
        return Measured(under, seconds, load, _READERS[kind](result))

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _outcome(result: Any) -> Outcome:
    title, samples, verdicts, notes = result
    return Outcome(title, {name: Sample(*figures) for name, figures in samples.items()},
                   _verdicts(verdicts), notes)


def _curve(result: Any) -> Curve:
    title, along, lines, verdicts = result
    return Curve(title, along, {name: _points(points) for name, points in lines.items()},
                 _verdicts(verdicts))


def _points(points: Mapping[str, Any]) -> dict[int, Sample]:
    # Of JSON's objects all names are texts.
    return {int(place): Sample(*figures) for place, figures in points.items()}


def _verdicts(verdicts: Any) -> list[Verdict]:
    return [Verdict(*parts) for parts in verdicts]


_READERS: dict[str, Callable[[Any], Outcome | Curve | str]] = {
    "Outcome": _outcome, "Curve": _curve, "str": str}
