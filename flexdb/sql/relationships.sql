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
SELECT {relationship}, r.version
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s

-- name: update_relationship
WITH found AS (
    SELECT r.tenant_id, r.id, r.version
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
    FOR UPDATE
), changed AS (
    UPDATE relationships r
    SET relationship_type = coalesce(%(relationship_type)s, r.relationship_type),
        data = coalesce(%(data)s::jsonb, r.data), version = r.version + 1,
        updated_at = clock_timestamp()
    FROM found
    WHERE r.tenant_id = found.tenant_id AND r.id = found.id
      AND found.version = coalesce(%(version)s, found.version)
    RETURNING {relationship} AS object, r.version
)
SELECT changed.object, coalesce(changed.version, found.version)
FROM found
LEFT JOIN changed ON true

-- name: delete_relationship
WITH found AS (
    SELECT r.tenant_id, r.id, r.version
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM relationships r
    USING found
    WHERE r.tenant_id = found.tenant_id AND r.id = found.id
      AND found.version = coalesce(%(version)s, found.version)
    RETURNING r.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END, found.version
FROM found
LEFT JOIN deleted ON true

-- name: lock_relationship
SELECT r.version, r.data::text
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
FOR UPDATE

-- list: list_relationships of relationship r
SELECT r.tenant_id, r.id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
       r.version, r.created_at, r.updated_at, r.size
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s
