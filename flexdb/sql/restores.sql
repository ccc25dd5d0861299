-- What nodes and relationships are to be again.

-- frame: last_change
SELECT EXISTS (SELECT FROM current) AS is_there, c.version, c.op, c.seq, c.tx
FROM (SELECT) one
LEFT JOIN (
    SELECT c.version, c.op::text AS op, c.seq, c.tx::text AS tx
    FROM changes c
    ORDER BY c.seq DESC
    LIMIT 1
) c ON TRUE

-- read: get_last_change_of_node -> is_there, version, op, seq, tx
WITH changes AS ({changes_of_node}), current AS (
    SELECT n.id FROM nodes n WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
)
{last_change}

-- read: get_last_change_of_relationship -> is_there, version, op, seq, tx
WITH changes AS ({changes_of_relationship}), current AS (
    SELECT r.id FROM relationships r WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
)
{last_change}

-- write: restore_node -> object, version, tag
INSERT INTO nodes AS n (tenant_id, id, node_type_id, data, version, created_at, updated_at)
SELECT nt.tenant_id, %(id)s::uuid, nt.id, %(data)s::jsonb, %(last)s::bigint + 1,
       %(created_at)s::timestamptz, statement_timestamp()
FROM node_types nt, {set_caller}
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(node_type_id)s
FOR SHARE OF nt
RETURNING {node} AS object, n.version, {node_tag} AS tag

-- write: restore_relationship -> object, version, tag
INSERT INTO relationships AS r (tenant_id, id, source_node_id, target_node_id, relationship_type,
                                data, version, created_at, updated_at)
SELECT source.tenant_id, %(id)s::uuid, source.id, target.id, %(relationship_type)s,
       %(data)s::jsonb, %(last)s::bigint + 1, %(created_at)s::timestamptz, statement_timestamp()
FROM nodes source
JOIN nodes target ON target.tenant_id = %(tenant_id)s AND target.id = %(target_node_id)s
CROSS JOIN {set_caller}
WHERE source.tenant_id = %(tenant_id)s AND source.id = %(source_node_id)s
RETURNING {relationship} AS object, r.version, {relationship_tag} AS tag

-- read: get_relationships_to_restore -> seqs, types, data
-- The next of those that went with a node whose both ends are there again. What one transaction deleted
-- stands together in the log, so they are looked for around the deletion of the node.
SELECT array_agg(w.seq) AS seqs, array_agg(w.old_type) AS types, array_agg(w.old_data::json) AS data
FROM (
    SELECT s.seq, s.old_type, s.old_data,
           row_number() OVER walk = 1 OR sum(s.size) OVER walk <= %(page_bytes)s AS fits
    FROM (
        SELECT c.seq, c.old_type, c.old_data, {old_size} AS size
        FROM flexdb_changes c
        WHERE c.tenant_id = %(tenant_id)s AND c.seq > %(after)s::bigint
          AND c.seq < %(until)s::bigint AND c.tx = %(tx)s::xid8 AND c.kind = 'r' AND c.op = 'd'
          AND c.created_at IS NOT NULL
          AND (c.source_node_id = %(id)s::uuid OR c.target_node_id = %(id)s::uuid)
          AND EXISTS (SELECT FROM nodes n
                      WHERE n.tenant_id = %(tenant_id)s AND n.id = c.source_node_id)
          AND EXISTS (SELECT FROM nodes n
                      WHERE n.tenant_id = %(tenant_id)s AND n.id = c.target_node_id)
          AND NOT EXISTS (SELECT FROM flexdb_changes x
                          WHERE x.tenant_id = %(tenant_id)s AND x.object_id = c.object_id
                            AND x.kind = 'r' AND x.seq > c.seq)
        ORDER BY c.seq
        LIMIT 1000
    ) s
    WINDOW walk AS (ORDER BY s.seq ROWS UNBOUNDED PRECEDING)
) w
WHERE w.fits

-- write: restore_relationships -> restored
WITH restored AS (
    INSERT INTO relationships AS r (tenant_id, id, source_node_id, target_node_id,
                                    relationship_type, data, version, created_at, updated_at)
    SELECT c.tenant_id, c.object_id, c.source_node_id, c.target_node_id, c.old_type, c.old_data,
           c.version + 1, c.created_at, statement_timestamp()
    FROM flexdb_changes c, {set_caller}
    WHERE c.tenant_id = %(tenant_id)s AND c.seq = ANY (%(seqs)s::bigint[])
    ORDER BY c.object_id
    RETURNING r.id
)
SELECT count(*) AS restored
FROM restored
