"""What flexdb does, one file per thing. Importing this package registers every operation.

It may know query, contract, documents, sql, plan, context and errors; nothing of HTTP, of
PostgreSQL's driver or of settings.
"""

from flexdb.operations import (  # noqa: F401
    node_types, nodes, relationships, tenants, users, graph, bulk, checks, transactions)
