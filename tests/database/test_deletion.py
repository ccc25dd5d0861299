"""What the deletion of a large tenant asks of PostgreSQL, and of other tenants."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flexdb.config import Settings
from tests.support.postgres import connect
from tests.support.service import Service

# Foreign keys whose rows no index finds: of each row that goes, a cascade would read all others.
# Of relationship types there are few; the keys of their tenant are found, and read for each.
_OF_FEW = "flexdb_relationship_keys_type_fkey"
_UNSERVED = """
SELECT c.conrelid::regclass::text, c.conname
FROM pg_constraint c
WHERE c.contype = 'f' AND c.conname <> %s AND NOT EXISTS (
    SELECT FROM pg_index i
    WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL
      AND (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] <@ c.conkey
      AND (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)"""


def test_an_index_finds_what_goes_along_by_every_foreign_key(
        new_database: Callable[..., Settings]) -> None:
    with connect(new_database()) as connection:
        assert connection.execute(_UNSERVED, [_OF_FEW]).fetchall() == []
        connection.execute("DROP INDEX relationships_by_target")
        assert connection.execute(_UNSERVED, [_OF_FEW]).fetchall() == [
            ("relationships", "relationships_target_node_id_fkey")]


@pytest.mark.parametrize("statement", [
    "DELETE FROM tenants WHERE id = %s", "DELETE FROM node_types WHERE tenant_id = %s"])
def test_no_other_tenant_waits_for_the_deletion_of_one(
        new_database: Callable[..., Settings], statement: str) -> None:
    # Whoever waits is told so, well before the deletion ends.
    service = Service.of(new_database(statement_timeout=5.0))
    try:
        gone, other = (service.call("create_tenant", slug=slug, name="T")["tenant"]["id"]
                       for slug in ("gone", "other"))
        types = {tenant: service.call("create_node_type", tenant_id=tenant, name="T")[
            "node_type"]["id"] for tenant in (gone, other)}
        for tenant, node_type in types.items():
            service.call("create_nodes", tenant_id=tenant,
                         nodes=[{"node_type_id": node_type, "data": {"n": n}} for n in range(300)])
        with connect(service.settings) as connection, connection.transaction(force_rollback=True):
            assert connection.execute(statement, [gone]).rowcount == 1
            node = service.call("create_node", tenant_id=other, node_type_id=types[other],
                                data={"n": 7})["node"]
            service.call("update_node", tenant_id=other, id=node["id"], data={"n": 8})
            service.call("create_relationship", tenant_id=other, source_node_id=node["id"],
                         target_node_id=node["id"], relationship_type="leads_to")
            listed = service.call("list_nodes", tenant_id=other)
            assert listed["pagination"]["total_count"] == 301
            service.call("delete_node", tenant_id=other, id=node["id"])
            service.call("update_node_type", tenant_id=other, id=types[other], name="U")
    finally:
        service.close()
