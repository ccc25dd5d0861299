-- object: relationship
(SELECT row_to_json(o) FROM (
    SELECT r.id, r.tenant_id, r.source_node_id, r.target_node_id, r.relationship_type,
           {json r.data} AS data, r.version, {time r.created_at} AS created_at,
           {time r.updated_at} AS updated_at
) o)

-- name: create_relationship
WITH source AS (SELECT n.tenant_id, n.id FROM nodes n
                WHERE n.tenant_id = %(tenant_id)s AND n.id = %(source_node_id)s),
     target AS (SELECT n.tenant_id, n.id FROM nodes n
                WHERE n.tenant_id = %(tenant_id)s AND n.id = %(target_node_id)s),
     created AS (
         INSERT INTO relationships AS r (tenant_id, id, source_node_id, target_node_id,
                                         relationship_type, data, created_at, updated_at)
         SELECT source.tenant_id, %(id)s::uuid, source.id, target.id, %(relationship_type)s,
                %(data)s::jsonb, clock.now, clock.now
         FROM source, target, clock_timestamp() AS clock (now)
         RETURNING {relationship} AS object
     )
SELECT (SELECT created.object FROM created),
       CASE WHEN NOT EXISTS (SELECT FROM source) THEN 'source_node_id'
            WHEN NOT EXISTS (SELECT FROM target) THEN 'target_node_id' END

-- name: get_relationship
SELECT {relationship}
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s

-- name: update_relationship
UPDATE relationships r
SET relationship_type = coalesce(%(relationship_type)s, r.relationship_type),
    data = coalesce(%(data)s::jsonb, r.data), version = r.version + 1,
    updated_at = clock_timestamp()
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
RETURNING {relationship}

-- name: delete_relationship
DELETE FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
RETURNING '{}'::json

-- list: list_relationships of relationship r
SELECT r.tenant_id, r.id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
       r.version, r.created_at, r.updated_at, r.size
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s
