"""All SQL that flexdb sends: no statement sees a row of another tenant than the one it names."""

from __future__ import annotations

import re

import pytest

from tests.support.binding import TABLES, read, without_each
from tests.support.queries import all_queries, tenant_in

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
