"""A tenant: what is in it, what happened last, and what to do first."""

from __future__ import annotations

from typing import Any, NamedTuple

from flexdb.api.calls import Call, PageCalls
from flexdb.documents.declarations import members_of
from flexdb.errors import FlexdbError
from flexdb.web.console.labels import NAMING, label
from flexdb.web.console.page import Shown, page, paging, show, within
from flexdb.wording import number_of

# How many types have a card, each of which asks for its total; and how much of the rest is shown.
_CARDS, _NEWEST = 24, 8


class TypeCard(NamedTuple):
    """A node type, how many records it has, and what its schema declares.

    :param total: None where it is not told to the caller
    """

    node_type: dict[str, Any]
    total: Any
    declared: str


@page("/t/<tenant_id>")
def overview(calls: PageCalls, tenant_id: str) -> Shown:
    """Show a tenant's types, its newest records and changes, and how much it has."""
    place, _ = within(calls, tenant_id)
    of_tenant = {"tenant_id": tenant_id}
    types, relations, newest, limits, usage, now = calls.outcomes(
        Call("list_node_types", of_tenant | {"sort": "name", "pagination": paging(_CARDS)}),
        Call("list_relationship_types", of_tenant | {"pagination": {"page_size": _NEWEST}}),
        Call("list_nodes", of_tenant | {
            "pagination": {"page_size": _NEWEST},
            "fields": ["id", "node_type_id", "created_at", *(f"data.{name}" for name in NAMING)]}),
        Call("get_limits", of_tenant), Call("get_usage", of_tenant),
        Call("list_changes", of_tenant))
    if isinstance(types, FlexdbError):
        raise types
    listed = types["node_types"]
    *totals, changes = calls.outcomes(*(
        Call("list_nodes", of_tenant | {"node_type_id": one["id"], "fields": ["id"],
                                        "pagination": {"page_size": 1}})
        for one in listed), _last_changes(tenant_id, now))
    cards = [TypeCard(one, None if isinstance(told, FlexdbError) else
                      told["pagination"]["total_count"], declared(one["schema"]))
             for one, told in zip(listed, totals)]
    return show("overview.html", place=place, types=types, cards=cards, relations=relations,
                newest=newest, limits=limits, usage=usage, changes=changes, label=label)


def declared(schema: Any) -> str:
    """Return in words what a node type's schema says."""
    if schema is None:
        return "no schema: any data fits"
    found = list(members_of(schema))
    kinds: dict[str, int] = {word: sum(member.get(keyword) is True for _, member in found)
                             for word, keyword in (("searched", "x-search"), ("unique", "x-unique"),
                                                   ("indexed", "x-index"))}
    together = schema.get("x-unique") if isinstance(schema, dict) else None
    kinds["unique"] += len(together) if isinstance(together, list) else 0
    top = sum(len(path) == 1 for path, _ in found)
    return " · ".join([number_of(top, "member"),
                       *(f"{number} {word}" for word, number in kinds.items() if number)])


def _last_changes(tenant_id: str, now: Any) -> Call:
    """Return the call that gives the last changes: positions count them without a gap.

    :param now: what ``list_changes`` answered without ``since``; an error is met again
    """
    since = {}
    if not isinstance(now, FlexdbError):
        feed, _, number = now["position"].rpartition(".")
        since = {"since": f"{feed}.{max(0, int(number) - _NEWEST)}"}
    return Call("list_changes", {"tenant_id": tenant_id, "limit": _NEWEST, "old": True} | since)
