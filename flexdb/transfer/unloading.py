"""The nodes of a type out of a tenant: as rows of CSV, as a JSON array, or a line each."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator, Iterator, Sequence
from typing import Any, NamedTuple

import orjson
from marshmallow import ValidationError
from msgspec import Raw

from flexdb.config import Settings
from flexdb.context import Context
from flexdb.contract.violations import by_path
from flexdb.db.copy import Export, exporting
from flexdb.documents import text as json_text
from flexdb.documents.paths import split_list
from flexdb.errors import InvalidParams
from flexdb.operations import nodes
from flexdb.query.filters import condition
from flexdb.query.parameters import FILTER
from flexdb.sql.loader import filled
from flexdb.transfer.calls import calling
from flexdb.transfer.cells import Cell, line_of, safe_text, to_cell
from flexdb.transfer.files import writing
from flexdb.transfer.kinds import kinds_at, names_in
from flexdb.transfer.rows import OWN, Format, check_places, nested, place_of
from flexdb.wording import number_of

logger = logging.getLogger(__name__)

# How many members a type's data may have to be columns that nobody chose.
MOST_COLUMNS = 1000


class Shape(NamedTuple):
    """Which nodes are written, and how.

    :param form: how the file is written
    :param filter: the JSON text of a filter; "" for all nodes
    :param fields: the columns, separated by commas; "" for all
    :param delimiter: what stands between the cells of CSV
    :param safe: whether no cell may be what a spreadsheet takes for a formula
    """

    form: Format
    filter: str = ""
    fields: str = ""
    delimiter: str = ","
    safe: bool = False


class TypeRows(NamedTuple):
    """The nodes of a type of a tenant: their ids, and the type's schema as parsed."""

    tenant_id: str
    node_type_id: str
    schema: Any


class _CellColumn(NamedTuple):
    """A column: its name, where in a node it stands, and what the schema lets it be."""

    name: str
    place: tuple[str, ...]
    kinds: frozenset[str] | None


def export_rows(settings: Settings, tenant: str, node_type: str, output: str | None, shape: Shape
                ) -> None:
    """Write the nodes of a type, as they were at one moment, in the order they were created in.

    :param tenant: its id or slug
    :param node_type: its id or name
    :param output: the file's name, gzipped when it ends in ``.gz``; None for standard output
    :raises OSError: when the file cannot be written
    :raises InvalidParams: when the filter or a field is wrong
    :raises NotFound: when there is no such tenant or type
    :raises NotReachable: when PostgreSQL does not answer
    """
    with calling(settings, tenant, node_type) as calls:
        found = TypeRows(calls.tenant_id, calls.node_type_id, calls.schema)
        wanted = _condition(calls.context, shape.filter)
    from tqdm import tqdm
    count = 0
    with exporting(settings, calls.tenant_id) as export:
        head, rows, tail = _pieces(export, found, shape, *wanted)
        to_terminal = output is None and sys.stdout.isatty()
        with writing(output) as file, tqdm(unit=" rows", unit_scale=True,
                                           disable=to_terminal or None) as bar:
            file.write(head)
            for text in rows:
                file.write(text)
                bar.update()
                count += 1
            file.write(tail if count or shape.form == "json" else b"")
    logger.info("Exported %s", number_of(count, "row"))


def stream_rows(settings: Settings, context: Context, found: TypeRows, shape: Shape
                ) -> Generator[bytes, None, None]:
    """Give the text of such a file piece by piece; a connection is held until it is all given.

    It is given up when some rows take, or nobody takes any for, as long as LONG_TIMEOUT.

    :param context: in which the filter is read
    :raises InvalidParams: at the first piece, when the filter or a field is wrong
    :raises NotReachable: when PostgreSQL does not answer
    """
    wanted = _condition(context, shape.filter)
    with exporting(settings, found.tenant_id, settings.long_timeout) as export:
        head, rows, tail = _pieces(export, found, shape, *wanted)
        yield head
        is_empty = True
        for text in rows:
            yield text
            is_empty = False
        yield b"" if is_empty and shape.form != "json" else tail


def _pieces(export: Export, found: TypeRows, shape: Shape, wanted: str, arguments: dict[str, Any]
            ) -> tuple[bytes, Iterator[bytes], bytes]:
    """Return what stands before the rows, the rows with what stands between, and what behind."""
    arguments = arguments | {"tenant_id": found.tenant_id, "node_type_id": found.node_type_id,
                             "most": MOST_COLUMNS + 1}
    columns = _columns(export, found.schema, shape, wanted, arguments)
    head, between, tail = _frame(columns, shape)
    write = _csv if shape.form == "csv" else _json

    def rows() -> Iterator[bytes]:
        before = b""
        for id, data in export.rows(filled("export_nodes", "value", wanted), arguments):
            yield before + write(id, data.encode(), columns, shape)
            before = between

    return head, rows(), tail


def _condition(context: Context, filter: str) -> tuple[str, dict[str, Any]]:
    if not filter:
        return "TRUE", {}
    try:
        asked = FILTER().deserialize(filter, "filter", {}, context=context)
    except ValidationError as error:
        raise InvalidParams(fields=by_path(ValidationError({"filter": error.messages}))) from None
    return condition(asked, nodes.MEMBERS, "n")


def _columns(export: Export, schema: Any, shape: Shape, wanted: str, arguments: dict[str, Any]
             ) -> list[_CellColumn]:
    """Return the chosen columns, or all that there are."""
    names = split_list(shape.fields) if shape.fields else []
    if not names and shape.form != "csv":
        names = ["id", "data"]
    elif not names:
        there = {name for name, in export.rows(filled("get_data_members", "value", wanted),
                                               arguments)}
        if len(there) > MOST_COLUMNS:
            raise InvalidParams(f"the data has more than {MOST_COLUMNS:,} members: choose some "
                                "with --fields, or another format")
        known = [name for name in names_in(schema) if name in there]
        names = ["id", *map(_column_of, [*known, *sorted(there.difference(known))])]
    try:
        places = [(name, place_of(name)) for name in names]
    except ValueError as error:
        raise InvalidParams(f"one of the fields {', '.join(names)[:1000]} {error}") from None
    check_places(places)
    return [_CellColumn(name, place, kinds_at(schema, place[1:])) for name, place in places]


def _column_of(member: str) -> str:
    """Return the name of the column of a member of data."""
    if not member or "." in member or member.startswith('"'):
        return orjson.dumps(member).decode()
    return f"data.{member}" if member in ("id", "data") or member in OWN else member


def _frame(columns: list[_CellColumn], shape: Shape) -> tuple[bytes, bytes, bytes]:
    """Return what stands before the rows, between two of them, and behind."""
    if shape.form == "csv":
        names = (safe_text(column.name) if shape.safe else column.name for column in columns)
        return line_of(map(Cell, names), shape.delimiter), b"", b""
    return (b"[\n", b",\n", b"\n]\n") if shape.form == "json" else (b"", b"\n", b"\n")


def _csv(id: str, data: bytes, columns: list[_CellColumn], shape: Shape) -> bytes:
    return line_of((Cell(id) if column.place == ("id",) else
                    to_cell(_at(data, column.place[1:]), column.kinds, shape.safe)
                    for column in columns), shape.delimiter)


def _json(id: str, data: bytes, columns: list[_CellColumn], shape: Shape) -> bytes:
    places = [column.place for column in columns]
    found = {place: Raw(value) for place in places
             if place[0] == "data" and (value := _at(data, place[1:])) is not None}
    members = []
    if ("id",) in places:
        members.append(b'"id":"%b"' % id.encode())
    if len(places) > len(members):
        members.append(b'"data":%b' % (data if ("data",) in places else nested(found)))
    return b"{%b}" % b",".join(members)


def _at(data: bytes, parts: Sequence[str]) -> bytes | None:
    """Return the JSON text at a place in data; None where there is none."""
    for name in parts:
        found = json_text.members(data).get(name) if data.startswith(b"{") else None
        if found is None:
            return None
        data = bytes(found)
    return data
