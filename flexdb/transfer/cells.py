"""The cells of a CSV file (RFC 4180), and the JSON that stands in them.

An empty cell leaves its member out, one of two quotes is the empty text, and ``\\N`` is null. A
cell in quotes is text wherever that may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson
from marshmallow import ValidationError

from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.transfer.lines import LineFile

NULL = "\\N"
MARK = b"\xef\xbb\xbf"
# The longest record: a quote that is never closed is told, and not read on to the file's end.
LONGEST = 64 * 1024 * 1024
# How many cells a record may have: in a file that is packed they cost next to nothing.
MOST_CELLS = 10_000
_BOOLEANS = {"true": b"true", "false": b"false"}
_QUOTED = '"(?:[^"]|"")*"'
# What a spreadsheet takes for a formula, or for what stands before one.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_TEXT = frozenset(("string",))
_TOO_MANY = f"has more than {MOST_CELLS:,} cells"


class Cell(NamedTuple):
    """A cell as it stands in a file.

    :param quoted: whether it stood in quotes
    """

    text: str
    quoted: bool = False


class Record(NamedTuple):
    """A record of a file.

    :param number: that of its first line, from 1
    :param wrong: why it is none, in place of cells; these hold the text as it stands
    """

    number: int
    cells: list[Cell]
    wrong: str = ""


def records(file: LineFile, delimiter: str, longest: int = LONGEST) -> Iterator[Record]:
    """Give the records of a file; empty lines are none.

    :param file: in UTF-8, perhaps with a byte order mark
    :param delimiter: what stands between cells, one character
    :param longest: how many bytes a record may have
    :raises InvalidParams: when a record does not end
    """
    between = re.escape(delimiter)
    cell = re.compile(rf"({_QUOTED}|[^\"{between}]*)({between}|\Z)")
    number = 0
    while text := file.readline(longest):
        first, quotes = number + 1, text.count(b'"')
        lines = [text]
        size = len(text)
        while quotes % 2 and size < longest and (text := file.readline(longest - size)):
            lines.append(text)
            size += len(text)
            quotes += text.count(b'"')
        number += len(lines)
        if size >= longest:
            raise InvalidParams(f"line {first} begins a record of more than {longest:,} bytes: is "
                                "there a quote that is not closed?")
        whole = b"".join(lines).rstrip(b"\r\n")
        if first == 1:
            whole = whole.removeprefix(MARK)
        if whole:
            yield _split(first, whole, delimiter, cell, quotes % 2 == 1)


def _split(number: int, whole: bytes, delimiter: str, cell: re.Pattern[str], is_open: bool
           ) -> Record:
    try:
        text = whole.decode()
    except UnicodeDecodeError:
        return Record(number, [Cell(whole.decode(errors="replace"))], "is not UTF-8")
    if is_open:
        return Record(number, [Cell(text)], "has a quote that is not closed")
    if '"' not in text:
        if text.count(delimiter) >= MOST_CELLS:
            return Record(number, [Cell(text)], _TOO_MANY)
        return Record(number, [Cell(one) for one in text.split(delimiter)])
    cells, place = [], 0
    while True:
        found = cell.match(text, place)
        if found is None:
            return Record(number, [Cell(text)], 'has a quote within a cell: a cell with quotes '
                          'stands in quotes, and each of them is written twice ""')
        quoted = found[1].startswith('"')
        cells.append(Cell(found[1][1:-1].replace('""', '"') if quoted else found[1], quoted))
        if not found[2]:
            return Record(number, cells)
        if len(cells) == MOST_CELLS:
            return Record(number, [Cell(text)], _TOO_MANY)
        place = found.end()


def to_json(cell: Cell, kinds: frozenset[str] | None) -> bytes | None:
    """Return the JSON text of a cell, or None where it leaves its member out.

    :param kinds: which kinds of JSON values the schema lets it be; None for any, which is text
    :raises marshmallow.ValidationError: when it is none of them
    """
    text, quoted = cell
    if not quoted and text in ("", NULL):
        return b"null" if text else None
    may_be_text = kinds is None or "string" in kinds
    if may_be_text and (quoted or kinds is None or kinds <= _TEXT | {"null"}):
        return orjson.dumps(text)
    assert kinds is not None
    if (found := _typed(text.strip(), kinds)) is not None:
        return found
    if may_be_text:
        return orjson.dumps(text)
    wanted = " or ".join(sorted(kinds - {"null"})) or "null"
    raise ValidationError(f"must be {'an' if wanted[0] in 'aio' else 'a'} {wanted}, not "
                          f"{text[:64] or 'an empty text'}")


def _typed(text: str, kinds: frozenset[str]) -> bytes | None:
    """Return the JSON text of a value that is no text, where it is one of some kinds."""
    if "boolean" in kinds and (boolean := _BOOLEANS.get(text.lower())):
        return boolean
    if kinds & {"integer", "number"} and json_text.NUMBER.fullmatch(text):
        return text.encode()
    for kind, beginning in (("array", "["), ("object", "{")):
        if kind in kinds and text.startswith(beginning):
            try:
                json_text.parse(text.encode())
            except ValueError:
                return None
            return text.encode()
    return None


def to_cell(value: bytes | None, kinds: frozenset[str] | None, safe: bool = False) -> Cell:
    """Return the cell of a JSON value.

    :param value: its text; None where there is none
    :param kinds: as for :func:`to_json`, which makes the value of the cell again
    :param safe: whether no text may be what a spreadsheet takes for a formula
    """
    if value is None:
        return Cell("")
    if value == b"null":
        return Cell(NULL)
    if not value.startswith(b'"'):
        return Cell(value.decode())
    text = safe_text(orjson.loads(value)) if safe else orjson.loads(value)
    is_mixed = kinds is not None and not kinds <= _TEXT | {"null"}
    return Cell(text, is_mixed or text in ("", NULL))


def safe_text(text: str) -> str:
    """Return a text with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def line_of(cells: Iterable[Cell], delimiter: str = ",") -> bytes:
    """Return the line of cells, each in quotes where it needs them."""
    return delimiter.join(_written(cell, delimiter) for cell in cells).encode(
        errors="replace") + b"\r\n"


def _written(cell: Cell, delimiter: str) -> str:
    text, quoted = cell
    if quoted or text != text.strip() or any(one in text for one in (delimiter, '"', "\n", "\r")):
        return '"{}"'.format(text.replace('"', '""'))
    return text
