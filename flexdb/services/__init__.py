"""What flexdb does. Importing this package registers every operation."""

from flexdb.services import (  # noqa: F401
    bulk, node_types, nodes, relationships, tenants, transactions, users)
