"""All SQL that flexdb sends, with every kind of filter, order and caller."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import orjson

from flexdb.config import JsonFields
from flexdb.context import Context
from flexdb.contract.operation import OPERATIONS
from flexdb.db.fence import NAMED_BY
from flexdb.plan import Query, Statement
from flexdb.sql.loader import CLEARS, EXPORTS, FORMS, LISTS, make_query
from flexdb.sql.pages import BY_RANK, BY_TENANT, BY_USER, NEWEST_FIRST, Key, page_query
from flexdb.sql.sights import Sight, seen
from tests.support.statements import statements

A, B = "01a208bc-3d00-7d5c-861e-e1a8d0a9b837", "01a208bc-3d00-7d5c-861e-e1a8d0a9b838"
# What a caller with rules sees of records.
SIGHT = Sight("n.version = %(a)s OR (n.data @> %(b)s)", "n.version = %(a)s")
FILTERS = [
    {"id": A}, {"data.a": 1}, {"data.a.b": {"$in": ["x", None]}}, {"data.*": {"$exists": False}},
    {"$or": [{"version": {"$gt": 1}}, {"data.a": {"$contains": 1}}]},
    {"$not": {"data.a": {"$startswith": "x"}}, "created_at": {"$lt": "2024-01-01T00:00:00Z"}},
    {"$and": [{"data.a": {"$nin": [1, "x"]}}, {"data.a": {"$lte": 2}}]},
]
# As a bound caller would write them who wants to see more.
FILTERS += [{path: value} for value in ("' OR true --", ") OR (true") for path in (
    "data.a", "data.' OR true --", 'data.") OR (true"')]


def planned(forms: tuple[JsonFields, ...]) -> Iterator[Query]:
    """Give the statements of lists, walks and deletions by filters, sorts and fields."""
    for form in forms:
        context = Context(json_fields=form)
        for name in ("list_nodes", "list_relationships", "traverse", "delete_nodes", "count_nodes"):
            operation = OPERATIONS[name]
            given = {"tenant_id": A, "start": B, "max_affected": 5, "filter": FILTERS[0]}
            for asked in [{"filter": one} for one in FILTERS] + [
                    {"filter": FILTERS[1], "sort": ["-data.a", "version"], "fields": ["data.b"]},
                    {"sort": "created_at", "count": "exact"}, {"count": "none"}]:
                params = {key: value for key, value in (given | asked).items()
                          if key in operation.fields}
                plan = operation.plan(context, params, partial(orjson.dumps, params))
                assert isinstance(plan, Statement)
                yield plan.query
        for name in ("aggregate_nodes", "aggregate_relationships"):
            params = {"tenant_id": A, "filter": FILTERS[1], "group_by": {"a": "data.a"},
                      "measures": {"b": "sum(data.b)"}, "having": {"b": 1}, "sort": ["-b"]}
            plan = OPERATIONS[name].plan(context, params, partial(orjson.dumps, params))
            assert isinstance(plan, Statement)
            yield plan.query


def across() -> Iterator[Query]:
    """Give statements that go along relationships."""
    near = {"$related": {"type": "x", "filter": {"data.a": 1}}}
    further = {"a": {"direction": "out", "sort": ["data.a"], "count": True},
               "b": {"direction": "in", "expand": {"c": {"direction": "in", "filter": near}}}}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_nodes", {"filter": {"$not": near}}),
        ("list_nodes", {"related_to": {"node": B}, "count": "exact"}),
        ("get_node", {"id": B, "expand": further}), ("delete_nodes", {"filter": near}),
        ("get_neighbors", {"id": B, "direction": "in", "fields": ["id"], "count": "none"})]
    for name, params in calls:
        plan = OPERATIONS[name].plan(Context(), {"tenant_id": A} | params,
                                     partial(orjson.dumps, {"tenant_id": A} | params))
        assert isinstance(plan, Statement)
        yield plan.query


def pages(forms: tuple[JsonFields, ...]) -> Iterator[Query]:
    """Give the pages of every list."""
    changed = (Key("seq", "bigint", "DESC"),)
    orders: dict[str, list[tuple[Key, ...]]] = {
        "list_events": [(Key("at", "timestamptz", "DESC"), Key("id", "uuid", "DESC"))],
        "list_deliveries": [(NEWEST_FIRST[0], Key("position", "bigint", "DESC"))],
        "get_node_history": [changed], "get_relationship_history": [changed],
        "list_deleted_nodes": [changed], "best_nodes": [BY_RANK],
        "list_tenant_users": [BY_USER], "list_user_tenants": [BY_TENANT],
        "list_nodes": [NEWEST_FIRST, (Key("sort_0", "jsonb", "ASC", "n.data"), *NEWEST_FIRST)]}
    scopes = {"get_neighbors": "node", "indexed_nodes": "index", "list_deliveries": "webhook",
              "list_user_tenants": "user"}
    filters: dict[str, list[tuple[str, ...]]] = {
        "list_nodes": [(), ("node_type_id",)], "list_events": [(), ("tenant_id", "caller")],
        "list_relationships": [(), ("source_node_id", "relationship_type")]}
    for form, name, first in product(forms, LISTS, (True, False)):
        for given, order in product(filters.get(name, [()]), orders.get(name, [NEWEST_FIRST])):
            yield page_query(name, form, given, "(SELECT count(*) FROM {rows})", order, first,
                             of=scopes.get(name, "tenant"))


def all_queries(forms: tuple[JsonFields, ...] = FORMS) -> dict[str, Query]:
    """Return all that can be sent, each text once.

    :param forms: those in which JSON columns are given
    """
    exports = [make_query(f"export_{name}", text.decode()) for name, text in EXPORTS.items()]
    exports += [make_query("clear", text.decode()) for text in CLEARS]
    found = [*statements(forms), *pages(forms), *planned(forms), *across()]
    held = [seen(query, SIGHT) for query in found]
    return {query.text.decode(): query for query in [*exports, *found, *held]}


def tenant_in(query: Query) -> int:
    """Return the number of the argument that is the tenant; 0 where there is none."""
    name = NAMED_BY.get(query.name, "tenant_id")
    return query.arguments.index(name) + 1 if name in query.arguments else 0
