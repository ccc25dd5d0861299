"""Files into a node type: looked at first, then made records, in one go or piece by piece."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import orjson
from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.contract.ids import new_id
from flexdb.documents import text as json_text
from flexdb.errors import FlexdbError, InvalidParams, NotFound
from flexdb.transfer.cells import Cell
from flexdb.transfer.kinds import kinds_at, names_in
from flexdb.transfer.rows import FORMATS, OWN, Row, RowReader, place_of
from flexdb.web.console.faults import wrong_fields
from flexdb.web.console.page import Shown, Within, page, show, within
from flexdb.web.console.transfer.loading import Taken, Taker, schema_of
from flexdb.web.console.transfer.uploads import DELIMITERS, Upload, uploaded
from flexdb.web.console.words import cut

# How many rows are shown, and tried, before anything is made; and how many columns are shown.
_SHOWN, _TRIED, _COLUMNS = 20, 100, 200


class FileColumn(NamedTuple):
    """A column of a file, the member that it becomes, and of which kind that is."""

    name: str
    member: str
    kind: str


class Preview(NamedTuple):
    """The beginning of a file as it would be taken.

    :param rows: the number of each row, and its cells
    :param tried: how many rows were tried
    :param refused: which of them would be refused, and why
    """

    columns: list[FileColumn]
    rows: list[tuple[int, list[str]]]
    tried: int
    refused: dict[int, str]
    wrong: str = ""


@page("/t/<tenant_id>/import")
def choose(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the form that asks for a file."""
    place, _ = within(calls, tenant_id)
    return _shown(place, {"type": request.args.get("type", "")})


@page("/t/<tenant_id>/import", "POST")
def take(calls: PageCalls, tenant_id: str) -> Shown:
    """Look at the beginning of a file, or make records of all of it."""
    given = {name: request.form.get(name, "") for name in ("type", "format", "delimiter", "key")}
    place, node_type = _type(calls, tenant_id, given["type"])
    if node_type is None:
        return _shown(place, given, wrong={"type": "choose a node type"}, status=400)
    taker = Taker(calls, tenant_id, node_type)
    try:
        upload = uploaded()
        if request.form.get("do") == "preview":
            return _shown(place, given, preview=_preview(upload, taker), node_type=node_type)
        taken = taker.take(upload)
    except InvalidParams as error:
        return _shown(place, given, wrong=wrong_fields(error), status=error.status)
    return _shown(place, given, taken=taken, node_type=node_type, upload=upload,
                  status=taken.error.status if taken.error else 200)


@page("/t/<tenant_id>/import/rows", "POST")
def take_piece(calls: PageCalls, tenant_id: str) -> Response:
    """Make records of a piece of a file, and tell what became of its rows."""
    place, node_type = _type(calls, tenant_id, request.form.get("type", ""))
    if node_type is None:
        raise NotFound.of("node_type_id")
    taken = Taker(calls, tenant_id, node_type).take(uploaded())
    if taken.error and (taken.error.retryable or taken == Taken(error=taken.error)):
        # It may be sent again: what was made of it is known by its ids.
        raise taken.error
    return Response(orjson.dumps({
        "created": taken.created, "before": taken.before, "refused": taken.refused,
        "told": taken.told, "kept": taken.kept, "is_cut": taken.is_cut, "stopped": taken.stopped,
    }), content_type="application/json")


def _type(calls: PageCalls, tenant_id: str, id: str) -> tuple[Within, dict[str, Any] | None]:
    try:
        place, (found,) = within(calls, tenant_id, Call(
            "get_node_type", {"tenant_id": tenant_id, "id": id}))
        return place, found["node_type"]
    except (InvalidParams, NotFound):
        return within(calls, tenant_id)[0], None


def _shown(place: Within, given: dict[str, str], *, wrong: dict[str, str] | None = None,
           preview: Preview | None = None, taken: Taken | None = None,
           node_type: dict[str, Any] | None = None, upload: Upload | None = None,
           status: int = 200) -> Shown:
    kept = taken.kept if taken else ""
    form = upload.form if upload else ""
    return show("transfer/import.html", status=status, place=place, wrong=wrong or {},
                preview=preview, given=given | {"key": given.get("key") or new_id()}, taken=taken,
                formats=FORMATS, delimiters=DELIMITERS, node_type=node_type, kept=kept, form=form,
                names=names_in(schema_of(node_type)) if node_type else [])


def _preview(upload: Upload, taker: Taker) -> Preview:
    reader = taker.reader(upload)
    rows: list[Row] = []
    try:
        rows += islice(upload.rows(reader), _TRIED)
        refused = taker.try_out(rows, upload.key)
        wrong = "" if rows else "There is no row in this file."
    except FlexdbError as error:
        refused, wrong = {}, str(error).partition(": say with --map")[0]
    names = [cell.text for cell in reader.header] if upload.form == "csv" else list(
        dict.fromkeys(name for row in rows[:_SHOWN] for name in _members(row)))
    names = names[:_COLUMNS]
    shown = [(row.number, _cells(row, reader, names)) for row in rows[:_SHOWN]]
    columns = [_column(name, upload, taker.schema) for name in names]
    return Preview(columns, shown, len(rows), refused, wrong)


def _column(name: str, upload: Upload, schema: Any) -> FileColumn:
    member = upload.columns.get(name, "" if name in OWN else name)
    if not member:
        return FileColumn(name, member, "left out")
    try:
        place = place_of(member)
    except ValueError as error:
        return FileColumn(name, member, f"no place: {error}")
    if place == ("id",):
        return FileColumn(name, member, "the record's id")
    if place == ("data",):
        return FileColumn(name, member, "all data")
    if upload.form != "csv":
        return FileColumn(name, member, "as it stands")
    kinds = kinds_at(schema, place[1:])
    return FileColumn(name, member, "text" if kinds is None else " or ".join(
        {"string": "text"}.get(kind, kind) for kind in sorted(kinds)))


def _members(row: Row) -> dict[str, Any]:
    try:
        return dict(json_text.members(row.given)) if not isinstance(row.given, list) else {}
    except ValueError:
        return {}


def _cells(row: Row, reader: RowReader, names: list[str]) -> list[str]:
    if isinstance(row.given, list):
        return [cut(cell.text) for cell in [*row.given, *[Cell("")] * len(names)][:len(names)]]
    found = _members(row)
    return [cut(bytes(found[name]).decode(errors="replace")) if name in found else ""
            for name in names]
