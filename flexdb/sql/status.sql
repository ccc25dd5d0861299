-- read: server_figures -> object
-- Whoever may connect sees them: how many connections the server has, and how many of them are ours.
SELECT json_build_object(
    'version', current_setting('server_version'),
    'database', current_database(),
    'bytes', pg_database_size(current_database()),
    'connections', (SELECT sum(d.numbackends) FROM pg_stat_database d),
    'limit', current_setting('max_connections')::int
             - current_setting('superuser_reserved_connections')::int,
    'own', (SELECT count(*) FROM pg_stat_activity a
            WHERE a.application_name = 'flexdb' AND a.datname = current_database())) AS object

-- read: tenant_sizes -> object
-- By the ledger, in which a change of a type's list is also one of the whole.
WITH sizes AS (
    SELECT c.tenant_id,
           coalesce(sum(c.total) FILTER (WHERE c.list = 'nodes'), 0)::bigint AS nodes,
           coalesce(sum(c.total) FILTER (WHERE c.list = 'relationships'), 0)::bigint
           AS relationships,
           sum(c.bytes)::bigint AS bytes
    FROM (
        SELECT c.tenant_id, c.list, c.total, c.bytes
        FROM flexdb_counts c
        WHERE c.key = flexdb_nil()
        UNION ALL
        SELECT d.tenant_id, d.list, d.change, d.bytes
        FROM flexdb_count_changes d
    ) c
    WHERE c.tenant_id <> flexdb_nil()
    GROUP BY c.tenant_id
)
SELECT json_build_object(
    'count', (SELECT count(*) FROM tenants t),
    'nodes', coalesce(sum(s.nodes), 0), 'relationships', coalesce(sum(s.relationships), 0),
    'bytes', coalesce(sum(s.bytes), 0),
    'largest', (
        SELECT coalesce(json_agg(l), '[]'::json)
        FROM (
            SELECT t.slug, l.nodes, l.relationships, l.bytes
            FROM sizes l
            JOIN tenants t ON t.id = l.tenant_id
            ORDER BY l.bytes DESC, l.nodes DESC, t.slug
            LIMIT %(most)s
        ) l)) AS object
FROM sizes s

-- read: upkeep_figures -> object
-- What waits for a command: declared indexes, and answers that are kept for longer than they need be.
SELECT json_build_object(
    'indexes', (SELECT count(*) FROM flexdb_index_builds b),
    'oldest_answer', coalesce(extract(epoch FROM statement_timestamp() - min(k.created_at)), 0))
       AS object
FROM flexdb_idempotency_keys k
