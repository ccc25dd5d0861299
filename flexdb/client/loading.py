"""What comes of loading many rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from flexdb.client.failures import ServiceError

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
