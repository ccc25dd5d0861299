"""What flexdb does. Importing this package registers every operation."""

from flexdb.operations import (  # noqa: F401
    node_types, nodes, relationships, tenants, users, graph, bulk, checks as upkeep, transactions)
