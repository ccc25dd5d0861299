-- What changed. The log keeps what each object was before a change (0021-changes), so what it was
-- at a version is what its next change keeps, or its row.

-- object: change c
position nullable, op plain, kind plain, id plain, version number, at time plain, actor nullable,
request_id nullable, transaction plain

-- frame: change_columns
c.tenant_id, c.seq, c.at, c.tx, c.kind, c.op, c.object_id, c.version, c.type_id,
c.relationship_type, c.source_node_id, c.target_node_id, c.actor, c.request_id, c.old_data,
c.old_type, c.created_at, c.old_updated_at

-- frame: old_size
-- How much what was before a change c weighs as JSON, about: what is compressed is not, once something
-- is joined to it.
CASE WHEN pg_column_compression(c.old_data) IS NULL THEN pg_column_size(c.old_data)
     ELSE pg_column_size(c.old_data || '{}'::jsonb) END

-- frame: outcome
-- What a change c made of its object, where that is known: of a node type its members as JSON.
LEFT JOIN LATERAL (
    SELECT x.seq, x.old_data AS data, x.created_at, x.old_updated_at AS updated_at
    FROM flexdb_changes x
    WHERE x.tenant_id = %(tenant_id)s AND x.object_id = c.object_id AND x.kind = c.kind
      AND x.seq > c.seq AND c.op <> 'd'
    ORDER BY x.seq
    LIMIT 1
) x ON TRUE
LEFT JOIN LATERAL (
    SELECT n.data, n.created_at, n.updated_at, n.size
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = c.object_id
      AND c.kind = 'n' AND c.op <> 'd' AND x.seq IS NULL
    UNION ALL
    SELECT r.data, r.created_at, r.updated_at, r.size
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s AND r.id = c.object_id
      AND c.kind = 'r' AND c.op <> 'd' AND x.seq IS NULL
    UNION ALL
    SELECT jsonb_build_object('name', nt.name, 'description', nt.description, 'schema', nt.schema),
           nt.created_at, nt.updated_at, nt.size
    FROM node_types nt
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = c.object_id
      AND c.kind = 't' AND c.op <> 'd' AND x.seq IS NULL
    LIMIT 1
) s ON TRUE
CROSS JOIN LATERAL (
    SELECT CASE WHEN x.seq IS NULL THEN s.data ELSE x.data END AS new_data,
           CASE WHEN x.seq IS NULL THEN s.created_at ELSE x.created_at END AS made_at,
           CASE WHEN x.seq IS NULL THEN s.updated_at ELSE x.updated_at END AS new_updated_at,
           coalesce(CASE WHEN x.seq IS NULL THEN s.size
                         WHEN pg_column_compression(x.data) IS NULL THEN pg_column_size(x.data)
                         ELSE pg_column_size(x.data || '{}'::jsonb) END, 0) AS new_size,
           coalesce({old_size}, 0) AS old_size
) made

-- frame: after_change
SELECT c.kind, c.object_id AS id, c.tenant_id, c.type_id AS node_type_id,
       c.source_node_id, c.target_node_id, c.relationship_type, c.new_data AS data, c.version,
       c.made_at AS created_at, c.new_updated_at AS updated_at
WHERE c.made_at IS NOT NULL

-- frame: before_change
SELECT c.kind, c.object_id AS id, c.tenant_id,
       CASE WHEN c.kind = 'n' AND c.old_type IS NOT NULL THEN c.old_type::uuid
            ELSE c.type_id END AS node_type_id,
       c.source_node_id, c.target_node_id, c.old_type AS relationship_type, c.old_data AS data,
       c.version - 1 AS version, c.created_at, c.old_updated_at AS updated_at
WHERE c.created_at IS NOT NULL

-- frame: as_type
SELECT v.id, v.tenant_id, v.data ->> 'name' AS name, v.data ->> 'description' AS description,
       v.data -> 'schema' AS schema, v.version, v.created_at, v.updated_at

-- frame: object_after
CASE c.kind WHEN 'n' THEN (SELECT {node} FROM ({after_change}) n)
     WHEN 'r' THEN (SELECT {relationship} FROM ({after_change}) r)
     ELSE (SELECT {node_type} FROM ({after_change}) v CROSS JOIN LATERAL ({as_type}) nt) END

-- frame: object_before
CASE c.kind WHEN 'n' THEN (SELECT {node} FROM ({before_change}) n)
     WHEN 'r' THEN (SELECT {relationship} FROM ({before_change}) r)
     ELSE (SELECT {node_type} FROM ({before_change}) v CROSS JOIN LATERAL ({as_type}) nt) END

-- frame: change_as_json
-- A change c as JSON, in which its object has the name of its kind.
(SELECT concat(left({change}::text, -1), ',"', c.kind, '":', coalesce(told.after::text, 'null'),
               CASE WHEN %(old)s::boolean
                    THEN concat(',"old":', coalesce(told.before::text, 'null')) END, '}')
 FROM (SELECT {object_after} AS after, CASE WHEN %(old)s::boolean THEN {object_before} END AS before
      ) told
 CROSS JOIN LATERAL (
     SELECT c.place AS position, c.object_id AS id, c.version, c.at, c.actor, c.request_id,
            -- Not the number itself, which counts what all tenants write; and by its request, since
            -- creates that have nothing to do with each other may share a transaction.
            to_hex(hash_record_extended((c.tenant_id, c.tx, c.actor, c.request_id), 0))
                AS transaction,
            CASE c.op WHEN 'c' THEN 'create' WHEN 'u' THEN 'update' ELSE 'delete' END AS op,
            CASE c.kind WHEN 'n' THEN 'node' WHEN 'r' THEN 'relationship'
                 ELSE 'node_type' END AS kind
 ) c)

-- read: number_changes -> before, last
-- A change has a position once somebody asked for it: here what was committed before gets one, up to
-- as much as one call numbers.
SELECT coalesce((SELECT h.position FROM flexdb_change_heads h
                 WHERE h.tenant_id = %(tenant_id)s), 0) AS before,
       flexdb_number_changes(t.id, %(most)s::integer) AS last
FROM tenants t
WHERE t.id = %(tenant_id)s

-- frame: feed
-- What the positions of a tenant begin with, the oldest that is kept and the last.
feed AS MATERIALIZED (
    SELECT concat(f.name, '.', coalesce(h.epoch, '0')) AS name, coalesce(h.position, 0) AS last,
           coalesce((SELECT p.position
                     FROM flexdb_change_positions p
                     WHERE p.tenant_id = %(tenant_id)s
                     ORDER BY p.position
                     LIMIT 1), h.position + 1, 1) AS oldest
    FROM tenants t
    CROSS JOIN flexdb_feed f
    LEFT JOIN flexdb_change_heads h ON h.tenant_id = t.id
    WHERE t.id = %(tenant_id)s
)

-- read: get_feed -> feed, oldest, last
WITH {feed}
SELECT f.name AS feed, f.oldest, f.last
FROM feed f

-- read: list_changes (condition, filtered) -> feed, oldest, last, changes, rows, position
-- Of the next positions, as many as one call looks at, those are weighed that are of the kinds asked
-- for, up to as much as a page may weigh; and of these are told what the filter lets through.
WITH {feed}, chosen AS (
    SELECT p.position, {change_columns}
    FROM flexdb_change_positions p
    CROSS JOIN LATERAL (
        SELECT {change_columns}
        FROM flexdb_changes c
        WHERE c.tenant_id = %(tenant_id)s AND c.seq = p.seq
        LIMIT 1
    ) c
    WHERE p.tenant_id = %(tenant_id)s AND p.position > %(after)s::bigint
      AND p.position <= %(after)s::bigint + %(looked_at)s::bigint
      AND c.kind = ANY (%(kinds)s::"char"[]) AND c.op = ANY (%(ops)s::"char"[])
      AND (%(ids)s::uuid[] IS NULL OR c.object_id = ANY (%(ids)s::uuid[]))
      AND (%(node_type_ids)s::uuid[] IS NULL AND %(relationship_types)s::text[] IS NULL
           OR c.kind <> 'r' AND c.type_id = ANY (%(node_type_ids)s::uuid[])
           OR c.kind = 'r' AND (c.relationship_type = ANY (%(relationship_types)s::text[])
                                OR c.old_type = ANY (%(relationship_types)s::text[])))
    ORDER BY p.position
    -- Kept from the planner, which would plan anew for each call if it could count on few.
    LIMIT (SELECT %(weighed)s::bigint)
), weighed AS (
    SELECT c.position, {change_columns}, made.new_data, made.made_at, made.new_updated_at,
           row_number() OVER walk = 1
           OR sum(made.new_size + CASE WHEN %(old)s::boolean OR {filtered}
                                       THEN made.old_size ELSE 0 END)
              OVER walk <= %(page_bytes)s AS is_read
    FROM chosen c
    {outcome}
    WINDOW walk AS (ORDER BY c.position ROWS UNBOUNDED PRECEDING)
), fitting AS (
    SELECT c.position, {change_columns}, c.new_data, c.made_at, c.new_updated_at, c.is_read,
           c.is_read AND (NOT {filtered} OR c.kind <> 't' AND EXISTS (
               SELECT FROM ({before_change} UNION ALL {after_change}) n WHERE {condition})) AS fits
    FROM weighed c
), page AS (
    SELECT c.position, {change_columns}, c.new_data, c.made_at, c.new_updated_at, c.is_read,
           -- Without a filter no more are weighed than are told.
           c.fits AND (NOT {filtered} OR sum(c.fits::integer) OVER walk <= %(limit)s::bigint) AS is_told,
           concat((SELECT f.name FROM feed f), '.', c.position) AS place
    FROM fitting c
    WINDOW walk AS (ORDER BY c.position ROWS UNBOUNDED PRECEDING)
)
SELECT f.name AS feed, f.oldest, f.last, p.changes, p.rows,
       CASE WHEN p.rows >= %(limit)s::bigint THEN p.last_told
            WHEN p.weighed > p.read OR p.weighed >= %(weighed)s::bigint THEN p.last_read
            ELSE least(f.last, %(after)s::bigint + %(looked_at)s::bigint) END AS position
FROM feed f
CROSS JOIN (
    SELECT concat('[', string_agg({change_as_json}, ',' ORDER BY c.position)
                       FILTER (WHERE c.is_told), ']') AS changes,
           count(*) FILTER (WHERE c.is_told) AS rows, count(*) AS weighed,
           count(*) FILTER (WHERE c.is_read) AS read,
           max(c.position) FILTER (WHERE c.is_told) AS last_told,
           max(c.position) FILTER (WHERE c.is_read) AS last_read
    FROM page c
) p
