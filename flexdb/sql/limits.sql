-- frame: limits
-- Of a tenant t with limits of its own l, or without.
(SELECT row_to_json(o) FROM (
    SELECT t.id AS tenant_id,
           coalesce(l.max_nodes, %(max_nodes)s::bigint) AS max_nodes,
           coalesce(l.max_relationships, %(max_relationships)s::bigint) AS max_relationships,
           coalesce(l.max_bytes, %(max_bytes)s::bigint) AS max_bytes,
           l.calls_per_second, l.burst,
           array_remove(ARRAY[
               CASE WHEN l.max_nodes IS NOT NULL THEN 'max_nodes' END,
               CASE WHEN l.max_relationships IS NOT NULL THEN 'max_relationships' END,
               CASE WHEN l.max_bytes IS NOT NULL THEN 'max_bytes' END,
               CASE WHEN l.calls_per_second IS NOT NULL THEN 'calls_per_second' END,
               CASE WHEN l.burst IS NOT NULL THEN 'burst' END], NULL) AS own,
           u.nodes AS used_nodes, u.relationships AS used_relationships, u.bytes AS used_bytes
    FROM (
        SELECT coalesce(sum(c.total) FILTER (WHERE c.list = 'nodes'), 0)::bigint AS nodes,
               coalesce(sum(c.total) FILTER (WHERE c.list = 'relationships'), 0)::bigint
               AS relationships,
               coalesce(sum(c.bytes), 0)::bigint AS bytes
        FROM (
            SELECT c.list, c.total, c.bytes
            FROM flexdb_counts c
            WHERE c.tenant_id = %(tenant_id)s AND c.key = flexdb_nil()
            UNION ALL
            SELECT d.list, d.change, d.bytes
            FROM flexdb_count_changes d
            WHERE d.tenant_id = %(tenant_id)s
        ) c
    ) u) o)

-- read: get_limits -> object
SELECT {limits} AS object
FROM tenants t
LEFT JOIN flexdb_limits l ON l.tenant_id = t.id
WHERE t.id = %(tenant_id)s

-- lock: before_limits -> object
SELECT {limits} AS object
FROM tenants t
LEFT JOIN flexdb_limits l ON l.tenant_id = t.id
WHERE t.id = %(tenant_id)s
FOR NO KEY UPDATE OF t

-- write: update_limits -> object
WITH t AS (
    SELECT t.id
    FROM tenants t
    WHERE t.id = %(tenant_id)s
    FOR KEY SHARE
), l AS (
    INSERT INTO flexdb_limits AS l
        (tenant_id, max_nodes, max_relationships, max_bytes, calls_per_second, burst)
    SELECT t.id, %(own_max_nodes)s, %(own_max_relationships)s, %(own_max_bytes)s,
           %(own_calls_per_second)s, %(own_burst)s
    FROM t
    ON CONFLICT (tenant_id) DO UPDATE
    SET max_nodes = CASE WHEN 'max_nodes' <> ALL (%(reset)s::text[])
            THEN coalesce(excluded.max_nodes, l.max_nodes) END,
        max_relationships = CASE WHEN 'max_relationships' <> ALL (%(reset)s::text[])
            THEN coalesce(excluded.max_relationships, l.max_relationships) END,
        max_bytes = CASE WHEN 'max_bytes' <> ALL (%(reset)s::text[])
            THEN coalesce(excluded.max_bytes, l.max_bytes) END,
        calls_per_second = CASE WHEN 'calls_per_second' <> ALL (%(reset)s::text[])
            THEN coalesce(excluded.calls_per_second, l.calls_per_second) END,
        burst = CASE WHEN 'burst' <> ALL (%(reset)s::text[])
            THEN coalesce(excluded.burst, l.burst) END
    RETURNING l.max_nodes, l.max_relationships, l.max_bytes, l.calls_per_second, l.burst
)
SELECT {limits} AS object
FROM t, l

-- read: list_own_limits -> object
-- All of them where they are others than whoever asks knows, whom the stamp tells of: every write of a
-- row gives it another xmin.
SELECT json_build_object('stamp', asked.stamp, 'own', CASE WHEN asked.stamp <> %(stamp)s THEN (
    SELECT coalesce(json_agg(json_build_array(
        l.tenant_id, l.max_nodes, l.max_relationships, l.max_bytes, l.calls_per_second, l.burst)),
        '[]'::json)
    FROM (
        SELECT l.tenant_id, l.max_nodes, l.max_relationships, l.max_bytes, l.calls_per_second,
               l.burst
        FROM flexdb_limits l
        ORDER BY l.tenant_id
        LIMIT 100000
    ) l
) END) AS object
FROM (
    SELECT concat(count(*), ' ', sum(hashtextextended(concat(l.tenant_id, l.xmin), 0))) AS stamp
    FROM flexdb_limits l
) asked

-- late: check_quota -> exceeded, most, used, added
SELECT q.exceeded, q.most, q.used, q.added
FROM flexdb_check_quota(%(tenant_id)s::uuid, %(max_nodes)s::bigint, %(max_relationships)s::bigint,
                        %(max_bytes)s::bigint) q
