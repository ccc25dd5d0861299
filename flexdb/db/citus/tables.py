"""Where each table is when the database is distributed.

A tenant's rows are all on one machine, as each key of theirs begins with its id. What belongs to no
tenant, and is read together with what does, is on each machine.
"""

from __future__ import annotations

from enum import Enum


class Spread(Enum):
    """Where the rows of a table are."""

    DISTRIBUTED = "by its tenant on one of the workers"
    REFERENCE = "on each machine"
    LOCAL = "on the coordinator alone"


# The first of each kind first, and whom a foreign key leads to before the table that has it.
TABLES: dict[str, Spread] = {
    "users": Spread.REFERENCE,
    "tenants": Spread.REFERENCE,
    # Of no tenant where they are an operator's; whoever calls is looked up by the secret alone.
    "flexdb_keys": Spread.REFERENCE,
    # One row, which is read together with a tenant's changes.
    "flexdb_feed": Spread.REFERENCE,
    # Otherwise a service that is led to a worker takes the database for one without tables.
    "_yoyo_migration": Spread.REFERENCE,

    "tenant_users": Spread.DISTRIBUTED,
    "node_types": Spread.DISTRIBUTED,
    "nodes": Spread.DISTRIBUTED,
    "relationships": Spread.DISTRIBUTED,
    "flexdb_counts": Spread.DISTRIBUTED,
    "flexdb_count_changes": Spread.DISTRIBUTED,
    "flexdb_limits": Spread.DISTRIBUTED,
    "flexdb_roles": Spread.DISTRIBUTED,
    "flexdb_invitations": Spread.DISTRIBUTED,
    "flexdb_usage": Spread.DISTRIBUTED,
    "flexdb_declarations": Spread.DISTRIBUTED,
    "flexdb_unique": Spread.DISTRIBUTED,
    "flexdb_search": Spread.DISTRIBUTED,
    "flexdb_index": Spread.DISTRIBUTED,
    "flexdb_index_builds": Spread.DISTRIBUTED,
    "flexdb_relationship_types": Spread.DISTRIBUTED,
    "flexdb_relationship_keys": Spread.DISTRIBUTED,
    "flexdb_changes": Spread.DISTRIBUTED,
    "flexdb_change_positions": Spread.DISTRIBUTED,
    "flexdb_change_heads": Spread.DISTRIBUTED,
    "flexdb_histories": Spread.DISTRIBUTED,
    "flexdb_idempotency_keys": Spread.DISTRIBUTED,
    "flexdb_webhooks": Spread.DISTRIBUTED,
    "flexdb_deliveries": Spread.DISTRIBUTED,

    # Its statements name no other table, and take the oldest of all tenants.
    "flexdb_events": Spread.LOCAL,
    # Likewise; and being unlogged, it could not be moved while it is written to.
    "flexdb_rate_usage": Spread.LOCAL,
    # What migrations alone read.
    "schema_migrations": Spread.LOCAL,
    "_yoyo_log": Spread.LOCAL,
    "_yoyo_version": Spread.LOCAL,
    "yoyo_lock": Spread.LOCAL,
}
# The table that all others lie beside, and the column that says with which of its rows.
FIRST, COLUMN = "tenant_users", "tenant_id"
# What a trigger of the tenants takes away with a tenant, a foreign key takes away there: a trigger
# of a table that is on each machine would run on each.
FORGOTTEN = ("flexdb_counts", "flexdb_count_changes", "flexdb_changes", "flexdb_change_positions",
             "flexdb_change_heads")


def tables_of(place: Spread) -> list[str]:
    """Return the tables that are there, each behind those that it leads to."""
    return [table for table, its_place in TABLES.items() if its_place is place]
