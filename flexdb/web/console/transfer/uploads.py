"""Files that are sent to become records: what they are, and how their rows are read."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, cast
from uuid import UUID

from flask import request
from werkzeug.datastructures import FileStorage

from flexdb.contract.fields import is_uuid
from flexdb.contract.ids import new_id
from flexdb.errors import InvalidParams
from flexdb.transfer.rows import FORMATS, GZIP, Format, Row, RowReader, form_of

_NUMBER = re.compile("[0-9]{1,12}", re.ASCII)
# How much one upload may unpack to, in bytes.
_MOST = 64 * 1024 * 1024
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}


class Upload(NamedTuple):
    """A file, or a piece of one, and how it is to be read.

    :param columns: by names of columns, the members that they are
    :param key: what the ids of rows are made of that have none
    :param first: the number of the line, or of the item, that it begins with
    :param head: what stands before each piece of CSV: the line with the names of the columns
    """

    file: BinaryIO
    form: Format
    delimiter: str
    columns: dict[str, str]
    key: str
    first: int = 1
    head: bytes = b""

    def reader(self, schema: Any, max_depth: int, longest: int) -> RowReader:
        """Return what reads its rows."""
        return RowReader(self.form, self.columns, schema, max_depth, self.delimiter, longest)

    def rows(self, reader: RowReader) -> Iterator[Row]:
        """Give the rows, numbered as in the whole file.

        :raises InvalidParams: when it is no such file
        """
        before = self.first - 1 - self.head.count(b"\n")
        return (row._replace(number=row.number + before) for row in reader.rows(self.file))


def uploaded() -> Upload:
    """Return what a form sent.

    :raises InvalidParams: saying what is missing or wrong
    """
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise InvalidParams(fields={"file": ["is missing: choose one"]})
    form, key = request.form.get("format", ""), request.form.get("key", "") or new_id()
    first, head = request.form.get("first", "1"), request.form.get("head", "")
    if form and form not in FORMATS:
        raise InvalidParams(fields={"format": [f"must be one of {', '.join(FORMATS)}"]})
    if not is_uuid(key):
        raise InvalidParams(fields={"key": ["must be a UUID"]})
    if not _NUMBER.fullmatch(first):
        raise InvalidParams(fields={"first": ["must be the number of a line"]})
    form = form or form_of(sent.filename)
    file = _unpacked(sent)
    text = head.encode() if form == "csv" else b""
    delimiter = request.form.get("delimiter", "") or _delimiter(
        text or file.peek(4096))
    if delimiter not in DELIMITERS:
        raise InvalidParams(fields={"delimiter": ["must be a comma, a semicolon or a tab"]})
    names = zip(request.form.getlist("column"), request.form.getlist("member"))
    return Upload(cast(BinaryIO, _Joined(text, file)) if text else file, form, delimiter,
                  {column: member.strip() for column, member in names if column != member.strip()},
                  key.lower(), int(first), text)


def _delimiter(text: bytes) -> str:
    """Return what stands between the cells, by the first line."""
    line = text.split(b"\n")[0].decode(errors="replace")
    return max(DELIMITERS, key=lambda one: (line.count(one), one == ","))


def _unpacked(sent: FileStorage) -> io.BufferedReader:
    is_packed = sent.stream.read(2) == GZIP
    sent.stream.seek(0)
    return io.BufferedReader(
        _Bounded(gzip.GzipFile(fileobj=sent.stream) if is_packed else sent.stream), 1 << 16)


class _Bounded(io.RawIOBase):
    """A file of which no more is read than may be."""

    def __init__(self, file: Any) -> None:
        self._file, self._left = file, _MOST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            read = self._file.read(len(buffer))
        except (OSError, EOFError, zlib.error):
            raise InvalidParams("the file is gzipped, and ends or goes on as no such file does"
                                ) from None
        self._left -= len(read)
        if self._left < 0:
            raise InvalidParams(f"the file unpacks to more than {_MOST:,} bytes: send it in "
                                "parts, or use the command import")
        buffer[:len(read)] = read
        return len(read)


class _Joined:
    """A text and the file behind it, line by line."""

    def __init__(self, text: bytes, file: BinaryIO) -> None:
        self._before, self._file = io.BytesIO(text), file

    def readline(self, size: int) -> bytes:
        return self._before.readline(size) or self._file.readline(size)


def row_id(key: str, number: int) -> str:
    """Return the id that the row with a number has in every try: of version 7, in the file's order.

    :param key: a UUID of version 7, whose time it has, and whose last bits
    """
    whole = UUID(key).int
    return str(UUID(int=whole >> 80 << 80 | 7 << 76 | (number >> 32 & 0xFFF) << 64 | 0b10 << 62
                    | (number & 0xFFFFFFFF) << 30 | whole & (1 << 30) - 1))
