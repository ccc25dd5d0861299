"""What the ledger of totals says, held against the rows themselves."""

from __future__ import annotations

from typing import Any

import psycopg

# Every list and key that there is or that the ledger knows, where the two do not agree.
DIFFERENCES = b"""
WITH there (tenant_id, list, key, total) AS (
    SELECT flexdb_nil(), 'tenants', flexdb_nil(), count(*) FROM tenants
    UNION ALL SELECT flexdb_nil(), 'users', flexdb_nil(), count(*) FROM users
    UNION ALL SELECT tenant_id, 'tenant_users', flexdb_nil(), count(*) FROM tenant_users GROUP BY 1
    UNION ALL SELECT tenant_id, 'node_types', flexdb_nil(), count(*) FROM node_types GROUP BY 1
    UNION ALL SELECT tenant_id, 'nodes', flexdb_nil(), count(*) FROM nodes GROUP BY 1
    UNION ALL SELECT tenant_id, 'nodes', flexdb_list_key(node_type_id::text), count(*)
              FROM nodes GROUP BY 1, 3
    UNION ALL SELECT tenant_id, 'relationships', flexdb_nil(), count(*)
              FROM relationships GROUP BY 1
    UNION ALL SELECT tenant_id, 'relationships', flexdb_list_key(relationship_type), count(*)
              FROM relationships GROUP BY 1, 3
), known AS (
    SELECT tenant_id, list, key FROM there
    UNION SELECT tenant_id, list, key FROM flexdb_counts
    UNION SELECT tenant_id, list, key FROM flexdb_count_changes
    UNION SELECT tenant_id, list, flexdb_nil() FROM flexdb_count_changes
)
SELECT tenant_id, list, key, flexdb_total_count(tenant_id, list, key), coalesce(total, 0)
FROM known LEFT JOIN there USING (tenant_id, list, key)
WHERE flexdb_total_count(tenant_id, list, key) <> coalesce(total, 0)
"""


def differences(connection: psycopg.Connection) -> list[Any]:
    """Return every total that is wrong: its tenant, list and key, what is told and what is so."""
    return connection.execute(DIFFERENCES).fetchall()
