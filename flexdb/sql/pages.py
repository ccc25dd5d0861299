"""Pages of lists: one statement for a list, its filters, its order and where it goes on."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from flexdb.config import JsonFields
from flexdb.plan import Query
from flexdb.sql.loader import LISTS, brought, expand, make_query
from flexdb.sql.neighbors import neighbors


class Key(NamedTuple):
    """A column that a list is ordered by.

    :param expression: what it is computed of, where the rows do not have it; it is never null
    """

    column: str
    type: str
    direction: str
    expression: str = ""


NEWEST_FIRST = (Key("created_at", "timestamptz", "DESC"), Key("id", "uuid", "DESC"))
BY_RANK = (Key("rank", "real", "DESC"), Key("id", "uuid", "DESC"))
BY_USER = (Key("user_id", "uuid", "ASC"),)
LAST_RELATED_FIRST = (Key("related_at", "timestamptz", "DESC"),
                      Key("relationship_id", "uuid", "DESC"))
BY_TENANT = (Key("tenant_id", "uuid", "ASC"),)
# A list is not there when what it is of is not.
_SCOPES = {
    "tenant": "WHERE EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s)",
    "node": "WHERE EXISTS (SELECT FROM nodes n WHERE n.tenant_id = %(tenant_id)s"
            " AND n.id = %(id)s)",
    "webhook": "WHERE EXISTS (SELECT FROM flexdb_webhooks w WHERE w.tenant_id = %(tenant_id)s"
               " AND w.id = %(webhook_id)s)",
    "user": "WHERE EXISTS (SELECT FROM users u WHERE u.id = %(user_id)s)",
    "service": "",
    # Nor a list that an index serves where that is not there.
    "index": "WHERE {has_index}",
}


@lru_cache(maxsize=512)
def page_query(
    name: str, form: JsonFields, filters: tuple[str, ...], total: str, order: tuple[Key, ...],
    first: bool, condition: str = "", thing: str = "", of: str = "tenant", expanded: str = "",
    near: str = "", repeated: int = 0,
) -> Query:
    """Return the statement that gives one page of a list.

    :param name: the list's name
    :param form: how JSON columns are given back
    :param filters: the columns that must equal the arguments of the same names
    :param total: the SQL expression of the list's total count; ``{rows}`` in it stands for all
        rows of the list
    :param order: the keys of the list's order, which together are unique
    :param first: whether it is the first page; if not, arguments ``after_<key>`` say where it
        begins
    :param condition: a further condition on a row
    :param thing: what each row becomes, where it is not the whole object
    :param of: what must be there for the list to be there: a ``tenant``, one of its nodes or
        webhooks, an ``index``, a ``user``, or the ``service``, which always is
    :param expanded: what is brought along with each row; "" for nothing
    :param near: where the rows are to be a node's neighbours, the direction to these
    :param repeated: where one plan is to do for all calls that are like it, the most rows that
        they ask for; 0 where they may be too many to keep their plans
    """
    listing = LISTS[name]
    row = listing.alias
    own = rows_of(name, filters, condition, near)
    slots = shown_rows(row, own, order, expanded, repeated) | {
        "before": f"WITH {', '.join(f'{{{frame}}}' for frame in listing.slots)}" if listing.slots
                  else "",
        "object": f"{{{listing.object}}}",
        "rows": f"({own}) {row}",
        "total": total,
        "after": "" if first else f"WHERE {_after(order, row)}",
        "most": "%(page_size)s",
        "first": "row_number() OVER walk = 1 OR ",
        "bytes": "%(page_bytes)s",
        "last": ", ".join(
            f"CASE WHEN count(*) > count(*) FILTER (WHERE {row}.shown) THEN"
            f" (array_agg({row}.{key.column}) FILTER (WHERE {row}.shown))"
            f"[count(*) FILTER (WHERE {row}.shown)] END AS last_{key.column}"
            for key in order),
        "next": ", ".join(f"page.last_{key.column}::text" for key in order),
        "scope": _SCOPES[of] if "%(tenant_id)s" in own or of == "user" else "",
    }
    if listing.object != object_of(name):
        slots["weight"] += f" + {row}.relationship_size"
    if thing:
        slots[object_of(name)] = thing
    return make_query(name, expand("{page}", form, slots),
                      lasting=not (condition or (thing and not repeated)
                                   or any(key.expression for key in order)))


def rows_of(name: str, filters: tuple[str, ...], condition: str = "", near: str = "") -> str:
    """Return the statement that gives all rows of a list, as :func:`page_query` takes them."""
    listing = LISTS[name]
    rows = listing.text
    if near or listing.object == "neighbor":
        rows = neighbors(listing.alias, "%(id)s", "%(relationship_types)s", near or "both",
                         once=listing.object == "node", listed=True)
    rows += "".join(
        f"\nAND {listing.alias}.{column} = %({column})s" for column in filters)
    return rows + (f"\nAND ({condition})" if condition else "")


@lru_cache(maxsize=512)
def count_query(name: str, of: str, filters: tuple[str, ...], condition: str, total: str) -> Query:
    """Return the statement that gives the total count of a list.

    :param name: the operation's name
    :param of: that of the list; the rest is as :func:`page_query` takes it
    """
    rows = f"({rows_of(of, filters, condition)}) {LISTS[of].alias}"
    return make_query(name, expand("{count}", "value", {"rows": rows, "total": total}))


# The SQL of queries, of whose shapes there is no end, may not push that of the plain lists out.
queried_page_query = lru_cache(maxsize=512)(page_query.__wrapped__)


def object_of(name: str) -> str:
    """Return which object the rows of a list are: a neighbor is a node, and a relationship with it.
    """
    return {"neighbor": "node"}.get(LISTS[name].object, LISTS[name].object)


def shown_rows(row: str, rows: str, order: tuple[Key, ...], expanded: str = "",
               repeated: int = 0) -> dict[str, str]:
    """Return what fills the slots of the frame ``shown`` that depend on a list's rows.

    :param row: the alias of a row
    :param rows: the SQL of all rows of the list
    :param order: the keys of its order
    :param expanded: the SQL of what is brought along with a row; "" for nothing
    :param repeated: as :func:`page_query` takes it
    """
    computed = "".join(f", {key.expression} AS {key.column}" for key in order if key.expression)
    return {
        "row": row,
        "list": f"SELECT {row}.*{computed} FROM ({rows}) {row}" if computed else rows,
        "taken": "{some_by_one_plan}" if repeated else "{some}",
        "largest": str(repeated),
        "order": ", ".join(f"{row}.{key.column} {key.direction}" for key in order),
        "further": expanded and ", brought.expanded",
        "weight": f"{row}.size{{brought_size}}",
        **brought(expanded),
    }


def is_of_tenant(name: str) -> bool:
    """Tell whether a list's rows are a tenant's, and not those of the whole service."""
    return "%(tenant_id)s" in LISTS[name].text


def _after(order: tuple[Key, ...], row: str) -> str:
    """Return the condition that a row comes after the arguments ``after_<key>``."""
    signs = {"ASC": ">", "DESC": "<"}
    columns = [f"{row}.{key.column}" for key in order]
    values = [f"%(after_{key.column})s::{key.type}" for key in order]
    if len({key.direction for key in order}) == 1:
        sign = signs[order[0].direction]
        return f"({', '.join(columns)}) {sign} ({', '.join(values)})"
    condition = "FALSE"
    for key, column, value in list(zip(order, columns, values))[::-1]:
        sign = signs[key.direction]
        condition = f"({column} {sign} {value} OR ({column} = {value} AND {condition}))"
    return condition
