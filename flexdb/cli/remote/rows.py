"""Rows that stand in a file, as CSV, JSON or NDJSON, and how text in CSV is read and kept safe."""

from __future__ import annotations

import csv
import io
import json
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from flexdb.cli.failures import Failure
from flexdb.cli.remote.failures import REFUSED
from flexdb.cli.remote.text import read_json, visible

FORMS = ("csv", "json", "ndjson")
# What a spreadsheet takes for a formula, or for what stands before one.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LONGEST_CELL = 64 * 1024 * 1024


def rows_of(file: str | None, form: str | None, schema: Any) -> Iterator[dict[str, Any]]:
    """Give the rows of a file as objects.

    A cell of CSV is text, or JSON where the member of its column may not be text by the schema; an
    empty one is none.

    :param file: its name, of a gzipped one with .gz at its end; standard input when absent or -
    :param form: one of ``FORMS``; by the file's name when absent, or else ndjson
    :param schema: that of the type
    :raises Failure: saying which line is wrong
    """
    suffix = Path((file or "").lower().removesuffix(".gz")).suffix[1:]
    form = form or {"csv": "csv", "tsv": "csv", "json": "json"}.get(suffix, "ndjson")
    with _opened(file) as stream:
        if form == "csv":
            yield from _of_csv(stream, schema, "\t" if suffix == "tsv" else ",")
        elif form == "json":
            found = _json(stream.read(), "the file")
            if not isinstance(found, list):
                raise _refused("the file holds no array of objects")
            for place, one in enumerate(found, 1):
                yield _object(one, f"row {place}")
        else:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield _object(_json(line.rstrip("\r\n"), f"line {number}"), f"line {number}")


def safe(value: Any) -> Any:
    """Return a text with ' before what a spreadsheet would run; anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


@contextmanager
def _opened(file: str | None) -> Iterator[IO[str]]:
    try:
        if file in (None, "-"):
            # As a file is read: spreadsheets begin with a mark of the order of bytes.
            if isinstance(sys.stdin, io.TextIOWrapper):
                sys.stdin.reconfigure(encoding="utf-8-sig", newline="")
            yield sys.stdin
        else:
            import gzip
            open_it = gzip.open if str(file).lower().endswith(".gz") else open
            with open_it(str(file), "rt", encoding="utf-8-sig", newline="") as stream:
                yield cast("IO[str]", stream)
    except UnicodeDecodeError:
        raise _refused("the file is no text in UTF-8") from None
    except (EOFError, zlib.error) as error:
        raise _refused(f"the file is cut off or damaged: {error}") from None


def _of_csv(stream: IO[str], schema: Any, delimiter: str) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(_LONGEST_CELL)
    properties = schema.get("properties") if isinstance(schema, dict) else None
    members = properties if isinstance(properties, dict) else {}
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
        if twice := sorted(name for name in {*names} if names.count(name) > 1):
            raise _refused(f"line 1: two columns are called {twice[0]!r}")
        for cells in reader:
            if len(cells) > len(names):
                raise _refused(f"line {reader.line_num}: there are more cells than columns")
            yield {name: _value(cell, members.get(name))
                   for name, cell in zip(names, cells) if cell != ""}
    except csv.Error as error:
        raise _refused(f"line {reader.line_num}: {error}") from None


def _value(cell: str, schema: Any) -> Any:
    """Return what a cell means: what is no JSON is told by the service, with its row."""
    types = schema.get("type") if isinstance(schema, Mapping) else None
    if types is None or "string" in (types if isinstance(types, list) else [types]):
        return cell
    try:
        return read_json(cell)
    except ValueError:
        return cell


def _json(text: str, place: str) -> Any:
    try:
        return read_json(text)
    except json.JSONDecodeError as error:
        # Of a line within the file, a line within that would be taken for one of the file.
        where = f"line {error.lineno}, " if "\n" in text else ""
        raise _refused(f"{place} is no JSON: {error.msg}, at {where}character {error.colno}"
                       ) from None
    except ValueError as error:
        raise _refused(f"{place} is no JSON: {error}") from None


def _object(found: Any, place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise _refused(f"{place} holds no object")
    return found


def _refused(message: str) -> Failure:
    return Failure(visible(message), REFUSED)
