-- lock: get_schemas_of_types -> ids, versions, schemas
SELECT array_agg(nt.id::text) AS ids, array_agg({schema_version}) AS versions,
       array_agg(nullif(nt.schema, 'null')::json) AS schemas
FROM (
    SELECT nt.id, nt.version, nt.updated_at, nt.xmin, nt.schema
    FROM node_types nt
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = ANY (%(ids)s::uuid[])
    ORDER BY nt.id
    FOR SHARE
) nt

-- write: create_nodes -> objects, taken
WITH given AS (
    SELECT g.id, g.node_type_id, g.data, g.place
    FROM ROWS FROM (jsonb_to_recordset(%(items)s::jsonb)
                    AS (id uuid, node_type_id uuid, data jsonb))
         WITH ORDINALITY AS g (id, node_type_id, data, place)
), created AS (
    INSERT INTO nodes AS n (tenant_id, id, node_type_id, data, created_at, updated_at)
    SELECT %(tenant_id)s::uuid, g.id, g.node_type_id, g.data, statement_timestamp(),
           statement_timestamp()
    FROM given g, {set_caller}
    -- Who waits for another's id then never waits in a circle.
    ORDER BY g.id
    ON CONFLICT (tenant_id, id) DO NOTHING
    RETURNING n.id, {node} AS object
)
SELECT json_agg(created.object::json ORDER BY g.place) AS objects,
       array_agg((g.place - 1)::integer) FILTER (WHERE created.id IS NULL) AS taken
FROM given g
LEFT JOIN created ON created.id = g.id

-- lock: get_missing_nodes -> missing
SELECT array_agg(wanted.id::text) AS missing
FROM unnest(%(ids)s::uuid[]) AS wanted (id)
LEFT JOIN (
    SELECT n.id
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (%(ids)s::uuid[])
    ORDER BY n.id
    FOR KEY SHARE
) n ON n.id = wanted.id
WHERE n.id IS NULL

-- write: create_relationships -> objects, taken
WITH given AS (
    SELECT g.id, g.source_node_id, g.target_node_id, g.relationship_type, g.data, g.place
    FROM ROWS FROM (jsonb_to_recordset(%(items)s::jsonb)
                    AS (id uuid, source_node_id uuid, target_node_id uuid, relationship_type text,
                        data jsonb))
         WITH ORDINALITY AS g (id, source_node_id, target_node_id, relationship_type, data, place)
), created AS (
    INSERT INTO relationships AS r (tenant_id, id, source_node_id, target_node_id,
                                    relationship_type, data, created_at, updated_at)
    SELECT %(tenant_id)s::uuid, g.id, g.source_node_id, g.target_node_id, g.relationship_type,
           g.data, statement_timestamp(), statement_timestamp()
    FROM given g, {set_caller}
    ORDER BY g.id
    ON CONFLICT (tenant_id, id) DO NOTHING
    RETURNING r.id, {relationship} AS object
)
SELECT json_agg(created.object::json ORDER BY g.place) AS objects,
       array_agg((g.place - 1)::integer) FILTER (WHERE created.id IS NULL) AS taken
FROM given g
LEFT JOIN created ON created.id = g.id
