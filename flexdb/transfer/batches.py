"""Rows made nodes by as few calls as may be, without those that the calls refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, NotFound
from flexdb.transfer.rows import Row

# What one call takes: so many rows, or so many bytes of data, or of cells, which are kept along
# with it.
ROWS, BYTES, CELLS = 1000, 2 * 1024 * 1024, 500_000
_PLACE = re.compile(r"nodes\.(\d+)(?:\.(.+))?")


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Give rows in lists, each of which one call takes."""
    chunk: list[Row] = []
    size = cells = 0
    for row in rows:
        if chunk and (len(chunk) == ROWS or size + len(row.data) > BYTES or cells > CELLS):
            yield chunk
            chunk, size, cells = [], 0, 0
        chunk.append(row)
        size += len(row.data)
        cells += len(row.given) if isinstance(row.given, list) else 0
    if chunk:
        yield chunk


def load(rows: list[Row], call: Callable[[list[Row]], None]) -> dict[int, str]:
    """Load rows in one call, or without those that it names; else one half after the other.

    :param call: makes nodes of rows, all or none
    :return: why rows were refused, by their number
    :raises FlexdbError: when nothing more can be loaded
    """
    refused: dict[int, str] = {}
    while rows:
        try:
            call(rows)
            break
        except (AlreadyExists, InvalidParams, NotFound) as error:
            if "key" in error.data.get("fields", {}):
                raise
            wrong = _wrong_places(error)
            if not wrong and len(rows) > 1:
                half = len(rows) // 2
                return refused | load(rows[:half], call) | load(rows[half:], call)
            wrong = wrong or {0: str(error)}
            refused |= {rows[place].number: why for place, why in wrong.items()}
            rows = [row for place, row in enumerate(rows) if place not in wrong]
    return refused


def _wrong_places(error: FlexdbError) -> dict[int, str]:
    """Return the places of the items that an error names, with what is wrong with them."""
    found: dict[int, str] = {}
    for violation in error.data.get("violations", ()):
        found.setdefault(violation["index"], f"violates the node type's schema at "
                         f"{violation['path'] or 'its top'}: {violation['message']}")
    for name, words in error.data.get("fields", {}).items():
        if place := _PLACE.fullmatch(name):
            found.setdefault(int(place[1]), f"{place[2] or ''} {'; '.join(words)}".strip())
    return found
