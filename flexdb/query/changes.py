"""Changes: what was done to the objects of a tenant since a position, each exactly once."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flexdb.context import Context
from flexdb.contract.operation import Loaded
from flexdb.errors import NotFound
from flexdb.plan import Query, Result, Row, Statement, Steps, as_steps
from flexdb.query.filters import condition
from flexdb.query.paths import Members
from flexdb.query.positions import Position
from flexdb.sql.loader import STATEMENTS, filled

# By their names on the wire, what the log calls them.
KINDS = {"node": "n", "relationship": "r", "node_type": "t"}
OPS = {"create": "c", "update": "u", "delete": "d"}
# How long a call may wait until something changes, in seconds.
MOST_WAIT = 60
# How many changes one call numbers, and how many it looks at: so it ends soon, and tells how far it
# came.
MOST_NUMBERED, MOST_LOOKED_AT = 2_000, 10_000
# How many it holds a filter against for each that it is to tell, and at least.
_FILTERED, _LEAST_FILTERED, _MOST_FILTERED = 5, 100, 1_000


class _Page(NamedTuple):
    """What one call asks for.

    :param query: its statement
    :param arguments: the statement's
    :param since: where it begins; None for the position of now, and no changes
    """

    query: Query
    arguments: Loaded
    since: Position | None


def changes(context: Context, params: Loaded, members: Members) -> Statement:
    """Return the statement that leads to the next changes of a tenant.

    It gives those that have none yet their positions, alone where it can: so whoever else asks
    meanwhile does not wait for the page.

    :param params: those of ``list_changes``
    :param members: of what a filter looks at, before and after a change
    :raises InvalidParams: naming the place in the filter that is wrong
    """
    asked = _page(context, params, members)

    def read(row: Row | None) -> Steps:
        if row is None:
            raise NotFound.of("tenant_id")
        before, last = row
        return as_steps(Statement(asked.query, asked.arguments, partial(
            _result, asked.since, last - before >= MOST_NUMBERED)))

    return Statement(STATEMENTS[context.json_fields]["number_changes"],
                     {"tenant_id": params["tenant_id"], "most": MOST_NUMBERED}, read)


def _page(context: Context, params: Loaded, members: Members) -> _Page:
    since: Position | None = params.get("since")
    known = {"tenant_id": params["tenant_id"]}
    wanted, arguments = condition(params.get("filter", {}), members, "n")
    if since is None:
        return _Page(STATEMENTS[context.json_fields]["get_feed"], known, None)
    query = filled("list_changes", context.json_fields, wanted)
    is_plain = wanted == "TRUE"
    types = params.get("relationship_types")
    return _Page(query._replace(lasting=is_plain), arguments | known | {
        "after": since.number, "looked_at": MOST_LOOKED_AT, "limit": params["limit"],
        "weighed": params["limit"] if is_plain else min(
            max(_FILTERED * params["limit"], _LEAST_FILTERED), _MOST_FILTERED),
        "page_bytes": context.limits.max_page_bytes, "old": params["old"],
        "kinds": [KINDS[kind] for kind in params.get("kinds") or KINDS],
        "ops": [OPS[op] for op in params.get("ops") or OPS],
        "ids": params.get("ids"), "node_type_ids": params.get("node_type_ids"),
        "relationship_types": types}, since)


def _result(since: Position | None, is_behind: bool, row: Row | None) -> Result:
    """Return what the row of a page gives.

    :param is_behind: whether there may be changes that have no position yet
    """
    if row is None:
        raise NotFound.of("tenant_id")
    feed, oldest, last, *found = row
    # As text: to read it as JSON, only to hand it on, would cost a fifth of the page.
    changes, rows, position = found or ("[]", 0, last)
    if since:
        since.check(feed, oldest, last)
    more = b"true" if is_behind or position < last else b"false"
    return Result(b'{"changes":%b,"position":"%b","more":%b}' % (
        changes.encode(), str(Position(feed, position)).encode(), more), rows=rows)
