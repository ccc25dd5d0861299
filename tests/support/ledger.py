"""What one client may expect of its rows: all that was acknowledged, and nothing that was refused.

A row is written by one client alone, so its state is known at every moment. A write whose fate is
not known leaves two states possible; the row is then not written again, since such a write may
still be on its way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4


class State(NamedTuple):
    """A row that is there: its value, and its version, which shows a write that was done twice."""

    value: int
    version: int


@dataclass
class Row:
    """A row as its writer knows it.

    :param key: its name in ``data``, known even when its id is not
    :param possible: what it may be; None stands for its absence
    """

    key: str
    id: str = field(default_factory=lambda: str(uuid4()))
    possible: frozenset[State | None] = frozenset({None})

    @property
    def state(self) -> State | None:
        """Return what the row is, where that is certain."""
        (state,) = self.possible
        return state


class Write(NamedTuple):
    """A change that a client asks for."""

    row: Row
    after: State | None


class Ledger:
    """The rows of one client."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[str, Row] = {}
        self.doubtful: list[list[tuple[Write, State | None]]] = []
        self._number = 0

    def new(self) -> Row:
        """Return a row that is yet to be created."""
        self._number += 1
        row = Row(f"{self.name}-{self._number}")
        self.rows[row.key] = row
        return row

    def value(self) -> int:
        """Return a value that was never written."""
        self._number += 1
        return self._number

    def living(self) -> list[Row]:
        """Return the rows that are certainly there."""
        return [row for row in self.rows.values()
                if len(row.possible) == 1 and row.state is not None]

    def done(self, writes: list[Write]) -> None:
        """Note that writes were acknowledged."""
        for write in writes:
            write.row.possible = frozenset({write.after})

    def unknown(self, writes: list[Write]) -> None:
        """Note that writes, of which either all or none happen, may have happened."""
        self.doubtful.append([(write, write.row.state) for write in writes])
        for write in writes:
            write.row.possible |= {write.after}

    def wrong(self, found: Mapping[str, tuple[str, State]]) -> Iterator[str]:
        """Compare with what is in the database, and tell what is wrong.

        :param found: the id and the state of every row whose key is this client's
        """
        for key in found.keys() - self.rows.keys():
            yield f"{key} is there and was never asked for"
        for key, row in self.rows.items():
            id, state = found.get(key, (row.id, None))
            if id != row.id or state not in row.possible:
                yield f"{key} is {state}, and may only be {set(row.possible)}"
        for group in self.doubtful:
            happened = {(found[write.row.key][1] if write.row.key in found else None)
                        == write.after for write, _ in group}
            if len(happened) > 1:
                yield f"a transaction was done in part: {group}"
