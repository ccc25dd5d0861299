"""The graph around a record, step by step; a URL says all of it, so a link shows it again."""

from __future__ import annotations

from typing import Any

from flask import request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError, NotFound
from flexdb.web.console import finding
from flexdb.web.console.finding import LIGHT, complete
from flexdb.web.console.labels import label
from flexdb.web.console.page import Shown, Within, page, show, within
from flexdb.web.console.picks import Picks
from flexdb.web.console.relationships.neighbors import counted, groups
from flexdb.web.console.relationships.picture import (
    DEPTHS,
    DIRECTIONS,
    MOST_SHOWN,
    SIZES,
    Picture,
    PictureAsked,
)
from flexdb.wording import number_of

# How many relationships a page has, and by how many of them a record is expanded at most.
_LARGEST_PAGE, _MOST_PAGES = 1000, 8


@page("/t/<tenant_id>/graph")
def graph(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the graph around a record, or offer records to begin at."""
    asked, picks = PictureAsked.of(request.args), Picks(calls, tenant_id, "start", "to")
    place, _ = within(calls, tenant_id)
    names: dict[str, Any] = {
        "place": place, "asked_for": asked, "picks": picks, "typed": request.args,
        "sizes": SIZES, "depths": DEPTHS, "directions": DIRECTIONS, "most": MOST_SHOWN}
    if start := picks.named.get("start"):
        try:
            shown = _picture(calls, place, start.id, asked, picks)
            return show("relationships/graph.html", status=400 if picks.wrong else 200, **names,
                        **shown)
        except NotFound as error:
            picks.wrong["start"] = str(error)
    return show("relationships/graph_start.html", status=400 if picks.wrong else 200, **names,
                newest=finding.find(calls, tenant_id, ""))


def _picture(calls: PageCalls, place: Within, start: str, asked: PictureAsked, picks: Picks
             ) -> dict[str, Any]:
    """Return what is shown around a record.

    :raises NotFound: when there is none
    """
    of = {"tenant_id": place.tenant["id"]}
    wanted, to = asked.wanted(start), picks.named.get("to")
    asked_calls = [Call("get_node", of | {"id": start}), *counted(of["tenant_id"], start)]
    walks = [Call("traverse", of | asked.follows | {
        "start": start, "max_depth": asked.depth, "limit": asked.size})] if asked.depth > 1 else []
    ways = [Call("shortest_path", of | asked.follows | {
        "source_node_id": start, "target_node_id": to.id})] if to else []
    told = iter(calls.outcomes(*asked_calls, *walks, *ways))
    first = next(told)
    if isinstance(first, FlexdbError):
        raise first
    sides = groups(next(told), next(told))
    picture = Picture(start)
    picture.show([first["node"]], [])
    walked, way = [next(told) for _ in walks], [next(told) for _ in ways]
    said = _way(picture, way[0], picks) if way else ""
    for one in walked:
        visits = _or_raise(one)["visits"]
        picture.show((visit["node"] for visit in visits),
                     (visit["relationship"] for visit in visits))
        if one["truncated"]:
            said = f"There is more within this depth. {said}".rstrip()
    near, further = _near(calls, of | asked.follows, wanted)
    picture.walk(asked, near)
    _join(calls, of, picture, asked)
    edges = picture.edges.values()
    types = {one["type"] for side in sides.values() for one in side} | set(asked.types) | {
        edge["relationship_type"] for edge in edges}
    return {"start": start, "picture": picture, "degrees": picture.degrees(), "is_more": further,
            "labels": complete(calls, of["tenant_id"], picture.nodes.values()),
            "types": sorted(types), "said": said, "to": to.id if to else ""}


def _near(calls: PageCalls, of: dict[str, Any], wanted: dict[str, int]
          ) -> tuple[dict[str, list[dict[str, Any]]], dict[str, bool]]:
    """Return so many neighbours of each record, and whether it has more of them."""
    near: dict[str, list[dict[str, Any]]] = {id: [] for id in wanted}
    tokens: dict[str, str] = dict.fromkeys(wanted, "")
    open_ones = list(wanted)
    # Where relationships are large, a page ends before it has as many.
    for _ in range(_MOST_PAGES):
        if not open_ones:
            break
        told = calls.outcomes(*(Call("get_neighbors", of | {
            "id": id, "fields": LIGHT, "count": "none", "pagination": {
                "page_size": min(wanted[id] - len(near[id]), _LARGEST_PAGE),
                **({"page_token": tokens[id]} if tokens[id] else {})}}) for id in open_ones))
        for id, one in zip(open_ones, told):
            # A record that was expanded may be gone since.
            listed = {} if isinstance(one, NotFound) else _or_raise(one)
            near[id] += listed.get("neighbors", [])
            tokens[id] = listed.get("pagination", {}).get("next_page_token") or ""
        open_ones = [id for id in open_ones if tokens[id] and len(near[id]) < wanted[id]]
    return near, {id: bool(token) for id, token in tokens.items()}


def _or_raise(told: Any) -> Any:
    if isinstance(told, FlexdbError):
        raise told
    return told


def _way(picture: Picture, told: Any, picks: Picks) -> str:
    """Show the way to another record, and return what is to be said of it."""
    if isinstance(told, NotFound):
        picks.wrong["to"] = str(told)
        return ""
    path = _or_raise(told)["path"]
    if path is None:
        return ("The search for a way was given up: there is too much to look at."
                if told["truncated"] else
                "No way of at most 10 relationships leads there this way.")
    picture.show(path["nodes"], path["relationships"])
    picture.path = {one["id"] for one in (*path["nodes"], *path["relationships"])}
    length = int(path["length"])
    return f"A shortest way has {number_of(length, 'relationship')}."


def _join(calls: PageCalls, of: dict[str, Any], picture: Picture, asked: PictureAsked) -> None:
    """Show what else relates the records that are shown to each other."""
    ids = {"$in": list(picture.nodes)}
    wanted: dict[str, Any] = {"source_node_id": ids, "target_node_id": ids}
    if asked.types:
        wanted["relationship_type"] = {"$in": asked.types}
    (told,) = calls.outcomes(Call("list_relationships", of | {
        "filter": wanted, "count": "none", "fields": [
            "id", "source_node_id", "target_node_id", "relationship_type"],
        "pagination": {"page_size": _LARGEST_PAGE}}))
    # They are an addition: where it takes too long, what was asked for is shown all the same.
    if not isinstance(told, FlexdbError):
        picture.show([], told["relationships"])


@page("/t/<tenant_id>/graph/chosen/<id>")
def chosen(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show what is beside the picture of a graph: the record that is chosen there."""
    place, (found,) = within(calls, tenant_id, Call("get_node", {
        "tenant_id": tenant_id, "id": id}))
    node = found["node"]
    data = node["data"] if isinstance(node["data"], dict) else {}
    return show("relationships/graph_chosen.html", place=place, node=node, label=label(node),
                data=data, sides=groups(*calls.outcomes(*counted(tenant_id, id))))
