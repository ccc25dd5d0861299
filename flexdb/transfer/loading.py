"""Rows of a file into a node type, through the calls that create nodes."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from os.path import exists, samefile
from typing import Any, BinaryIO, NamedTuple

import orjson

from flexdb.config import Settings
from flexdb.documents import text as json_text
from flexdb.errors import AlreadyExists, FlexdbError, InvalidParams, NotFound
from flexdb.transfer.calls import TypeCalls, calling
from flexdb.transfer.cells import Cell, line_of
from flexdb.transfer.files import MOST_TOLD, reading
from flexdb.transfer.rows import LINE, OWN, REASON, TEXT, Format, Row, RowReader

logger = logging.getLogger(__name__)

# What one call takes: so many rows, or so many bytes of data.
_ROWS, _BYTES = 1000, 2 * 1024 * 1024
_PLACE = re.compile(r"nodes\.(\d+)(?:\.(.+))?")


class Way(NamedTuple):
    """How a file is read and loaded.

    :param form: how the file is written
    :param columns: by names of columns, the members that they are
    :param delimiter: what stands between the cells of CSV
    :param dry_run: whether nothing is to stay
    :param key: by which member of x-unique, or by ``id``, a node is known that is changed where it
        is there; "" where all are to be made
    :param refused: the name of a file for the rows that are refused
    """

    form: Format
    columns: Mapping[str, str] = {}
    delimiter: str = ","
    dry_run: bool = False
    refused: str | None = None
    key: str = ""


def import_rows(settings: Settings, tenant: str, node_type: str, name: str | None, way: Way
                ) -> None:
    """Load the rows of a file into a node type; those that are refused are told, and left out.

    :param tenant: its id or slug
    :param node_type: its id or name
    :param name: the file's name, plain or gzipped; None for standard input
    :raises OSError: when a file cannot be read or written
    :raises FlexdbError: when there is no such type, the file is none of its form, or nothing more
        can be loaded; what was loaded before stays
    :raises InvalidParams: when rows were refused, with their number
    :raises NotReachable: when PostgreSQL does not answer
    """
    if name and way.refused and exists(way.refused) and samefile(name, way.refused):
        raise InvalidParams("the refused rows cannot be written to the file that is read")
    with calling(settings, tenant, node_type) as calls, ExitStack() as stack:
        file = stack.enter_context(reading(name))
        reader = RowReader(way.form, way.columns, calls.schema, calls.context.limits.max_depth,
                           way.delimiter)
        kept = stack.enter_context(open(way.refused, "wb")) if way.refused else None
        loader = _Loader(calls, way, _Refusals(reader, kept))
        try:
            for rows in _chunks(reader.rows(file)):
                loader.load(rows)
        except FlexdbError:
            if loader.done:
                logger.warning("Stopped: what stands up to line %d is done", loader.done)
            raise
        finally:
            loader.tell()
    if refused := loader.counts["refused"]:
        raise InvalidParams(f"{refused:,} of {sum(loader.counts.values()):,} rows were refused")


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    size = 0
    for row in rows:
        if chunk and (len(chunk) == _ROWS or size + len(row.data) > _BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += len(row.data)
    if chunk:
        yield chunk


class _Loader:
    """Loads rows, and counts what became of them."""

    def __init__(self, calls: TypeCalls, way: Way, refusals: _Refusals) -> None:
        self._calls, self._way, self._refusals = calls, way, refusals
        self.counts: Counter[str] = Counter()
        # The number of the row up to which all were dealt with.
        self.done = 0

    def load(self, rows: list[Row]) -> None:
        """Load rows, and refuse those that are wrong.

        :raises FlexdbError: when nothing more can be loaded
        """
        refused = {row.number: row.wrong for row in rows if row.wrong}
        self._load([row for row in rows if not row.wrong], refused)
        for row in rows:
            if row.number in refused:
                self.counts["refused"] += 1
                self._refusals.add(row, refused[row.number])
        self.done = rows[-1].number

    def tell(self) -> None:
        """Log what was done."""
        done = [f"{count:,} {what}" for what, count in self.counts.items()]
        head = "Nothing is changed, but would be" if self._way.dry_run else "Imported"
        logger.info("%s: %s", head, ", ".join(done) or "no rows: the file is empty")

    def _load(self, rows: list[Row], refused: dict[int, str]) -> None:
        """Load rows in one call, or without those that it names; else one half after the other."""
        while rows:
            try:
                self._call(rows)
                return
            except (AlreadyExists, InvalidParams, NotFound) as error:
                if "key" in error.data.get("fields", {}):
                    raise
                wrong = _wrong_places(error)
                if not wrong and len(rows) > 1:
                    half = len(rows) // 2
                    self._load(rows[:half], refused)
                    self._load(rows[half:], refused)
                    return
                wrong = wrong or {0: str(error)}
                refused |= {rows[place].number: why for place, why in wrong.items()}
                rows = [row for place, row in enumerate(rows) if place not in wrong]

    def _call(self, rows: list[Row]) -> None:
        node_type_id = self._calls.node_type_id.encode()
        items = b",".join(
            b'{"node_type_id":"%b","data":%b%b}' % (
                node_type_id, row.data, b',"id":%b' % row.id if row.id else b"") for row in rows)
        members, keep = [b'"nodes":[%b]' % items], not self._way.dry_run
        if not self._way.key:
            self._calls.call("create_nodes", members, keep)
            self.counts["created"] += len(rows)
            return
        if self._way.key != "id":
            members.append(b'"key":%b' % orjson.dumps(self._way.key))
        told = json_text.parse_stored(self._calls.call("upsert_nodes", members, keep))["outcomes"]
        self.counts.update(one["outcome"] for one in told)


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


class _Refusals:
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
