"""The rows of a file for one node type: CSV, a JSON array, or a JSON value on each line.

A row is a node. Its column ``id`` is the node's id, ``data`` all of its data, and any other a
member of that: by the path ``data.a.b``, in CSV also without the ``data.``. The columns ``$line``
and ``$reason`` are passed over, so that refused rows can be mended and come again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, get_args

import orjson
from marshmallow import ValidationError
from msgspec import Raw

from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.operations import nodes
from flexdb.query.paths import split
from flexdb.transfer import cells
from flexdb.transfer.arrays import Array
from flexdb.transfer.cells import Cell
from flexdb.transfer.kinds import kinds_at

Format = Literal["csv", "json", "ndjson"]
FORMATS: tuple[Format, ...] = get_args(Format)
# How a gzipped file begins (RFC 1952, section 2.3.1).
GZIP = b"\x1f\x8b"
# What a file's name tells of it, gzipped or not; else it is of the last format.
_FORMS: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".json": "json"}
# What stands in the rows that were refused, beside what was given.
LINE, REASON, TEXT = "$line", "$reason", "$text"
OWN = frozenset((LINE, REASON, TEXT))


def form_of(name: str) -> Format:
    """Return the format of a file, by its name."""
    return _FORMS.get(Path(name.lower().removesuffix(".gz")).suffix, "ndjson")


class Row(NamedTuple):
    """A row of a file.

    :param number: that of its first line, or of the item of an array, from 1
    :param given: what stands there, to be given back where it is refused
    :param data: the JSON text of the node's data
    :param id: the JSON text of its id; None where it has none
    :param wrong: why it is no row
    """

    number: int
    given: list[Cell] | Raw
    data: bytes = b""
    id: bytes | None = None
    wrong: str = ""


def place_of(column: str) -> tuple[str, ...]:
    """Return where in a node a column stands: ``("id",)``, or ``("data", …)``.

    :raises ValueError: when it names no place
    """
    is_whole = column in ("id", "data") or column.startswith("data.")
    name, parts = split(column if is_whole else f"data.{column}", nodes.MEMBERS)
    return name, *parts


class RowReader:
    """Reads rows.

    :param form: how the file is written
    :param columns: by names of columns, what they are in place of that; "" for nothing
    :param schema: the node type's, as parsed, which says of CSV what is no text
    :param max_depth: how deep JSON may be nested
    :param delimiter: what stands between the cells of CSV
    :param longest: how many bytes a row may have
    """

    def __init__(self, form: Format, columns: Mapping[str, str], schema: Any, max_depth: int,
                 delimiter: str = ",", longest: int = cells.LONGEST) -> None:
        self.form, self.delimiter, self.longest = form, delimiter, longest
        self.header: list[Cell] = []
        self._columns, self._schema, self._max_depth = columns, schema, max_depth

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """Give the rows of a file; blank lines, and records of empty cells alone, are none.

        :raises InvalidParams: when the file is none of that form, or a name of a column is wrong
        """
        if self.form == "csv":
            return self._of_records(file)
        texts = (Array(file, self.longest).items() if self.form == "json"
                 else _lines(file, self.longest))
        return (self._of_json(number, text) for number, text in texts)

    def _of_records(self, file: BinaryIO) -> Iterator[Row]:
        found = cells.records(file, self.delimiter, self.longest)
        first = next(found, None)
        if first is None:
            return
        if first.wrong:
            raise InvalidParams(f"line {first.number} {first.wrong}")
        self.header = first.cells
        if unknown := self._columns.keys() - {cell.text for cell in first.cells}:
            raise InvalidParams(f"there is no column {min(unknown)}: there are "
                                f"{', '.join(cell.text for cell in first.cells)[:1000]}")
        named = [(cell.text, self._place(cell.text)) for cell in first.cells]
        check_places(named)
        places = [place for _, place in named]
        kinds = [place and kinds_at(self._schema, place[1:]) for place in places]
        kinds = [frozenset(("object",)) if place == ("data",) else known
                 for place, known in zip(places, kinds)]
        for record in found:
            if any(cell.text or cell.quoted for cell in record.cells):
                yield self._of_cells(record, places, kinds)

    def _of_cells(self, record: cells.Record, places: list[tuple[str, ...] | None],
                  kinds: list[Any]) -> Row:
        number, given, wrong = record
        if not wrong and len(given) != len(places):
            wrong = f"has {len(given)} cells, where the header has {len(places)}"
        if wrong:
            return Row(number, given, wrong=wrong)
        found: dict[tuple[str, ...], Raw] = {}
        for place, cell, of, known in zip(places, given, self.header, kinds):
            if place is None:
                continue
            try:
                text = (orjson.dumps(cell.text.strip()) if place == ("id",) and cell.text
                        else cells.to_json(cell, known))
            except ValidationError as error:
                return Row(number, given, wrong=f"{of.text} {error.messages[0]}")
            if text is not None:
                found[place] = Raw(text)
        return self._row(number, given, found)

    def _of_json(self, number: int, text: bytes) -> Row:
        given = Raw(text)
        try:
            json_text.check_depth(text, self._max_depth)
            json_text.parse(text)
            members = json_text.members(text)
        except ValueError as error:
            wrong = str(error)
            return Row(number, given, wrong=wrong if wrong.startswith(("may ", "must ")) else
                       f"is not JSON: {wrong}")
        named = members.keys() - OWN
        if members and not named:
            return Row(number, given, wrong="has nothing but what tells why it was refused: put "
                                            "what was meant in its place")
        is_whole = named <= {"id", "data"} and bytes(members.get("data", b"")).startswith(b"{")
        places: list[tuple[str, tuple[str, ...] | None]] = []
        for name in members:
            if name in self._columns:
                places.append((name, self._place(name)))
            elif name in named:
                is_own = name == "id" or is_whole and name == "data"
                places.append((name, (name,) if is_own else ("data", name)))
        if self._columns:
            try:
                check_places(places)
            except InvalidParams as error:
                return Row(number, given, wrong=str(error))
        return self._row(number, given, {place: members[name] for name, place in places if place})

    def _place(self, column: str) -> tuple[str, ...] | None:
        name = self._columns.get(column, column)
        if not name or name in OWN:
            return None
        try:
            return place_of(name)
        except ValueError as error:
            raise InvalidParams(f"the column {column[:64]!r} {error}: say with --map what it is, "
                                f"as in --map {column[:64]!r}=name") from None

    def _row(self, number: int, given: Any, found: dict[tuple[str, ...], Raw]) -> Row:
        id = found.pop(("id",), None)
        data = bytes(found[("data",)]) if ("data",) in found else nested(found)
        if self.form == "csv" and (wrong := self._too_deep(data)):
            return Row(number, given, wrong=wrong)
        return Row(number, given, data, None if id is None else bytes(id))

    def _too_deep(self, data: bytes) -> str:
        try:
            json_text.check_depth(data, self._max_depth)
        except ValueError as error:
            return str(error)
        return ""


def check_places(named: Sequence[tuple[str, tuple[str, ...] | None]]) -> None:
    """Refuse columns of which two stand in one place, or one within another.

    :param named: the name of each, and its place
    :raises InvalidParams: naming one of them
    """
    taken: dict[tuple[str, ...], str] = {}
    for name, place in named:
        if place:
            if place in taken:
                raise InvalidParams(f"the column {name} is there twice")
            taken[place] = name
    for place, name in taken.items():
        for end in range(1, len(place)):
            if place[:end] in taken:
                raise InvalidParams(f"the column {name} lies within {taken[place[:end]]}")


def nested(found: Mapping[tuple[str, ...], Raw]) -> bytes:
    """Return the text of an object with values at the places below ``data``."""
    tree: dict[str, Any] = {}
    for (_, *above, last), value in found.items():
        at = tree
        for name in above:
            at = at.setdefault(name, {})
        at[last] = orjson.Fragment(bytes(value))
    return orjson.dumps(tree)


def _lines(file: BinaryIO, longest: int) -> Iterator[tuple[int, bytes]]:
    number = 0
    while text := file.readline(longest):
        number += 1
        if len(text) == longest:
            raise InvalidParams(f"line {number} is longer than {longest:,} bytes")
        text = text.removeprefix(cells.MARK) if number == 1 else text
        if not text.isspace():
            yield number, text.strip()
