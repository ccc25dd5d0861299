"""What flexdb does, one file per thing. Importing this package registers every operation, and what
stands around them.

It may know access, query, contract, documents, sql, plan, context and errors; nothing of HTTP, of
PostgreSQL's driver or of settings.
"""

from flexdb.contract import asked  # noqa: F401
from flexdb.operations import (  # noqa: F401
    aggregates,
    bulk,
    changes,
    checks,
    conditions,
    deliveries,
    erasure,
    events,
    explains,
    graph,
    history,
    invitations,
    keys,
    limits,
    node_types,
    nodes,
    operator_keys,
    relationship_types,
    relationships,
    restores,
    roles,
    rules,
    tenants,
    transactions,
    updates,
    upserts,
    usage,
    users,
    webhooks,
)
