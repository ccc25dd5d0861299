"""Sights: the same statement over the rows that a caller sees, where these are not all."""

from __future__ import annotations

import re
from threading import Lock
from typing import NamedTuple

from cachetools import LRUCache, cached

from flexdb.plan import Query
from flexdb.sql.loader import expand, number

# Where a statement reads. What it writes it found there before, and what stands in quotes, in a
# name or behind a dot is no table.
_TABLE = re.compile(rb"(?<!DELETE )\b(FROM|JOIN)\s+(nodes|relationships)\s+(\w+)\b")
# What the aliases of neighbours begin with.
NEAR = b"near_"
# How much SQL a worker remembers: that of long grants may be a megabyte.
_MOST_BYTES = 32 * 1024 * 1024


class Sight(NamedTuple):
    """Which rows of a tenant there are to a caller, as SQL.

    :param nodes: the condition on a node, whose alias is ``n``
    :param targets: the condition on the node that a relationship leads to; on its source it is
        that on nodes
    """

    nodes: str
    targets: str


@cached(LRUCache(_MOST_BYTES, lambda query: len(query.text)), lock=Lock())
def seen(query: Query, sight: Sight) -> Query:
    """Return a query as it is over the rows of a sight; the same where it reads none of these.

    :param sight: names of arguments in it become the query's, behind its own
    """
    names = {name: place for place, name in enumerate(query.arguments, 1)}
    slots = {"condition": sight.nodes, "source": sight.nodes, "target": sight.targets}
    # Whatever may be written, a filter looks at all neighbours that may be read.
    of_neighbors = dict.fromkeys(slots, sight.targets)

    def put(found: re.Match[bytes]) -> bytes:
        meant = of_neighbors if found[3].startswith(NEAR) else slots
        rows = number(expand(f"{{seen_{found[2].decode()}}}", "value", meant), names)
        return b"%b %b %b" % (found[1], rows, found[3])

    text = _TABLE.sub(put, query.text)
    if text == query.text:
        return query
    return query._replace(text=text, arguments=tuple(names), lasting=False)
