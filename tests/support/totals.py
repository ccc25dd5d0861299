"""What the ledger of totals says, held against the rows themselves."""

from __future__ import annotations

from typing import Any

import psycopg

# Every list and key that there is or that the ledger knows, where the two do not agree.
DIFFERENCES = b"""
WITH there (tenant_id, list, key, total) AS (
    SELECT nil(), 'tenants', nil(), count(*) FROM tenants
    UNION ALL SELECT nil(), 'users', nil(), count(*) FROM users
    UNION ALL SELECT tenant_id, 'tenant_users', nil(), count(*) FROM tenant_users GROUP BY 1
    UNION ALL SELECT tenant_id, 'node_types', nil(), count(*) FROM node_types GROUP BY 1
    UNION ALL SELECT tenant_id, 'nodes', nil(), count(*) FROM nodes GROUP BY 1
    UNION ALL SELECT tenant_id, 'nodes', list_key(node_type_id::text), count(*)
              FROM nodes GROUP BY 1, 3
    UNION ALL SELECT tenant_id, 'relationships', nil(), count(*) FROM relationships GROUP BY 1
    UNION ALL SELECT tenant_id, 'relationships', list_key(relationship_type), count(*)
              FROM relationships GROUP BY 1, 3
), known AS (
    SELECT tenant_id, list, key FROM there
    UNION SELECT tenant_id, list, key FROM counts
    UNION SELECT tenant_id, list, key FROM count_changes
    UNION SELECT tenant_id, list, nil() FROM count_changes
)
SELECT tenant_id, list, key, total_count(tenant_id, list, key), coalesce(total, 0)
FROM known LEFT JOIN there USING (tenant_id, list, key)
WHERE total_count(tenant_id, list, key) <> coalesce(total, 0)
"""


def differences(connection: psycopg.Connection) -> list[Any]:
    """Return every total that is wrong: its tenant, list and key, what is told and what is so."""
    return connection.execute(DIFFERENCES).fetchall()
