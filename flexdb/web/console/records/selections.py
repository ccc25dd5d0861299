"""What is done with the records that were chosen in a table: deleting, and copying as text."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.documents import text as json_text
from flexdb.documents.text import Number
from flexdb.errors import InvalidParams
from flexdb.transfer.cells import line_of, safe_text, to_cell
from flexdb.web.console.confirming import ask, is_sure
from flexdb.web.console.messages import Message, redirect_to, redirect_with
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.records import cells, columns
from flexdb.web.console.records.query import RecordQuery
from flexdb.web.console.typed import json_of, whole
from flexdb.web.console.words import as_json
from flexdb.wording import number_of

# So many may be chosen one by one, as many as a filter may name; so many are brought back at once.
MOST_CHOSEN, _MOST_UNDONE = 1000, 20
# So many have room in a URL.
_MOST_EXPORTED = 100
# And so many are deleted by one call, after a question, since no one button brings them back.
MOST_DELETED = 1_000_000
_ALL = "yes"


def _chosen() -> list[str]:
    ids = list(dict.fromkeys(request.form.getlist("id")))
    if len(ids) > MOST_CHOSEN:
        raise InvalidParams(f"at most {MOST_CHOSEN:,} records may be chosen one by one: "
                            "take all that fit a filter")
    return ids


@page("/t/<tenant_id>/types/<type_id>/delete-records", "POST")
def delete(calls: PageCalls, tenant_id: str, type_id: str) -> Shown | Response:
    """Delete the chosen records, or all that fit the filter; ask first where they are many."""
    query, base = RecordQuery.read(request.form), f"/console/t/{tenant_id}/types/{type_id}"
    takes_all = request.form.get("all") == _ALL
    ids = [] if takes_all else _chosen()
    back = query.url(base)
    if not ids and not takes_all:
        return redirect_with(back, "No record was chosen: nothing is deleted.")
    of: dict[str, Any] = {"node_type_id": type_id}
    filter: dict[str, Any] = of | {"id": {"$in": ids}}
    if takes_all:
        filter = {"$and": [of, _filter(query)]}
    most = request.form.get("most", "")
    if (takes_all or len(ids) > _MOST_UNDONE) and not (is_sure() and most):
        return _ask(calls, tenant_id, type_id, filter, back)
    deleted = calls.one("delete_nodes", tenant_id=tenant_id, filter=filter,
                        max_affected=whole(most, "most") if most else len(ids))["deleted"]
    told = f"Deleted {number_of(int(deleted), 'record')}."
    if takes_all or len(ids) > _MOST_UNDONE:
        return redirect_with(back, f"{told} They are under Deleted records.")
    return redirect_with(back, Message(told, f"/console/t/{tenant_id}/restore",
                                       {"ids": ",".join(ids)}))


def _ask(calls: PageCalls, tenant_id: str, type_id: str, filter: dict[str, Any], back: str
         ) -> Shown | Response:
    place, (found, counted) = within(
        calls, tenant_id, Call("get_node_type", {"tenant_id": tenant_id, "id": type_id}),
        Call("count_nodes", {"tenant_id": tenant_id, "filter": filter}))
    count = counted["count"]
    if count == Number("0"):
        return redirect_with(back, "No record fits: nothing is deleted.")
    # Where rules hold for the caller, many are not counted.
    told = "more than 10,000 records" if count is None else number_of(int(count), "record")
    return ask(f"Delete {told} of {found['node_type']['name']}?",
               "Their relationships go along. What the history keeps can be brought back, one by "
               "one, under Deleted records. When more than these fit by then, none is deleted.",
               does=f"Delete {told}", back=back, place=place, most=str(count or MOST_DELETED))


def _filter(query: RecordQuery) -> dict[str, Any]:
    if query.search:
        raise InvalidParams("what a search finds cannot be taken whole: choose records, or filter")
    filter: dict[str, Any] = json_of(query.filter or "{}", "filter")
    return filter


@page("/t/<tenant_id>/types/<type_id>/export-records", "POST")
def export(calls: PageCalls, tenant_id: str, type_id: str) -> Response:
    """Lead to the export of the chosen records, or of all that fit the filter."""
    query, base = RecordQuery.read(request.form), f"/console/t/{tenant_id}"
    takes_all = request.form.get("all") == _ALL
    ids = [] if takes_all else _chosen()
    if not ids and not takes_all:
        return redirect_with(query.url(f"{base}/types/{type_id}"),
                             "No record was chosen: nothing is exported.")
    filter = _filter(query) if takes_all else {"id": {"$in": ids}}
    if len(ids) > _MOST_EXPORTED:
        raise InvalidParams(f"at most {_MOST_EXPORTED} chosen records may be exported: take all "
                            "that fit a filter")
    text = as_json(filter) if filter else ""
    return redirect_to(f"{base}/export?{urlencode({'type': type_id, 'filter': text})}")


@page("/t/<tenant_id>/types/<type_id>/copy-records", "POST")
def copy(calls: PageCalls, tenant_id: str, type_id: str) -> Shown | Response:
    """Show the chosen records as text: JSON as they are, or the shown columns as CSV."""
    query, base = RecordQuery.read(request.form), f"/console/t/{tenant_id}/types/{type_id}"
    ids = _chosen()
    if not ids:
        return redirect_with(query.url(base), "No record was chosen: nothing is copied.")
    place, (found, listed) = within(
        calls, tenant_id, Call("get_node_type", {"tenant_id": tenant_id, "id": type_id}),
        Call("list_nodes", {"tenant_id": tenant_id, "node_type_id": type_id, "count": "none",
                            "filter": {"id": {"$in": ids}},
                            "pagination": {"page_size": MOST_CHOSEN}}))
    by_id = {node["id"]: node for node in listed["nodes"]}
    nodes = [by_id[id] for id in ids if id in by_id]
    node_type = found["node_type"]
    known = columns.members(node_type.get("schema"), nodes)
    is_csv = request.form.get("form") == "csv"
    text = _as_csv(nodes, columns.chosen(known, query.fields)) if is_csv else _as_json(nodes)
    return show("records/copy.html", place=place, node_type=node_type, base=base, text=text,
                back=query.url(base), form="CSV" if is_csv else "JSON", count=len(nodes),
                left_out=len(ids) - len(nodes),
                is_full=bool(listed["pagination"]["next_page_token"]))


def _as_json(nodes: list[dict[str, Any]]) -> str:
    lines = ",\n".join(map(as_json, nodes))
    return f"[\n{lines}\n]"


def _as_csv(nodes: list[dict[str, Any]], shown: list[columns.TableColumn]) -> str:
    found = [line_of(to_cell(json_text.dump_exactly(safe_text(one.name)), None) for one in shown)]
    for node in nodes:
        values = (cells.value_of(node, one.parts) for one in shown)
        found.append(line_of(
            to_cell(None if value is cells.MISSING else json_text.dump_exactly(value), None, True)
            for value in values))
    return b"".join(found).decode()
