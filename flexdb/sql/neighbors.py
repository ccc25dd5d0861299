"""The neighbours of a node as the rows of a list."""

from __future__ import annotations

from functools import lru_cache

from flexdb.sql.loader import expand

# Which end of a relationship the node has, and which its neighbour.
_ENDS = {"out": ("source", "target"), "in": ("target", "source")}


@lru_cache(maxsize=512)
def neighbors(row: str, of: str, types: str, direction: str, once: bool, listed: bool) -> str:
    """Return the SQL of the neighbours of a node; further conditions may follow it.

    :param row: the alias of a neighbour
    :param of: the SQL of the node's id
    :param types: the argument that holds the types of the relationships to follow; null for all
    :param direction: ``out`` from source to target, ``in`` the other way, or ``both``
    :param once: whether each is there once, by its last relationship, and not once for each
    :param listed: whether they are the rows of a list, and not only asked for whether there are any
    """
    slots = {"row": row, "of": of, "types": types,
             "nodes": "{listed_nodes}" if listed else "{joined_nodes}",
             "ordered": "{last_related_first}" if listed else ""}
    ways = list(_ENDS) if direction == "both" else [direction]
    found = {}
    for way in ways:
        here, there = _ENDS[way]
        one_way = slots | {"here": here, "there": there, "neighbor": f"near_r.{there}_node_id"}
        found[way] = expand("{neighbors_one_way}", "value", one_way)
        if once:
            found[way] += "\n  AND " + expand("{is_last}", "value", one_way | {
                "joining": _of_each("joining", "\nUNION ALL\n", ways, one_way),
                "is_not_followed": _of_each("is_not_followed", "\nAND ", ways, one_way)})
    return expand("{neighbors_both_ways}", "value", slots | found) if (
        direction == "both") else found[direction]


def _of_each(frame: str, between: str, ways: list[str], slots: dict[str, str]) -> str:
    """Return a frame as it is for each of the ways to go from the node."""
    return between.join(
        expand(f"{{{frame}}}", "value", slots | dict(zip(("here", "there"), _ENDS[way])))
        for way in ways)
