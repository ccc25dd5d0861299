"""The records of a node type, as a table: found, sorted, chosen, counted."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from markupsafe import Markup

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, InvalidParams
from flexdb.web.console.messages import redirect_to
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.records import cells, columns
from flexdb.web.console.records.beside import Origin
from flexdb.web.console.records.filter_rows import (
    OPERATORS,
    FilterRow,
    WrongRows,
    filter_of,
    rows_of,
)
from flexdb.web.console.records.query import (
    RecordQuery,
    expansion,
    filter_rows,
    in_words,
    shown_fields,
)
from flexdb.web.console.words import as_json, cut, options

_OPERATOR_OPTIONS = options(OPERATORS.items())


@page("/t/<tenant_id>/types/<type_id>")
def records(calls: PageCalls, tenant_id: str, type_id: str) -> Shown | Response:
    """Show what the URL asks for; what its forms say becomes such a URL."""
    query, base = RecordQuery.read(request.args), f"/console/t/{tenant_id}/types/{type_id}"
    get_type = Call("get_node_type", {"tenant_id": tenant_id, "id": type_id})
    rows = filter_rows(request.args)
    if rows is not None:
        place, (found,) = within(calls, tenant_id, get_type)
        known = columns.members(found["node_type"].get("schema"), [])
        try:
            filter = filter_of(rows, known)
        except WrongRows as error:
            return _shown(place, found["node_type"], query, [], base=base,
                          status=InvalidParams.status, rows=rows, wrong_rows=error.told)
        text = as_json(filter) if filter else ""
        return redirect_to(query.url(base, filter=text))
    fields, expand = shown_fields(request.args), expansion(request.args)
    if fields is not None or expand is not None:
        changed = {name: value for name, value in (("fields", fields), ("expand", expand))
                   if value is not None}
        place_in_page = "#columns" if "up" in request.args else ""
        return redirect_to(query.url(base, **changed) + place_in_page)
    try:
        place, (found, *told) = within(calls, tenant_id, get_type, *query.calls(
            tenant_id, type_id, request.args.get("page_token", "")))
    except FlexdbError as error:
        # Without the list the page still says what was asked.
        place, (found,) = within(calls, tenant_id, get_type)
        return _shown(place, found["node_type"], query, [], base=base, status=error.status,
                      error=error)
    return _shown(place, found["node_type"], query, told, base=base)


def _shown(place: Any, node_type: dict[str, Any], query: RecordQuery, told: list[Any], *,
           base: str, status: int = 200, rows: list[FilterRow] | None = None,
           wrong_rows: dict[int, str] | None = None, error: FlexdbError | None = None) -> Shown:
    listed, further = (told[0], told[1:]) if told else (None, [])
    nodes: list[dict[str, Any]] = listed["nodes"] if listed else []
    known = columns.members(node_type.get("schema"), nodes)
    whole = further.pop(0)["count"] if listed and (query.filter or query.search) else (
        listed["pagination"].get("total_count") if listed else None)
    typed = rows if rows is not None else rows_of(query.filter, known)
    shown = columns.chosen(known, query.fields)
    called = {one.path: one.name for one in (*known, *columns.OWN)}
    return show(
        "records/table.html", status=status, place=place, node_type=node_type, base=base,
        query=query, known=known, columns=shown, heads=query.heads(base, shown),
        offered=_offered(known, shown), listed=listed, whole=whole, called=called,
        member_options=options(called.items()), operators=OPERATORS,
        operator_options=_OPERATOR_OPTIONS,
        choices={one.path: (number, values) for number, one in enumerate(known)
                 if (values := one.choices())},
        filter_rows=None if typed is None else [*typed, FilterRow()], wrong_rows=wrong_rows or {},
        told=_told(error) if error else [],
        took_too_long=error is not None and error.reason == "DEADLINE_EXCEEDED",
        has_search=any(one.schema.get("x-search") for one in known),
        rows=cells.rows(nodes, shown, f"{place.url}/nodes/", query.brought(),
                        Origin.asked().suffix),
        groups=_groups(further, query, base, columns.column(known, query.group_by))
        if further else None,
        costs=in_words(listed.get("explain"), query, known, int(whole) if whole else None)
        if listed else [])


def _offered(known: list[columns.TableColumn], shown: list[columns.TableColumn]
             ) -> list[columns.TableColumn]:
    """Return what the choice of columns lists: those that are shown first, in their order."""
    return [*shown, *(one for one in (*known, *columns.OWN) if one not in shown)]


def _told(error: FlexdbError) -> list[str]:
    fields: dict[str, list[str]] = error.data.get("fields", {})
    return [f"{name} {'; '.join(one)}" for name, one in fields.items()] or [str(error)]


def _groups(further: list[Any], query: RecordQuery, base: str, of: columns.TableColumn
            ) -> dict[str, Any]:
    """Return what the groups are, each with the URL of its records."""
    return {"of": of, "truncated": further[0]["truncated"], "each": [
        {"value": Markup(cells.cell(one["value"], of, {})) if one["value"] is not None else
         "null or missing", "records": one["records"], "name": cut(one["value"]),
         "url": query.url(base, filter=query.narrowed(of.path, one["value"]), group_by="")}
        for one in further[0]["groups"]]}
