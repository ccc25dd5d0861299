"""Rows that are refused: in a file, to be mended and come again, or a line told of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import orjson

from flexdb.documents import text as json_text
from flexdb.transfer.cells import Cell, line_of
from flexdb.transfer.files import MOST_TOLD
from flexdb.transfer.rows import LINE, OWN, REASON, TEXT, Row, RowReader


class Refusals:
    """Tells of rows that are refused: in a file, or else the first of them line by line."""

    def __init__(self, reader: RowReader, file: BinaryIO | None) -> None:
        self._reader, self._file = reader, file
        self._total = 0

    def add(self, row: Row, why: str) -> None:
        """Tell of a row, and why it is refused."""
        self._total += 1
        if self._file is None:
            if self._total <= MOST_TOLD:
                print(f"line {row.number}: {why}")
            elif self._total == MOST_TOLD + 1:
                print("and more, which --refused FILE would keep")
            return
        if isinstance(row.given, list):
            if self._total == 1:
                self._file.write(self._line([Cell(LINE), Cell(REASON), *self._kept(
                    self._reader.header)]))
            self._file.write(self._line([Cell(str(row.number)), Cell(why), *self._kept(row.given)]))
            return
        try:
            given: dict[str, Any] = {name: orjson.Fragment(bytes(value)) for name, value
                     in json_text.members(row.given).items() if name not in (LINE, REASON)}
        except ValueError:
            given = {TEXT: bytes(row.given).decode(errors="replace")}
        self._file.write(orjson.dumps({LINE: row.number, REASON: why} | given) + b"\n")

    def _kept(self, cells: list[Cell]) -> list[Cell]:
        """Return cells without those that told why the row was refused before."""
        told = {place for place, of in enumerate(self._reader.header) if of.text in OWN}
        # A record that is none is a cell by itself.
        return [cell for place, cell in enumerate(cells) if place not in told or len(cells) == 1]

    def _line(self, cells: Iterable[Cell]) -> bytes:
        return line_of(cells, self._reader.delimiter)
