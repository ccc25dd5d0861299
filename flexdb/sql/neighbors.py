"""The neighbours of a node as the rows of a list."""

from __future__ import annotations

from flexdb.sql.loader import expand

# Which end of a relationship the node has, and which its neighbour.
_ENDS = {"out": ("source", "target"), "in": ("target", "source")}


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
        for later in ways if once else ():
            ends = dict(zip(("here", "there"), _ENDS[later]))
            found[way] += "\n  AND " + expand("{is_last}", "value", one_way | ends)
    return expand("{neighbors_both_ways}", "value", slots | found) if (
        direction == "both") else found[direction]
