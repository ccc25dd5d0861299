"""What a record is related to: one side of it by pages, and how much of it on both."""

from __future__ import annotations

from typing import Any

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError
from flexdb.web.console.finding import LIGHT, complete
from flexdb.web.console.labels import label
from flexdb.web.console.page import ROWS, Shown, page, paging, show, within
from flexdb.web.console.picks import given

# How many types of relationships are counted.
MOST_TYPES = 100
SIDES = {"out": "source_node_id", "in": "target_node_id"}


def counted(tenant_id: str, id: str) -> list[Call]:
    """Return the calls that count a record's relationships by type: those that start from it, then
    those that lead to it.
    """
    return [Call("aggregate_relationships", {
        "tenant_id": tenant_id, end: id, "group_by": {"type": "relationship_type"},
        "measures": {"count": "count()"}, "sort": ["-count"], "limit": MOST_TYPES})
        for end in SIDES.values()]


def groups(*told: Any) -> dict[str, list[dict[str, Any]]]:
    """Return what these calls told, by side; nothing where the caller may not count."""
    return {side: [] if isinstance(one, FlexdbError) else one["groups"]
            for side, one in zip(SIDES, told)}


@page("/t/<tenant_id>/nodes/<id>/relationships")
def neighbors(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show what a record is related to, the newest relationship first."""
    side = given("direction") if given("direction") in SIDES else "both"
    name = given("relationship_type")
    asked = {"tenant_id": tenant_id, "id": id, "direction": side, "fields": LIGHT,
             "count": "none", "pagination": paging()} | (
                 {"relationship_types": [name]} if name else {})
    place, (found, listed) = within(
        calls, tenant_id, Call("get_node", {"tenant_id": tenant_id, "id": id}),
        Call("get_neighbors", asked))
    sides = groups(*calls.outcomes(*counted(tenant_id, id)))
    near = listed["neighbors"]
    return show("relationships/neighbors.html", place=place, node=found["node"],
                label=label(found["node"]), listed=listed, side=side, name=name, sides=sides,
                named=complete(calls, tenant_id, (one["node"] for one in near)), page_size=ROWS)
