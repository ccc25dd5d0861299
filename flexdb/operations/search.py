"""Searches: the nodes in which words stand, as a page of a list of nodes."""

from __future__ import annotations

from functools import partial

from flexdb.context import Context
from flexdb.contract.operation import Loaded
from flexdb.errors import InvalidParams
from flexdb.operations.statements import step
from flexdb.plan import Result, Row, Statement, Steps, Walk
from flexdb.query.paging import LARGEST_SIZE, page
from flexdb.query.paths import Members
from flexdb.sql.pages import BY_RANK

# They take more time than all else, so a page has no more nodes.
MOST_HIGHLIGHTED = 100


def search_page(context: Context, params: Loaded, members: Members) -> Statement:
    """Return the statement that gives one page of the nodes that a search finds.

    :param params: valid parameters, ``search`` among them
    :param members: those of a node
    :raises InvalidParams: as :func:`flexdb.query.paging.page` does
    """
    if "search" not in params:
        raise InvalidParams(fields={"highlights": ["says where the words of search stand, and "
                                                   "there is no search"]})
    params = params | {"search_type": params.get("node_type_id")}
    # Without the nodes themselves it is known which are the best, unless more is asked of them.
    best = context.caller.rules is None and params.keys().isdisjoint(("filter", "sort"))
    statement = page(context, "best_nodes" if best else "search_nodes", params, ("node_type_id",),
                     BY_RANK, members, takes=("search", "search_type"),
                     largest=MOST_HIGHLIGHTED if "highlights" in params else LARGEST_SIZE,
                     found="ranked n" if best else "{rows}")

    def read(row: Row | None) -> Result | Steps:
        result = statement.result(row)
        if result.rows:
            return result
        return Steps(statement.name, partial(_check_found_none, context, params, result))

    return Statement(statement.query, statement.arguments, read)


def _check_found_none(context: Context, params: Loaded, result: Result) -> Walk:
    """Give the empty result, unless there is nothing to search.

    :raises InvalidParams: for that
    """
    types, = yield step(context, "get_searched_types", params)
    if types == 0:
        which = "the node type declares" if params["search_type"] else "no node type declares"
        raise InvalidParams(fields={"search": [
            f"looks into members that are declared with x-search in the schema of their node "
            f"type, and {which} {'none' if params['search_type'] else 'one'}"]})
    return result
