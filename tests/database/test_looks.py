"""How a worker looks whether something changed: by indexes, at little of each tenant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flexdb.config import Settings
from flexdb.plan import Statement
from flexdb.sql.loader import STATEMENTS
from tests.support.plans import nodes_of, pages_read, run_statement
from tests.support.postgres import connect
from tests.support.service import Service

pytestmark = pytest.mark.long

TENANTS = 60


def test_a_look_reads_few_pages_of_each_tenant_and_tells_who_has_news(
        new_database: Callable[..., Settings]) -> None:
    service = Service.of(new_database())
    with connect(service.settings) as database:
        database.execute("INSERT INTO tenants (id, slug, name) SELECT gen_random_uuid(), "
                         "'tenant-' || n, 'A tenant' FROM generate_series(1, %s) n", [TENANTS])
        database.execute("INSERT INTO node_types (id, tenant_id, name) "
                         "SELECT gen_random_uuid(), t.id, 'Thing' FROM tenants t")
        database.execute("INSERT INTO nodes (id, tenant_id, node_type_id, data) "
                         "SELECT gen_random_uuid(), t.tenant_id, t.id, '{}' "
                         "FROM node_types t, generate_series(1, 30)")
        ids = [str(id) for (id,) in database.execute("SELECT t.id FROM tenants t").fetchall()]
        for _ in range(2):
            for id in ids:
                database.execute("SELECT flexdb_number_changes(%s, 1000)", [id])
        database.execute("DELETE FROM nodes n WHERE n.tenant_id = %s", [ids[0]])
        database.execute("ANALYZE")
    statement = Statement(STATEMENTS["value"]["look_at_changes"],
                          {"tenants": "{%s}" % ",".join(ids), "is_blind": False})
    for generic in (False, True):
        plan, (told,) = run_statement(service, statement, generic)
        assert [id for id, (_, has_more) in told.items() if has_more] == [ids[0]]
        assert {position.split(".")[2] for position, _ in told.values()} == {"31"}
        scans = {node["Relation Name"] for node in nodes_of(plan)
                 if node["Node Type"] == "Seq Scan"}
        assert not scans & {"flexdb_changes", "flexdb_change_positions"}
        # A few pages of each index, not all that ever changed.
        assert pages_read(plan) < 12 * TENANTS
    service.close()
