"""What flexdb does. Importing this package registers every operation."""

from flexdb.services import (  # noqa: F401
    node_types, nodes, relationships, tenants, users, graph, bulk, upkeep, transactions)
