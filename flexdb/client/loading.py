"""What comes of loading many rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from flexdb.client.failures import ServiceError
from flexdb.client.reasons import TooLarge

OnError = Literal["raise", "collect"]
Progress = Callable[["LoadReport"], None]


@dataclass
class RefusedRow:
    """A row that the service refused.

    :param place: which one it is, from 0
    :param row: as it was given
    :param error: why, among what is wrong with others
    :param problems: what is wrong with it
    """

    place: int
    row: Any
    error: ServiceError
    problems: dict[str, list[str]]


@dataclass
class LoadReport:
    """What came of loading rows.

    :param ids: the id of each row in its place; None for one that was refused
    :param refused: those that were
    """

    ids: list[str | None] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)

    @property
    def created(self) -> int:
        """How many there are now."""
        return len(self.ids) - len(self.refused)


def problems_by_row(error: ServiceError, member: str) -> dict[int, dict[str, list[str]]]:
    """Return what is wrong with each row of those that were sent, by its place among them.

    :param member: the parameter that has them
    """
    if isinstance(error, TooLarge):
        return {0: {"": [error.message]}}
    found: dict[int, dict[str, list[str]]] = {}
    for name, problems in error.fields.items():
        if told := re.match(rf"{member}\.(\d+)\.?(.*)", name):
            found.setdefault(int(told[1]), {})[told[2]] = problems
    # What does not fit a schema is told as of a record by itself, and of each place in it.
    for row, violations in groupby(error.violations, lambda one: one.get("index")):
        if isinstance(row, int) and "data" in found.get(row, ()):
            wrong = found[row]["data"][0]
            found[row]["data"] = [f"{wrong} at {one['path']}: {one['message']}" if one["path"]
                                  else f"{wrong}: {one['message']}" for one in violations]
    return found
