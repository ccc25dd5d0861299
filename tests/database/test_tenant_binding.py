"""All SQL that flexdb sends: no statement sees a row of another tenant than the one it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import orjson
import pytest

from flexdb.context import Context
from flexdb.contract.operation import OPERATIONS
from flexdb.db.fence import NAMED_BY
from flexdb.plan import Query, Statement
from flexdb.sql.loader import CLEARS, EXPORTS, FORMS, LISTS, make_query
from flexdb.sql.pages import BY_TENANT, BY_USER, NEWEST_FIRST, Key, page_query
from flexdb.sql.sights import Sight, seen
from tests.support.binding import TABLES, read, without_each
from tests.support.statements import statements

# What sees more than one tenant, and why: of each statement, what is bound to none.
OF_ALL = {
    # The operators' own.
    "list_tenants": ["tenants t"], "create_tenant": ["tenants other", "tenants t"],
    "list_operator_keys": ["flexdb_keys k"], "has_operator_key": ["flexdb_keys k"],
    "delete_operator_key": ["flexdb_keys k"], "before_operator_keys": ["flexdb_keys k"],
    # A slug is one tenant's among all; a tenant's caller does not change it.
    "update_tenant": ["tenants other"],
    # Asked for who sees all alone.
    "find_absent_tenants": ["tenants t"],
    # What a worker counted, of all tenants that asked it.
    "add_usage": ["tenants t"],
    # What a worker asks of all tenants whose changes somebody listens to, who was let do that.
    "look_at_changes": ["flexdb_change_heads h", "flexdb_change_positions p", "flexdb_changes c"],
    # Whose it is, is what is asked.
    "find_tenant": ["tenants t"], "find_key": ["flexdb_keys k", "tenants t"],
    "note_key": ["flexdb_keys k"], "find_claimed": ["tenants t"],
    "find_memberships": ["tenant_users tu", "tenants t"],
    # What the command of indexes shows to who runs it on the machine.
    "list_indexes": ["flexdb_declarations d", "flexdb_index_builds b", "tenants t"],
    # Whoever delivers looks at once for whom there is something to do; and what is too old goes.
    "find_due_webhooks": ["flexdb_change_heads h", "flexdb_change_positions p", "flexdb_changes c",
                          "flexdb_deliveries d", "flexdb_webhooks w"],
    "remove_ended_deliveries": ["flexdb_deliveries d", "flexdb_webhooks w"],
    # Numbers alone, for who runs the service.
    "webhook_figures": ["flexdb_change_positions behind", "flexdb_change_positions p",
                        "flexdb_changes c", "flexdb_deliveries d", "flexdb_webhooks w"],
    "tenant_sizes": ["tenants t"], "upkeep_figures": ["flexdb_idempotency_keys k",
                                                      "flexdb_index_builds b"],
    # Arrays of tenants, of which the fence lets a caller name the own alone.
    "lock_tenants": ["tenants t"], "get_member": ["tenant_users tu"],
    "get_member_by_email": ["tenant_users tu"], "get_tenant_by_slug": ["tenants t"],
    "list_user_tenants": ["tenant_users tu", "tenants t"],
    # The operators' own, where no tenant is asked for; and what is too old goes, whosever it was.
    "list_events": ["flexdb_events e"], "note_event": ["flexdb_events e", "flexdb_events o"],
}
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


def planned() -> Iterator[Query]:
    """Give the statements of lists, walks and deletions by filters, sorts and fields."""
    for form in FORMS:
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


def pages() -> Iterator[Query]:
    """Give the pages of every list."""
    orders: dict[str, list[tuple[Key, ...]]] = {
        "list_tenant_users": [BY_USER], "list_user_tenants": [BY_TENANT],
        "list_nodes": [NEWEST_FIRST, (Key("sort_0", "jsonb", "ASC", "n.data"), *NEWEST_FIRST)]}
    filters: dict[str, list[tuple[str, ...]]] = {
        "list_nodes": [(), ("node_type_id",)], "list_events": [(), ("tenant_id", "caller")],
        "list_relationships": [(), ("source_node_id", "relationship_type")]}
    for form, name, first in product(FORMS, LISTS, (True, False)):
        for given, order in product(filters.get(name, [()]), orders.get(name, [NEWEST_FIRST])):
            yield page_query(name, form, given, "(SELECT count(*) FROM {rows})", order, first,
                             of="node" if name == "get_neighbors" else "tenant")


def all_queries() -> dict[str, Query]:
    """Return all that can be sent, each text once."""
    exports = [make_query(f"export_{name}", text.decode()) for name, text in EXPORTS.items()]
    exports += [make_query("clear", text.decode()) for text in CLEARS]
    found = [*statements(), *pages(), *planned(), *across()]
    held = [seen(query, SIGHT) for query in found]
    return {query.text.decode(): query for query in [*exports, *found, *held]}


def tenant_in(query: Query) -> int:
    """Return the number of the argument that is the tenant; 0 where there is none."""
    name = NAMED_BY.get(query.name, "tenant_id")
    return query.arguments.index(name) + 1 if name in query.arguments else 0


ALL = all_queries()
EACH = pytest.mark.parametrize("sql", ALL, ids=lambda sql: ALL[sql].name)


@EACH
def test_each_reference_to_a_table_of_tenants_is_bound_to_the_tenant(sql: str) -> None:
    query = ALL[sql]
    found = read(sql, tenant_in(query))
    unbound = OF_ALL.get(query.name, [])
    if query.name == "list_events" and tenant_in(query):
        unbound = []
    assert sorted(set(found.unbound)) == unbound
    # None was passed by.
    words = re.findall(rf"(?:FROM|JOIN|INTO|UPDATE|,) ({'|'.join(TABLES)})\b", sql)
    assert found.references == len(words)


@EACH
def test_without_one_of_its_conditions_on_the_tenant_it_would_not_be(sql: str) -> None:
    query = ALL[sql]
    unbound = read(sql, tenant_in(query)).unbound
    for changed in without_each(sql, tenant_in(query)):
        assert len(changed.unbound) > len(unbound)
    # And with none of them, or with another argument in the tenant's place, nothing is bound.
    bare = read(sql, 0)
    assert len(bare.unbound) == bare.references


def test_what_is_named_as_seeing_all_tenants_is_sent() -> None:
    assert OF_ALL.keys() <= {query.name for query in ALL.values()}


@pytest.mark.parametrize("sql, unbound", [
    ("SELECT n.id FROM nodes n", ["nodes n"]),
    ("SELECT n.id FROM nodes n WHERE n.tenant_id = $2", ["nodes n"]),
    ("SELECT n.id FROM nodes n WHERE n.tenant_id = $1 OR n.id = $2", ["nodes n"]),
    ("SELECT n.id FROM nodes n WHERE NOT n.tenant_id = $1", ["nodes n"]),
    ("SELECT n.id FROM nodes n WHERE n.tenant_id <> $1", ["nodes n"]),
    ("SELECT n.id FROM nodes n WHERE n.id = $1", ["nodes n"]),
    ("SELECT n.id FROM nodes n LEFT JOIN node_types t ON t.tenant_id = $1 AND n.tenant_id = $1",
     ["nodes n"]),
    ("SELECT n.id FROM nodes n JOIN node_types t ON t.tenant_id = n.tenant_id",
     ["nodes n", "node_types t"]),
    ("SELECT (SELECT n.data FROM nodes n WHERE n.id = r.source_node_id) FROM relationships r "
     "WHERE r.tenant_id = $1", ["nodes n"]),
    ("WITH f AS (SELECT n.id FROM nodes n WHERE n.tenant_id = $1) "
     "DELETE FROM nodes n USING f WHERE n.id = f.id", ["nodes n"]),
    ("INSERT INTO nodes (id, tenant_id) VALUES ($2, $1), ($3, $3)", ["nodes nodes"]),
    ("INSERT INTO nodes (tenant_id, id) SELECT n.id, $1 FROM nodes n WHERE n.tenant_id = $1",
     ["nodes nodes"]),
    ("UPDATE nodes n SET tenant_id = $2 WHERE n.tenant_id = $1",
     ["nodes: another tenant_id is set"]),
    ("SELECT x.id FROM (SELECT n.id, n.tenant_id FROM nodes n WHERE n.tenant_id = $1 UNION ALL "
     "SELECT n.id, n.id FROM nodes n WHERE n.tenant_id = $1) x JOIN nodes o "
     "ON o.tenant_id = x.tenant_id", ["nodes o"]),
    ("SELECT n.id FROM nodes n WHERE n.tenant_id = $1", []),
    ("SELECT n.id FROM nodes n JOIN node_types t ON t.tenant_id = n.tenant_id "
     "WHERE n.tenant_id = $1::uuid", []),
    ("INSERT INTO nodes (id, tenant_id) VALUES ($2, $1), ($3, $1)", []),
    ("INSERT INTO nodes (tenant_id, id) SELECT t.id, $2 FROM tenants t WHERE t.id = $1", []),
])
def test_the_reader_tells_what_is_bound_from_what_is_not(sql: str, unbound: list[str]) -> None:
    assert read(sql, 1).unbound == unbound
