-- object: relationship_type rt
id, tenant_id, name, description nullable, source_node_type_ids, target_node_type_ids, cardinality,
unique_pair, acyclic, on_delete, schema json nullable, version, created_at time, updated_at time

-- frame: relationship_type_tag
concat(rt.version, '-', to_hex(hash_record_extended((rt.created_at, rt.xmin), 0)))

-- read: lock_contracts -> locked
SELECT count(*) AS locked
FROM (SELECT pg_advisory_xact_lock(flexdb_contracts_lock(%(tenant_id)s::uuid))) contracts

-- lock: get_missing_types -> missing
SELECT array_agg(wanted.id::text) AS missing
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
LEFT JOIN (
    SELECT nt.id
    FROM node_types nt
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = ANY (%(ids)s::uuid[])
    ORDER BY nt.id
    FOR KEY SHARE
) nt ON nt.id = wanted.id
WHERE nt.id IS NULL

-- write: create_relationship_type -> object, version, tag, refused
WITH tenant AS (
    SELECT t.id,
           (SELECT count(*) FROM flexdb_relationship_types rt
            WHERE rt.tenant_id = %(tenant_id)s) < %(most)s AS has_room
    FROM tenants t
    WHERE t.id = %(tenant_id)s
), created AS (
    INSERT INTO flexdb_relationship_types AS rt
        (tenant_id, id, name, description, source_node_type_ids, target_node_type_ids, cardinality,
         unique_pair, acyclic, on_delete, schema, created_at, updated_at)
    SELECT tenant.id, %(id)s::uuid, %(name)s, %(description)s, %(source_node_type_ids)s::uuid[],
           %(target_node_type_ids)s::uuid[], %(cardinality)s, %(unique_pair)s, %(acyclic)s,
           %(on_delete)s, %(schema)s::jsonb, statement_timestamp(), statement_timestamp()
    FROM tenant
    WHERE tenant.has_room
    RETURNING rt.id, rt.tenant_id, rt.name, rt.description, rt.source_node_type_ids,
              rt.target_node_type_ids, rt.cardinality, rt.unique_pair, rt.acyclic, rt.on_delete,
              rt.schema, rt.version, rt.created_at, rt.updated_at, rt.xmin
)
SELECT created.object, created.version, created.tag,
       CASE WHEN NOT tenant.has_room THEN 'name' END AS refused
FROM tenant
LEFT JOIN (
    SELECT {relationship_type} AS object, rt.version, {relationship_type_tag} AS tag
    FROM created rt
) created ON true

-- read: get_relationship_type -> object, version, tag
SELECT {relationship_type} AS object, rt.version, {relationship_type_tag} AS tag
FROM flexdb_relationship_types rt
WHERE rt.tenant_id = %(tenant_id)s AND rt.id = %(id)s

-- write: update_relationship_type -> object, version, tag
WITH found AS (
    SELECT rt.version, {relationship_type_tag} AS tag
    FROM flexdb_relationship_types rt
    WHERE rt.tenant_id = %(tenant_id)s AND rt.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE flexdb_relationship_types rt
    SET name = coalesce(%(name)s, rt.name),
        description = CASE WHEN %(has_description)s THEN %(description)s ELSE rt.description END,
        source_node_type_ids = CASE WHEN %(has_source_node_type_ids)s
                                    THEN %(source_node_type_ids)s::uuid[]
                                    ELSE rt.source_node_type_ids END,
        target_node_type_ids = CASE WHEN %(has_target_node_type_ids)s
                                    THEN %(target_node_type_ids)s::uuid[]
                                    ELSE rt.target_node_type_ids END,
        cardinality = coalesce(%(cardinality)s, rt.cardinality),
        unique_pair = coalesce(%(unique_pair)s, rt.unique_pair),
        acyclic = coalesce(%(acyclic)s, rt.acyclic),
        on_delete = coalesce(%(on_delete)s, rt.on_delete),
        schema = CASE WHEN %(has_schema)s THEN %(schema)s::jsonb ELSE rt.schema END,
        version = rt.version + 1, updated_at = greatest(rt.updated_at, statement_timestamp())
    FROM found
    WHERE rt.tenant_id = %(tenant_id)s AND rt.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING rt.id, rt.tenant_id, rt.name, rt.description, rt.source_node_type_ids,
              rt.target_node_type_ids, rt.cardinality, rt.unique_pair, rt.acyclic, rt.on_delete,
              rt.schema, rt.version, rt.created_at, rt.updated_at, rt.xmin
)
SELECT changed.object, coalesce(changed.version, found.version) AS version,
       coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN (
    SELECT {relationship_type} AS object, rt.version, {relationship_type_tag} AS tag
    FROM changed rt
) changed ON true

-- write: delete_relationship_type -> object, version, tag
WITH found AS (
    SELECT rt.version, {relationship_type_tag} AS tag
    FROM flexdb_relationship_types rt
    WHERE rt.tenant_id = %(tenant_id)s AND rt.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM flexdb_relationship_types rt
    USING found
    WHERE rt.tenant_id = %(tenant_id)s AND rt.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING rt.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.version, found.tag
FROM found
LEFT JOIN deleted ON true

-- read: get_schema_versions -> names, versions
-- Of the types that have a schema, which stays until this is committed.
SELECT array_agg(wanted.name) AS names, array_agg(wanted.schema_version) AS versions
FROM (
    SELECT given.name, flexdb_relationship_schema(%(tenant_id)s::uuid, given.name) AS schema_version
    FROM unnest(ARRAY(SELECT json_array_elements_text(%(names)s::json))) AS given (name)
    ORDER BY given.name
) wanted
WHERE wanted.schema_version <> ''

-- read: get_schema_of_relationship_type -> schema
SELECT nullif(rt.schema, 'null')::json AS schema
FROM flexdb_relationship_types rt
WHERE rt.tenant_id = %(tenant_id)s AND rt.name = %(relationship_type)s

-- list: list_relationship_types of relationship_type rt
SELECT rt.tenant_id, rt.id, rt.name, rt.description, rt.source_node_type_ids,
       rt.target_node_type_ids, rt.cardinality, rt.unique_pair, rt.acyclic, rt.on_delete, rt.schema,
       rt.version, rt.created_at, rt.updated_at,
       octet_length(concat(rt.name, rt.description, rt.source_node_type_ids,
                           rt.target_node_type_ids, rt.schema)) AS size
FROM flexdb_relationship_types rt
WHERE rt.tenant_id = %(tenant_id)s
