-- object: node_type nt
id, tenant_id, name, description nullable, schema json nullable, version, created_at time,
updated_at time

-- frame: node_type_tag
concat(nt.version, '-', to_hex(hash_record_extended((nt.created_at, nt.xmin), 0)))

-- write: create_node_type -> object, version, tag
INSERT INTO node_types AS nt
    (tenant_id, id, name, description, schema, created_at, updated_at)
SELECT t.id, %(id)s::uuid, %(name)s, %(description)s, %(schema)s::jsonb, clock.now, clock.now
FROM tenants t, clock_timestamp() AS clock (now)
WHERE t.id = %(tenant_id)s
RETURNING {node_type} AS object, nt.version, {node_type_tag} AS tag

-- read: get_node_type -> object, version, tag
SELECT {node_type} AS object, nt.version, {node_type_tag} AS tag
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s

-- write: update_node_type -> object, version, tag
WITH found AS (
    SELECT nt.tenant_id, nt.id, nt.version, {node_type_tag} AS tag
    FROM node_types nt
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE node_types nt
    SET name = coalesce(%(name)s, nt.name),
        description = CASE WHEN %(has_description)s THEN %(description)s ELSE nt.description END,
        schema = CASE WHEN %(has_schema)s THEN %(schema)s::jsonb ELSE nt.schema END,
        version = nt.version + 1, updated_at = clock_timestamp()
    FROM found
    WHERE nt.tenant_id = found.tenant_id AND nt.id = found.id
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING {node_type} AS object, nt.version, {node_type_tag} AS tag
)
SELECT changed.object, coalesce(changed.version, found.version) AS version,
       coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN changed ON true

-- write: delete_node_type -> object, version, tag
WITH found AS (
    SELECT nt.tenant_id, nt.id, nt.version, {node_type_tag} AS tag
    FROM node_types nt
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM node_types nt
    USING found
    WHERE nt.tenant_id = found.tenant_id AND nt.id = found.id
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING nt.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.version, found.tag
FROM found
LEFT JOIN deleted ON true

-- list: list_node_types of node_type nt
SELECT nt.tenant_id, nt.id, nt.name, nt.description, nt.schema, nt.version, nt.created_at,
       nt.updated_at, nt.size + octet_length(concat(nt.name, nt.description)) AS size
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s
