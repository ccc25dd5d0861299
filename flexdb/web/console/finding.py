"""Records by what they are called: their labels, and those whose label has some words in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from flask import request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError
from flexdb.web.console.labels import NAMING, label
from flexdb.web.console.page import Shown, page, show, within

# What a label is made of, mostly: a record may be large.
LIGHT = ["id", "node_type_id", *(f"data.{name}" for name in NAMING)]
# How many records are offered, and how many letters they are looked for by.
MOST_FOUND, MOST_LETTERS = 20, 200
# What the fields of a relationship call its ends, and how many contracts are offered as types.
ENDS, _MOST_TYPES = ("source_node_id", "target_node_id"), 200
# How many ids a call is asked for at once.
_AT_ONCE = 500


class Labelled(NamedTuple):
    """A record by its label.

    :param node_type_id: "" where the record is not there, or not for the caller to see
    """

    id: str
    label: str
    node_type_id: str


def named(node: dict[str, Any]) -> Labelled:
    """Return a record by its label."""
    return Labelled(node["id"], label(node), node["node_type_id"])


def names(calls: PageCalls, tenant_id: str, ids: Iterable[str]) -> dict[str, Labelled]:
    """Return the records of some ids by their labels, in one round trip, or in two where some have
    none of the members that name most records; one that is not there is called by its id.
    """
    asked = list(dict.fromkeys(ids))
    found = _looked_up(calls, tenant_id, asked, LIGHT)
    return {id: found.get(id) or Labelled(id, label({"id": id}), "") for id in asked}


def complete(calls: PageCalls, tenant_id: str, nodes: Iterable[dict[str, Any]]
             ) -> dict[str, Labelled]:
    """Return records by their labels, where those were given with no more than :data:`LIGHT`."""
    told = {node["id"]: named(node) for node in nodes}
    unnamed = [id for id, one in told.items() if one.label == label({"id": id})]
    return told | (_looked_up(calls, tenant_id, unnamed, None) if unnamed else {})


def _looked_up(calls: PageCalls, tenant_id: str, ids: list[str], fields: list[str] | None
               ) -> dict[str, Labelled]:
    asked = [Call("list_nodes", {
        "tenant_id": tenant_id, "filter": {"id": {"$in": ids[start:start + _AT_ONCE]}},
        "count": "none", "pagination": {"page_size": _AT_ONCE},
        **({"fields": fields} if fields else {})}) for start in range(0, len(ids), _AT_ONCE)]
    nodes = [node for listed in (calls.all(*asked) if asked else [])
             for node in listed["nodes"]]
    return complete(calls, tenant_id, nodes) if fields else {
        node["id"]: named(node) for node in nodes}


def id_of(text: str) -> str:
    """Return the id that a text is, as it is always written; "" where it is none."""
    try:
        return str(UUID(text)) if len(text) == 36 else ""
    except ValueError:
        return ""


def find(calls: PageCalls, tenant_id: str, words: str, among: Sequence[str] = ()
         ) -> list[Labelled]:
    """Return the records that some words mean: an id, a part of a member that names records, or
    what the tenant's search finds. Those that are called just so, or begin so, come first.

    :param among: the ids of the node types that they may be of; none for all
    :raises FlexdbError: when the words could not be looked for at all
    """
    words = words.strip()[:MOST_LETTERS]
    of = {"tenant_id": tenant_id, "count": "none", "pagination": {"page_size": MOST_FOUND},
          "fields": LIGHT}
    typed: dict[str, Any] = {"node_type_id": {"$in": list(among)}} if among else {}
    if not words:
        nodes = calls.one("list_nodes", **of, filter=typed)["nodes"]
        return list(complete(calls, tenant_id, nodes).values())
    wanted: dict[str, Any] = {"id": id} if (id := id_of(words)) else {"$or": [
        {f"data.{name}": {"$icontains": words}} for name in NAMING]}
    told = calls.outcomes(Call("list_nodes", of | {"filter": typed | wanted}),
                          Call("list_nodes", of | {"search": words, "filter": typed}))
    listed = [one for one in told if not isinstance(one, FlexdbError)]
    if not listed:
        raise told[0]
    nodes = {node["id"]: node for one in listed for node in one["nodes"]}
    found = complete(calls, tenant_id, nodes.values()).values()
    asked = words.casefold()

    def distance(one: Labelled) -> int:
        called = one.label.casefold()
        return 0 if called == asked else 1 if called.startswith(asked) else 2

    return sorted(found, key=distance)[:MOST_FOUND]


def picked(calls: PageCalls, tenant_id: str, words: str, among: Sequence[str] = ()
           ) -> Labelled | list[Labelled]:
    """Return the record that a field of a form means; or those that it may mean, or none.

    :param words: its id, whatever it is of, or what it is called
    :param among: the ids of the node types that it may be of; none for all
    """
    if id := id_of(words):
        (one,) = names(calls, tenant_id, [id]).values()
        return one
    found = find(calls, tenant_id, words, among)
    just_so = [one for one in found if one.label.casefold() == words.casefold()] or found
    return just_so[0] if len(just_so) == 1 else found


def types_of(tenant_id: str) -> Call:
    """Return the call that gives a tenant's contracts of relationships."""
    return Call("list_relationship_types", {
        "tenant_id": tenant_id, "pagination": {"page_size": _MOST_TYPES}})


def allowed(types: Iterable[dict[str, Any]], name: str, end: str) -> list[str]:
    """Return the ids of the node types that relationships of a name may have at an end; none where
    they may have all.

    :param types: the contracts of relationships
    :param end: :data:`ENDS` has both
    """
    return next((one[end.replace("node_id", "node_type_ids")] or [] for one in types
                 if one["name"] == name and end in ENDS), [])


@page("/t/<tenant_id>/find")
def found(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the records that are called by some words, or those of them that a relationship may
    have at an end.
    """
    words, name, end = (request.args.get(one, "") for one in ("q", "relationship_type", "end"))
    place, told = within(calls, tenant_id, *([types_of(tenant_id)] if name else []))
    among = allowed(told[0]["relationship_types"], name, end) if told else []
    return show("find.html", place=place, words=words, name=name, end=end, among=among,
                found=find(calls, tenant_id, words, among))
