"""The history of a record, its way back, and the records that are deleted."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, NotFound
from flexdb.web.console.changes import differences
from flexdb.web.console.forms import ABSENT
from flexdb.web.console.labels import label
from flexdb.web.console.messages import Message, redirect_with
from flexdb.web.console.page import Shown, page, paging, show, within
from flexdb.web.console.typed import whole

_PAGE = 25
# How many records one form brings back.
_MOST = 50


@page("/t/<tenant_id>/nodes/<id>/history")
def history(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show what became of a record, the last first; also of one that is deleted."""
    of_node = {"tenant_id": tenant_id, "id": id}
    place, (listed,) = within(calls, tenant_id, Call("get_node_history", of_node | {
        "diff": True, "pagination": paging(_PAGE)}))
    (now,) = calls.outcomes(Call("get_node", of_node))
    if isinstance(now, FlexdbError) and not isinstance(now, NotFound):
        raise now
    node = None if isinstance(now, FlexdbError) else now["node"]
    entries = listed["history"]
    shown = [(entry, _steps(entry, entries[index + 1:index + 2]))
             for index, entry in enumerate(entries)]
    return show("changes/history.html", place=place, node=node, id=id, shown=shown, listed=listed,
                label=label, most=differences.MOST)


def _steps(entry: dict[str, Any], earlier: list[dict[str, Any]]) -> list[differences.Step]:
    """Return what a change did, with what was there before where the page knows it."""
    if not entry["diff"]:
        return []
    before = earlier[0]["node"]["data"] if earlier and earlier[0]["node"] else ABSENT
    return list(differences.steps(entry["diff"], before))


@page("/t/<tenant_id>/nodes/<id>/revert", "POST")
def revert(calls: PageCalls, tenant_id: str, id: str) -> Response:
    """Make a record what it was at a version; that makes a further version."""
    version = request.form.get("version", "")
    node = calls.one("restore_node", tenant_id=tenant_id, id=id, with_relationships=True,
                     **({"version": whole(version, "version")} if version else {}))["node"]
    url = f"/console/t/{tenant_id}/nodes/{id}"
    before = int(node["version"]) - 1
    return redirect_with(url, Message(
        f"{label(node)} is what it was at version {version}." if version else
        f"{label(node)} is back.", f"{url}/revert", {"version": str(before)}))


@page("/t/<tenant_id>/deleted")
def deleted(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the records that are deleted and can be brought back, the last first."""
    node_type = request.args.get("node_type_id", "")
    asked = {"tenant_id": tenant_id, "pagination": paging()} | (
        {"node_type_ids": [node_type]} if node_type else {})
    place, (listed,) = within(calls, tenant_id, Call("list_deleted_nodes", asked))
    return show("changes/deleted.html", place=place, listed=listed, node_type=node_type,
                label=label)


@page("/t/<tenant_id>/restore", "POST")
def restore(calls: PageCalls, tenant_id: str) -> Response:
    """Bring deleted records back, with the relationships that were deleted together with them."""
    ids = [id for one in request.form.getlist("ids") for id in one.split(",") if id][:_MOST]
    told = [calls.outcomes(Call("restore_node", {
        "tenant_id": tenant_id, "id": id, "with_relationships": True}))[0] for id in ids]
    back = [one["node"] for one in told if not isinstance(one, FlexdbError)]
    refused = [f"{id}: {one}" for id, one in zip(ids, told) if isinstance(one, FlexdbError)]
    said = [f"{label(back[0])} is back." if len(back) == 1 else f"{len(back)} records are back."
            ] if back else []
    said += [f"Not brought back: {'; '.join(refused[:3])}"] if refused else []
    url = f"/console/t/{tenant_id}"
    return redirect_with(
        f"{url}/nodes/{back[0]['id']}" if len(back) == len(ids) == 1 else f"{url}/deleted",
        " ".join(said) or "No record was chosen.")
