"""What flexdb does. Importing this package registers every operation."""

from flexdb.services import (  # noqa: F401
    graph, node_types, nodes, relationships, tenants, upkeep, users)
