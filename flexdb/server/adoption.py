"""What is told of a database when migrations were applied to it, since it may be an adopted one."""

from __future__ import annotations

import logging

from flexdb.config import Settings
from flexdb.db.migrate import stored_schemas
from flexdb.documents.schemas import compile_schema
from flexdb.errors import InvalidParams

logger = logging.getLogger(__name__)

MOST_TOLD = 100


def tell_unusable_schemas(settings: Settings) -> None:
    """Warn of each node type whose stored schema is no JSON Schema, up to 100, and say what to do.

    :raises NotReachable: when PostgreSQL does not answer
    :raises MigrationError: when they cannot be read
    """
    found = 0
    for tenant_id, id, name, text in stored_schemas(settings):
        try:
            compile_schema(text.encode())
        except InvalidParams as error:
            found += 1
            if found <= MOST_TOLD:
                (wrong,) = error.data["fields"]["schema"]
                logger.warning("The schema of node type %s (%r) of tenant %s %s", id, name[:64],
                               tenant_id, wrong)
    if not found:
        return
    held = {"all": "Nothing can be written to the nodes of", "valid": "Nothing is checked for",
            "none": "As no other, no schema is checked for"}[settings.enforce_schemas]
    logger.warning("%s %d node types, whose schema is no JSON Schema: give each another, or null, "
                   "with update_node_type; ENFORCE_SCHEMAS says whether they hold", held, found)
