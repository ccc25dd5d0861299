-- object: relationship r
id plain, tenant_id plain, source_node_id plain, target_node_id plain, relationship_type,
data json nullable, version number, created_at time plain, updated_at time plain

-- frame: relationship_tag
concat(r.version, '-', to_hex(hash_record_extended((r.created_at, r.xmin), 0)))

-- write: create_relationship -> object, version, tag, missing, is_checked
WITH source AS (SELECT n.tenant_id, n.id FROM nodes n
                WHERE n.tenant_id = %(tenant_id)s AND n.id = %(source_node_id)s),
     target AS (SELECT n.tenant_id, n.id FROM nodes n
                WHERE n.tenant_id = %(tenant_id)s AND n.id = %(target_node_id)s),
     contract AS MATERIALIZED (
         -- The schema that the data was checked against, none or one, stays until this is committed.
         SELECT flexdb_relationship_schema(%(tenant_id)s::uuid, %(relationship_type)s)
                = %(schema_version)s AS is_checked
     ),
     created AS (
         INSERT INTO relationships AS r (tenant_id, id, source_node_id, target_node_id,
                                         relationship_type, data, created_at, updated_at)
         SELECT source.tenant_id, %(id)s::uuid, source.id, target.id, %(relationship_type)s,
                %(data)s::jsonb, statement_timestamp(), statement_timestamp()
         FROM source, target, contract, {set_caller}
         WHERE contract.is_checked
         RETURNING r.id, r.tenant_id, r.source_node_id, r.target_node_id, r.relationship_type,
                   r.data, r.version, r.created_at, r.updated_at, r.xmin
     )
SELECT created.object, created.version, created.tag,
       CASE WHEN NOT EXISTS (SELECT FROM source) THEN 'source_node_id'
            WHEN NOT EXISTS (SELECT FROM target) THEN 'target_node_id' END AS missing,
       contract.is_checked
FROM contract
LEFT JOIN (
    SELECT {relationship} AS object, r.version, {relationship_tag} AS tag
    FROM created r
) created ON true

-- read: get_relationship -> object, version, tag
SELECT {relationship} AS object, r.version, {relationship_tag} AS tag
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s

-- write: update_relationship -> object, version, tag, is_checked
WITH found AS (
    SELECT r.version, {relationship_tag} AS tag,
           flexdb_relationship_schema(r.tenant_id, coalesce(%(relationship_type)s,
                                                            r.relationship_type))
           = %(schema_version)s AS is_checked
    FROM relationships r, {set_caller}
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE relationships r
    SET relationship_type = coalesce(%(relationship_type)s, r.relationship_type),
        data = coalesce(%(data)s::jsonb, r.data), version = r.version + 1,
        updated_at = greatest(r.updated_at, statement_timestamp())
    FROM found
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
      AND found.is_checked
    RETURNING r.id, r.tenant_id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
              r.version, r.created_at, r.updated_at, r.xmin
)
SELECT changed.object, coalesce(changed.version, found.version) AS version,
       coalesce(changed.tag, found.tag) AS tag, found.is_checked
FROM found
LEFT JOIN (
    SELECT {relationship} AS object, r.version, {relationship_tag} AS tag
    FROM changed r
) changed ON true

-- write: delete_relationship -> object, version, tag
WITH found AS (
    SELECT r.version, {relationship_tag} AS tag
    FROM relationships r, {set_caller}
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM relationships r
    USING found
    WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING r.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.version, found.tag
FROM found
LEFT JOIN deleted ON true

-- lock: lock_relationship -> id
SELECT r.id
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
FOR NO KEY UPDATE

-- lock: get_relationship_to_change -> version, tag, data, relationship_type, schema_version
SELECT r.version, {relationship_tag} AS tag, r.data::json AS data,
       coalesce(%(relationship_type)s, r.relationship_type) AS relationship_type,
       flexdb_relationship_schema(r.tenant_id, coalesce(%(relationship_type)s,
                                                        r.relationship_type)) AS schema_version
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
FOR NO KEY UPDATE

-- lock: get_fit_of_relationship (condition) -> fits, version
SELECT ({condition}) AS fits, r.version
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
FOR UPDATE

-- list: list_relationships of relationship r
SELECT r.tenant_id, r.id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
       r.version, r.created_at, r.updated_at, r.size
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s
