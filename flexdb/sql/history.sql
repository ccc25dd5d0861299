-- What nodes and relationships were: each of their changes, newest first, and what one was at a
-- version or a time.

-- frame: changes_of_node
SELECT {change_columns}
FROM flexdb_changes c
WHERE c.tenant_id = %(tenant_id)s AND c.object_id = %(id)s AND c.kind = 'n'

-- frame: changes_of_relationship
SELECT {change_columns}
FROM flexdb_changes c
WHERE c.tenant_id = %(tenant_id)s AND c.object_id = %(id)s AND c.kind = 'r'

-- frame: deleted_nodes
-- The last changes of nodes that are gone, where it is kept what those were.
SELECT {change_columns}
FROM flexdb_changes c
WHERE c.tenant_id = %(tenant_id)s AND c.kind = 'n' AND c.op = 'd' AND c.created_at IS NOT NULL
  AND (%(node_type_ids)s::uuid[] IS NULL OR c.type_id = ANY (%(node_type_ids)s::uuid[]))
  AND NOT EXISTS (SELECT FROM nodes n WHERE n.tenant_id = %(tenant_id)s AND n.id = c.object_id)
  AND NOT EXISTS (SELECT FROM flexdb_changes x
                  WHERE x.tenant_id = %(tenant_id)s AND x.object_id = c.object_id
                    AND x.kind = 'n' AND x.seq > c.seq)

-- frame: entries
SELECT {change_columns}, made.new_data, made.made_at, made.new_updated_at,
       made.new_size + made.old_size AS size,
       (SELECT concat(f.name, '.', h.epoch, '.', p.position)
        FROM flexdb_change_positions p
        JOIN flexdb_change_heads h ON h.tenant_id = p.tenant_id
        CROSS JOIN flexdb_feed f
        WHERE p.tenant_id = %(tenant_id)s AND p.seq = c.seq) AS place

-- frame: entry
({change_as_json})::varchar

-- list: get_node_history of entry c
{entries}
FROM ({changes_of_node}) c
{outcome}
WHERE c.tenant_id = %(tenant_id)s

-- list: get_relationship_history of entry c
{entries}
FROM ({changes_of_relationship}) c
{outcome}
WHERE c.tenant_id = %(tenant_id)s

-- list: list_deleted_nodes of entry c
{entries}
FROM ({deleted_nodes}) c
{outcome}
WHERE c.tenant_id = %(tenant_id)s

-- frame: ended
-- The change that ended what an object was at a version, or at a time; none where it still is so. The
-- time of a change is a little behind that of the state that it made.
ended AS MATERIALIZED (
    SELECT {change_columns}, made.new_data, made.made_at, made.new_updated_at,
           coalesce(made.new_updated_at <= %(as_of)s::timestamptz
                    AND made.new_updated_at IS DISTINCT FROM c.old_updated_at, FALSE) AS is_over
    FROM (
        SELECT {change_columns}
        FROM changes c
        WHERE c.op <> 'c' AND c.version = %(version)s::bigint + 1
           OR c.at > %(as_of)s::timestamptz
        ORDER BY CASE WHEN %(as_of)s::timestamptz IS NULL THEN -c.seq ELSE c.seq END
        LIMIT 1
    ) c
    {outcome}
)

-- frame: state_then
{after_change} AND c.is_over
UNION ALL
{before_change} AND NOT c.is_over AND coalesce(c.old_updated_at <= %(as_of)s::timestamptz, TRUE)

-- frame: why_not
-- Whether there was such an object at all, and whether it is only not kept what it was.
SELECT EXISTS (SELECT FROM changes) OR EXISTS (SELECT FROM current) AS is_known,
       CASE WHEN %(as_of)s::timestamptz IS NULL
            THEN %(version)s::bigint < greatest((SELECT max(c.version) FROM changes c),
                                                (SELECT s.version FROM current s))
                 AND NOT EXISTS (SELECT FROM changes c
                                 WHERE c.version = %(version)s::bigint AND c.op = 'd')
            ELSE EXISTS (SELECT FROM ended c
                         WHERE c.op <> 'c'
                           AND coalesce(c.created_at <= %(as_of)s::timestamptz, TRUE))
                 OR EXISTS (SELECT FROM current s
                            WHERE s.created_at <= %(as_of)s::timestamptz
                              AND NOT EXISTS (SELECT FROM ended)) END AS is_older

-- frame: state_or_why_not
-- What the object was, as it still is or as a change kept it; and where it was not so, why.
SELECT s.object, s.version, why.is_known, why.is_older
FROM (SELECT) one
LEFT JOIN (
    SELECT s.object, s.version
    FROM current s
    WHERE s.version = %(version)s::bigint
       OR s.updated_at <= %(as_of)s::timestamptz AND NOT EXISTS (SELECT FROM ended)
    UNION ALL
    SELECT s.object, s.version
    FROM kept s
    LIMIT 1
) s ON TRUE
LEFT JOIN LATERAL ({why_not}) why ON s.version IS NULL

-- read: get_node_at -> object, version, is_known, is_older
WITH changes AS NOT MATERIALIZED ({changes_of_node}), {ended}, current AS (
    SELECT {node} AS object, n.version, n.created_at, n.updated_at
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
), kept AS (
    SELECT {node} AS object, n.version
    FROM ended c
    CROSS JOIN LATERAL ({state_then}) n
)
{state_or_why_not}

-- read: get_relationship_at -> object, version, is_known, is_older
WITH changes AS NOT MATERIALIZED ({changes_of_relationship}), {ended}, current AS (
    SELECT {relationship} AS object, r.version, r.created_at, r.updated_at
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
), kept AS (
    SELECT {relationship} AS object, r.version
    FROM ended c
    CROSS JOIN LATERAL ({state_then}) r
)
{state_or_why_not}
