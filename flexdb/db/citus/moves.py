"""Moving shards from one machine to another, by Citus's own functions."""

from __future__ import annotations

from collections.abc import Iterator

from flexdb.config import Settings
from flexdb.db.citus.cluster import (
    Database,
    DistributionError,
    check_citus,
    is_distributed,
    is_logical,
    scalar,
)
from flexdb.db.citus.tables import FIRST
from flexdb.db.migrate import connected

_FAILED = "no shard was moved"
_PLAN = """
    SELECT format('shard %s with %s MB from %s:%s to %s:%s', p.shardid,
                  round(p.shard_size / 1e6, 1), p.sourcename, p.sourceport, p.targetname,
                  p.targetport)
    FROM get_rebalance_table_shards_plan() p
"""
_FIND = """
    SELECT t.id::text FROM tenants t WHERE t.id::text = lower(%s) OR t.slug = %s
    ORDER BY t.slug = %s LIMIT 1
"""
# It is where the shards of all tables of its are.
_WHERE = """
    SELECT s.nodename || ':' || s.nodeport FROM citus_shards s WHERE s.shardid = %s
"""
_ALONE = """
    SELECT s.shardminvalue = s.shardmaxvalue FROM pg_dist_shard s
    WHERE s.shardid = get_shard_id_for_distribution_column(%s, %s::uuid)
"""


def rebalance(settings: Settings, only_check: bool) -> Iterator[str]:
    """Move shards until all machines have about as much, and give a line on each thing to know.

    :param only_check: whether to give what would be moved, and move nothing
    :raises DistributionError: when the database is not distributed
    :raises MigrationError: when Citus refuses, as while it is at it already
    :raises NotReachable: when PostgreSQL does not answer
    """
    with connected(settings, _FAILED) as connection:
        mode = _mode(connection)
        plan = [row[0] for row in connection.execute(_PLAN.encode())]
        if not plan:
            yield "nothing to do: all machines have about as much"
            return
        yield from plan
        if only_check:
            return
        yield f"moving {len(plan)}; who stops waiting does not stop it"
        job = scalar(connection, "SELECT citus_rebalance_start(shard_transfer_mode => "
                     "%s::citus.shard_transfer_mode)", mode)
        if job is not None:
            connection.execute("SELECT citus_job_wait(%s)", (job,))
        yield "moved"


def isolate(settings: Settings, tenant: str) -> Iterator[str]:
    """Give a tenant shards of its own, and give a line on each thing to know.

    :param tenant: its slug or id
    :raises DistributionError: when there is none, or the database is not distributed
    :raises MigrationError: when Citus refuses
    :raises NotReachable: when PostgreSQL does not answer
    """
    with connected(settings, _FAILED) as connection:
        mode = _mode(connection)
        if (id := scalar(connection, _FIND, tenant, tenant, tenant)) is None:
            raise DistributionError(f"there is no tenant {tenant}")
        if scalar(connection, _ALONE, FIRST, id):
            yield f"nothing to do: {tenant} has shards of its own"
            return
        shard = scalar(connection, "SELECT isolate_tenant_to_new_shard(%s, %s::uuid, 'CASCADE', "
                       "shard_transfer_mode => %s::citus.shard_transfer_mode)", FIRST, id, mode)
        yield (f"{tenant} has shards of its own, at {scalar(connection, _WHERE, shard)}: "
               "`flexdb rebalance` takes them into account")


def _mode(connection: Database) -> str:
    """Return how shards are moved: while they are written to, where each log allows it."""
    check_citus(connection)
    if not is_distributed(connection):
        raise DistributionError("the database is not distributed: run `flexdb distribute` first")
    return "force_logical" if is_logical(connection) else "block_writes"
