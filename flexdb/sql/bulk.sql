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

-- frame: moment
-- The text of a time costs more than the rest of an object, and here all have the same one.
moment AS MATERIALIZED (SELECT {this_moment} AS text)

-- object: created_node n
id plain, tenant_id plain, node_type_id plain, data json nullable, version number,
created_at plain, updated_at plain

-- frame: inserting_nodes
WITH {moment}, given AS (
    SELECT g.id, g.node_type_id, g.data, g.place
    FROM ROWS FROM (unnest(%(ids)s::uuid[]), unnest(%(node_type_ids)s::uuid[]),
                    jsonb_array_elements(%(data)s::jsonb))
         WITH ORDINALITY AS g (id, node_type_id, data, place)
), created AS (
    INSERT INTO nodes AS n (tenant_id, id, node_type_id, data, created_at, updated_at)
    SELECT %(tenant_id)s::uuid, g.id, g.node_type_id, g.data, statement_timestamp(),
           statement_timestamp()
    FROM given g, {set_caller}
    -- Who waits for another's id then never waits in a circle.
    ORDER BY g.id

-- frame: inserted_nodes
    RETURNING n.id, n.tenant_id, n.node_type_id, n.data, n.version
), inserted AS (
    SELECT n.id, n.tenant_id, n.node_type_id, n.data, n.version, m.text AS created_at,
           m.text AS updated_at
    FROM created n, moment m
)

-- write: create_nodes -> objects, taken
{inserting_nodes}
    ON CONFLICT (tenant_id, id) DO NOTHING
{inserted_nodes}
SELECT concat('[', string_agg({created_node}, ',' ORDER BY g.place), ']')::varchar AS objects,
       array_agg((g.place - 1)::integer) FILTER (WHERE n.id IS NULL) AS taken
FROM given g
LEFT JOIN inserted n ON n.id = g.id

-- write: create_new_nodes -> objects
-- Ids that were made here are nobody's yet, and in the order of the places. To look for the one is a
-- tenth of all, to join by the other a twentieth.
{inserting_nodes}
{inserted_nodes}
SELECT concat('[', string_agg({created_node}, ',' ORDER BY n.id), ']')::varchar AS objects
FROM inserted n

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

-- object: created_relationship r
id plain, tenant_id plain, source_node_id plain, target_node_id plain, relationship_type,
data json nullable, version number, created_at plain, updated_at plain

-- frame: inserting_relationships
WITH {moment}, given AS (
    SELECT g.id, g.source_node_id, g.target_node_id, g.relationship_type, g.data, g.place
    FROM ROWS FROM (unnest(%(ids)s::uuid[]), unnest(%(source_node_ids)s::uuid[]),
                    unnest(%(target_node_ids)s::uuid[]), unnest(%(relationship_types)s::text[]),
                    jsonb_array_elements(%(data)s::jsonb))
         WITH ORDINALITY AS g (id, source_node_id, target_node_id, relationship_type, data, place)
), created AS (
    INSERT INTO relationships AS r (tenant_id, id, source_node_id, target_node_id,
                                    relationship_type, data, created_at, updated_at)
    SELECT %(tenant_id)s::uuid, g.id, g.source_node_id, g.target_node_id, g.relationship_type,
           g.data, statement_timestamp(), statement_timestamp()
    FROM given g, {set_caller}
    ORDER BY g.id

-- frame: inserted_relationships
    RETURNING r.id, r.tenant_id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
              r.version
), inserted AS (
    SELECT r.id, r.tenant_id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
           r.version, m.text AS created_at, m.text AS updated_at
    FROM created r, moment m
)

-- write: create_relationships -> objects, taken
{inserting_relationships}
    ON CONFLICT (tenant_id, id) DO NOTHING
{inserted_relationships}
SELECT concat('[', string_agg({created_relationship}, ',' ORDER BY g.place), ']')::varchar AS objects,
       array_agg((g.place - 1)::integer) FILTER (WHERE r.id IS NULL) AS taken
FROM given g
LEFT JOIN inserted r ON r.id = g.id

-- write: create_new_relationships -> objects
{inserting_relationships}
{inserted_relationships}
SELECT concat('[', string_agg({created_relationship}, ',' ORDER BY r.id), ']')::varchar AS objects
FROM inserted r
