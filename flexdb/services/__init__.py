"""What flexdb does. Importing this package registers every operation."""

from flexdb.services import node_types, nodes, relationships, tenants, users  # noqa: F401
