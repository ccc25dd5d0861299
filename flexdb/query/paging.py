"""Lists: keyset pages, newest first, with an opaque token for the next one and the total count."""

from __future__ import annotations

import base64
import hashlib

import orjson

from flexdb.context import Context
from flexdb.contract.fields import Integer, PageToken
from flexdb.contract.objects import Object
from flexdb.contract.operation import Loaded
from flexdb.contract.params import Params
from flexdb.errors import InvalidParams, NotFound
from flexdb.plan import Result, Row, Statement
from flexdb.query.expands import expanded
from flexdb.query.indexed import Index
from flexdb.query.parameters import QUERY, read_query, together
from flexdb.query.paths import Members
from flexdb.sql.loader import LISTS
from flexdb.sql.pages import (
    NEWEST_FIRST,
    Key,
    count_query,
    is_of_tenant,
    page_query,
    queried_page_query,
    rows_of,
)

DEFAULT_SIZE, USUAL_SIZE, LARGEST_SIZE = 10, 100, 1000
NO_MEMBERS: Members = {}
_DIGEST = 9

_COUNTED = "(SELECT count(*) FROM {rows})"
# Where the rows are looked for one by one, so many are counted, and more are not told.
_MOST_COUNTED = 10_000
_COUNTED_UP_TO = (f"(SELECT CASE WHEN count(*) <= {_MOST_COUNTED} THEN count(*) END FROM "
                  f"(SELECT FROM {{rows}} LIMIT {_MOST_COUNTED} + 1) counted)")
# What the ledger (0005) has of a list. It stands in each statement, since a shard of a distributed
# database runs no function that reads tables.
_LEDGER = """(SELECT c.total FROM flexdb_counts c
    WHERE c.tenant_id = {tenant} AND c.list = '{list}' AND c.key = {key})"""
_SINCE = """coalesce((SELECT sum(d.change) FROM flexdb_count_changes d
    WHERE d.tenant_id = {tenant} AND d.list = '{list}'{of_key}), 0)::bigint"""
# The triggers' ledger knows whole lists and these filters; the rest is counted.
_IN_LEDGER = {"tenants", "users", "tenant_users", "node_types", "nodes", "relationships"}
_LEDGER_KEYS = {
    (): "flexdb_nil()",
    ("node_type_id",): "flexdb_list_key(%(node_type_id)s::text)",
    ("relationship_type",): "flexdb_list_key(%(relationship_type)s)",
}


class Pagination(Params):
    """Where in a list to read, and how much."""

    page_size = Integer("How many to give; above 1,000 counts as 1,000.", least=1,
                        load_default=DEFAULT_SIZE)
    page_token = PageToken("The `next_page_token` of the page before; none for the first page.")


# Over REST these stand alone.
PAGING = tuple(Pagination().fields)


def pagination() -> Object:
    """Return the field that every list takes."""
    return Object(Pagination, "Which page to give.")


def page(
    context: Context,
    name: str,
    params: Loaded,
    filters: tuple[str, ...] = (),
    order: tuple[Key, ...] = NEWEST_FIRST,
    members: Members = NO_MEMBERS,
    of: str = "tenant",
    takes: tuple[str, ...] = (),
    largest: int = LARGEST_SIZE,
    found: str = "",
    index: Index | None = None,
    wrapper: str = "",
) -> Statement:
    """Return the statement that gives one page of a list.

    :param name: the operation's name; ``list_nodes`` gives ``{"nodes": […], "pagination": …}``
    :param params: valid parameters
    :param filters: the parameters that, where given, a row's columns of those names must equal
    :param order: the keys that order the list
    :param members: those of the list's objects, where it takes the parameters of a query
    :param of: what the list is of, ``tenant``, ``node``, ``webhook``, ``user`` or ``service``:
        where there is none, it is not found
    :param takes: further parameters that the list's SQL takes
    :param largest: the most rows of a page
    :param found: the SQL of all its rows, where these are looked for one by one and so counted with
        a bound
    :param index: what the nodes are to be read by, the same ones in the same order; where it is not
        there, the statement has no row
    :param wrapper: the member that holds the list, where the operation is not named after it
    :raises InvalidParams: when the page token does not belong to this list, or naming the place
        in a query that is wrong
    """
    wanted = params.get("pagination") or {}
    given = tuple(column for column in filters if column in params)
    arguments = {column: params[column] for column in ("tenant_id", *takes, *given)
                 if column in params}
    unique = order[-1].column if order[-1].column in members else "id"
    asked = None if params.keys().isdisjoint(QUERY) else read_query(
        context, name, params, members, unique)
    if asked:
        arguments |= asked.arguments
        order = asked.order or order
    # What is left out of an object, or not counted, has no place in the identity: a walk may change
    # it, and it may ask for no other rows or order than the whole list.
    walk = asked.shape if asked and (asked.condition or asked.order) else ()
    identity = orjson.dumps([name, arguments, *walk], option=orjson.OPT_SORT_KEYS,
                            default=bytes.decode)
    if index:
        arguments |= index.arguments
        order = index.order(order)
    token = wanted.get("page_token")
    if token:
        places = _read_token(token, identity, len(order))
        arguments |= {f"after_{key.column}": place for key, place in zip(order, places)}
    arguments["page_size"] = size = min(wanted.get("page_size", DEFAULT_SIZE), largest)
    arguments["page_bytes"] = context.limits.max_page_bytes
    things = wrapper or name.partition("_")[2]
    first = not token
    # The neighbours of a node are not in the ledger, so they are counted where that is asked for.
    related = "related_to" in params
    near = params.get("direction", "")

    def read(row: Row | None) -> Result:
        if row is None:
            raise NotFound.of("related_to.node" if related else "id", of) if of == "node" else (
                NotFound.of(f"{of}_id"))
        items, rows, total, *last = row
        next_token = _make_token(last, identity) if last[0] is not None else ""
        count = b"" if total is None else b',"total_count":%d' % total
        return Result(b'{"%b":%b,"pagination":{"next_page_token":"%b"%b}}' % (
            things.encode(), items, next_token.encode(), count), rows=rows)

    count = params.get("count", "none" if related else "exact")
    total = ("NULL::bigint" if count == "none" else
             _COUNTED_UP_TO.format(rows=found) if found else
             _total(context, name, given, bool(asked and asked.condition), of))
    # An index gives the rows of such a list in order, whatever the arguments are.
    repeated = (0 if found or len(given) > 1 else USUAL_SIZE if size <= USUAL_SIZE
                else LARGEST_SIZE)
    if asked is None:
        query = page_query(name, context.json_fields, given, total, order, first, of=of, near=near,
                           repeated=repeated)
        return Statement(query, arguments, read,
                         short=first and not related and repeated == USUAL_SIZE)
    brought = expanded(context, params, members, LISTS[name].alias, size)
    condition = asked.condition
    is_plain = not (condition or asked.order or asked.projected or "highlights" in params) and (
        "expand" not in params or (brought.is_plain and "fields" not in params))
    if index:
        name, of = "indexed_nodes", "index"
        total = total.replace("{rows}", _counted_rows(given, condition, index))
        given, condition = (), f"{condition or 'TRUE'} AND {index.place(first)}"
    query = queried_page_query(name, context.json_fields, given, total, order, first, condition,
                               asked.thing, of, brought.sql, near, repeated if is_plain else 0)
    return Statement(query, together(arguments, asked.projected, brought.arguments), read)


def count_of(context: Context, name: str, of: str, params: Loaded, filters: tuple[str, ...],
             members: Members) -> Statement:
    """Return the statement that gives the total count of a list alone.

    :param name: the operation's name
    :param of: that of the list; the rest is as :func:`page` takes it
    """
    given = tuple(column for column in filters if column in params)
    asked = read_query(context, of, params, members)
    arguments = asked.arguments | {column: params[column] for column in ("tenant_id", *given)}

    def read(row: Row | None) -> Result:
        if row is None:
            raise NotFound.of("tenant_id")
        return Result(b'{"count":%b}' % (b"null" if row[0] is None else b"%d" % row[0]))

    total = _total(context, of, given, bool(asked.condition))
    return Statement(count_query(name, of, given, asked.condition, total), arguments, read)


def _total(context: Context, name: str, filters: tuple[str, ...], filtered: bool,
           of: str = "tenant") -> str:
    if context.caller.rules:
        return _COUNTED_UP_TO
    if (filtered or (key := _LEDGER_KEYS.get(filters)) is None or of != "tenant"
            or name.removeprefix("list_") not in _IN_LEDGER):
        return _COUNTED
    names = {"tenant": "%(tenant_id)s::uuid" if is_of_tenant(name) else "flexdb_nil()",
             "list": name.removeprefix("list_"), "key": key,
             "of_key": f" AND d.key = {key}" if filters else ""}
    kept, since = _LEDGER.format(**names), _SINCE.format(**names)
    if is_of_tenant(name):
        return f"coalesce({kept}, 0) + {since}"
    # Nothing is kept of few, nor where tenants and users are on each of several machines.
    return f"coalesce({kept} + {since}, {_COUNTED})"


def _counted_rows(filters: tuple[str, ...], condition: str, index: Index) -> str:
    """Return the rows that are counted where an index serves a page."""
    rows = (rows_of("indexed_nodes", (), f"{condition} AND {index.condition}") if index.bounds else
            rows_of("list_nodes", filters, condition))
    return f"({rows}) n"


def _digest(identity: bytes, places: bytes) -> bytes:
    return hashlib.blake2s(identity + places, digest_size=_DIGEST).digest()


def _make_token(last: list[str], identity: bytes) -> str:
    places = orjson.dumps(last)
    return base64.urlsafe_b64encode(_digest(identity, places) + places).decode().rstrip("=")


def _read_token(token: str, identity: bytes, keys: int) -> list[str]:
    """Return the place that a token names; its digest says whether we made it for this list."""
    try:
        places = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[_DIGEST:]
        found = orjson.loads(places)
        # Made anew and compared, since base64 spells the same bytes in several ways.
        if (isinstance(found, list) and len(found) == keys and "\0" not in "".join(found)
                and _make_token(found, identity) == token):
            return found
    except (TypeError, ValueError):
        pass
    wrong = "is not a token of this list: take the next_page_token of its page before"
    raise InvalidParams(fields={"pagination.page_token": [wrong]})
