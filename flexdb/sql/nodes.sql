-- object: node n
id plain, tenant_id plain, node_type_id plain, data json nullable, version number, created_at time plain,
updated_at time plain

-- frame: node_tag
concat(n.version, '-', to_hex(hash_record_extended((n.created_at, n.xmin), 0)))

-- frame: schema_version
-- Names the write that a schema comes from: an import may make a type anew with the same version and
-- times, but not in the same transaction.
concat(nt.version, ' ', nt.updated_at, ' ', nt.xmin)

-- write: create_node -> object, version, tag
INSERT INTO nodes AS n (tenant_id, id, node_type_id, data, created_at, updated_at)
SELECT nt.tenant_id, %(id)s::uuid, nt.id, %(data)s::jsonb, statement_timestamp(),
       statement_timestamp()
FROM node_types nt, {set_caller}
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(node_type_id)s
  AND {schema_version} = %(schema_version)s
-- The schema that the data was checked against stays until this is committed.
FOR SHARE OF nt
RETURNING {node} AS object, n.version, {node_tag} AS tag

-- read: get_node -> object, version, tag
SELECT {node} AS object, n.version, {node_tag} AS tag
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s

-- write: update_node -> object, version, tag
WITH found AS (
    SELECT n.version, {node_tag} AS tag
    FROM nodes n, {set_caller}
    WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
    -- No key changes, so relationships may come to it meanwhile.
    FOR NO KEY UPDATE
), changed AS (
    UPDATE nodes n
    SET data = coalesce(%(data)s::jsonb, n.data), version = n.version + 1,
        updated_at = greatest(n.updated_at, statement_timestamp())
    FROM found
    WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at,
              n.xmin
)
SELECT changed.object, coalesce(changed.version, found.version) AS version,
       coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN (
    SELECT {node} AS object, n.version, {node_tag} AS tag
    FROM changed n
) changed ON true

-- write: delete_node -> object, version, tag
WITH found AS (
    SELECT n.version, {node_tag} AS tag
    FROM nodes n, {set_caller}
    WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM nodes n
    USING found
    WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING n.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.version, found.tag
FROM found
LEFT JOIN deleted ON true

-- frame: fitting
-- The nodes that fit, up to one more than may be, and how many that are.
fitting AS MATERIALIZED (
    SELECT n.id, n.node_type_id
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND ({condition})
    LIMIT %(max_affected)s + 1
), found AS (
    SELECT count(*) AS total
    FROM fitting
)

-- write: delete_nodes (condition) -> object, total
WITH {fitting}, wanted AS MATERIALIZED (
    -- In one order, so that two who delete the same nodes never wait in a circle; and those alone
    -- that still fit when it is their turn.
    SELECT n.id
    FROM nodes n, found, {set_caller}
    WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (ARRAY(SELECT fitting.id FROM fitting))
      AND found.total <= %(max_affected)s AND ({condition})
    ORDER BY n.id
    FOR UPDATE OF n
), edges AS MATERIALIZED (
    -- They go along, and are found from both of their ends.
    SELECT r.id
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s
      AND (r.source_node_id = ANY (ARRAY(SELECT wanted.id FROM wanted))
           OR r.target_node_id = ANY (ARRAY(SELECT wanted.id FROM wanted)))
    ORDER BY r.id
    FOR UPDATE
), deleted AS (
    DELETE FROM nodes n
    USING wanted
    WHERE n.tenant_id = %(tenant_id)s AND n.id = wanted.id
      AND (SELECT count(*) FROM edges) >= 0
    RETURNING n.id
)
SELECT json_build_object('deleted', (SELECT count(*) FROM deleted)) AS object, found.total
FROM found
WHERE EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s)

-- lock: get_nodes_to_update (condition) -> total, ids, sizes, types, versions, schemas
WITH {fitting}, types AS MATERIALIZED (
    -- The types first, as everywhere; none where there are too many nodes.
    SELECT nt.id, nt.version, nt.updated_at, nt.xmin, nt.schema
    FROM node_types nt, found
    WHERE nt.tenant_id = %(tenant_id)s AND found.total <= %(max_affected)s
      AND nt.id = ANY (ARRAY(SELECT fitting.node_type_id FROM fitting))
    ORDER BY nt.id
    FOR SHARE OF nt
), wanted AS MATERIALIZED (
    -- In one order, and those alone that still fit when it is their turn.
    SELECT n.id, n.size
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (ARRAY(SELECT fitting.id FROM fitting))
      AND (SELECT count(*) FROM types) > 0 AND ({condition})
    ORDER BY n.id
    FOR NO KEY UPDATE OF n
)
SELECT found.total,
       (SELECT array_agg(wanted.id::text ORDER BY wanted.id) FROM wanted) AS ids,
       (SELECT array_agg(wanted.size ORDER BY wanted.id) FROM wanted) AS sizes,
       (SELECT array_agg(nt.id::text ORDER BY nt.id) FROM types nt) AS types,
       (SELECT array_agg({schema_version} ORDER BY nt.id) FROM types nt) AS versions,
       (SELECT array_agg(nullif(nt.schema, 'null')::json ORDER BY nt.id) FROM types nt) AS schemas
FROM found
WHERE EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s)

-- read: get_data_of_nodes -> ids, types, data
SELECT array_agg(n.id::text) AS ids, array_agg(n.node_type_id::text) AS types,
       array_agg(n.data::json) AS data
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (%(ids)s::uuid[])

-- write: update_nodes -> updated
WITH given AS (
    SELECT g.id, g.data
    FROM jsonb_to_recordset(%(items)s::jsonb) AS g (id uuid, data jsonb)
), changed AS (
    UPDATE nodes n
    SET data = g.data, version = n.version + 1,
        updated_at = greatest(n.updated_at, statement_timestamp())
    FROM given g, {set_caller}
    WHERE n.tenant_id = %(tenant_id)s AND n.id = g.id
      -- As text, since jsonb's 1 and 1.0 are equal.
      AND n.data::text IS DISTINCT FROM g.data::text
    RETURNING n.id
)
SELECT count(*) AS updated
FROM changed

-- frame: schema_of_type
SELECT {schema_version} AS schema_version, nullif(nt.schema, 'null')::json AS schema
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(node_type_id)s

-- lock: get_schema_of_type -> schema_version, schema
{schema_of_type}
FOR SHARE

-- read: get_schema_to_check -> schema_version, schema
{schema_of_type}

-- lock: get_schema_of_node -> schema_version, schema, node_type_id, version, tag, data
SELECT {schema_version} AS schema_version, nullif(nt.schema, 'null')::json AS schema,
       nt.id::text AS node_type_id, n.version, {node_tag} AS tag, n.data::json AS data
FROM nodes n
JOIN node_types nt ON nt.tenant_id = n.tenant_id AND nt.id = n.node_type_id
WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
-- The type first, as everywhere.
FOR SHARE OF nt FOR NO KEY UPDATE OF n

-- lock: get_fit_of_node (condition) -> fits, version
SELECT ({condition}) AS fits, n.version
FROM nodes n
JOIN node_types nt ON nt.tenant_id = n.tenant_id AND nt.id = n.node_type_id
WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
FOR SHARE OF nt FOR NO KEY UPDATE OF n

-- lock: get_fit_of_doomed_node (condition) -> fits, version
SELECT ({condition}) AS fits, n.version
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
-- At once as strong as its deletion needs: who wants more later may wait in a circle.
FOR UPDATE

-- list: list_nodes of node n
SELECT n.tenant_id, n.id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at, n.size
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s
