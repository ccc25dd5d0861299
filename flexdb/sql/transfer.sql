-- How whole tenants leave and enter: the lines of a file in their order, and where each kind goes.
-- The columns stand in the order of the object's members. A JSON column that holds null, and is not
-- unset, is named beside the object, in which both look alike; size tells them apart at no cost.

-- export: tenant
SELECT concat('{"tenant":', {tenant}, '}') AS line
FROM tenants t
WHERE t.id = %(tenant_id)s

-- export: user
SELECT concat('{"user":', {user}, '}') AS line
FROM users u
JOIN tenant_users tu ON tu.user_id = u.id
WHERE tu.tenant_id = %(tenant_id)s
ORDER BY u.created_at, u.id

-- export: all_users of user
SELECT concat('{"user":', {user}, '}') AS line
FROM users u
ORDER BY u.created_at, u.id

-- export: tenant_user
SELECT concat('{"tenant_user":', {tenant_user}, '}') AS line
FROM tenant_users tu
WHERE tu.tenant_id = %(tenant_id)s
ORDER BY tu.user_id

-- export: node_type
SELECT concat('{"node_type":', {node_type},
              CASE WHEN nt.size = 4 AND nt.schema = 'null' THEN ',"json_null":"schema"' END, '}') AS line
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s
ORDER BY nt.created_at, nt.id

-- export: relationship_type
SELECT concat('{"relationship_type":', {relationship_type},
              CASE WHEN rt.schema = 'null' THEN ',"json_null":"schema"' END, '}') AS line
FROM flexdb_relationship_types rt
WHERE rt.tenant_id = %(tenant_id)s
ORDER BY rt.created_at, rt.id

-- export: node
SELECT concat('{"node":', {node},
              CASE WHEN n.size = 4 AND n.data = 'null' THEN ',"json_null":"data"' END, '}') AS line
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s
ORDER BY n.created_at, n.id

-- export: relationship
SELECT concat('{"relationship":', {relationship},
              CASE WHEN r.size = 4 AND r.data = 'null' THEN ',"json_null":"data"' END, '}') AS line
FROM relationships r
WHERE r.tenant_id = %(tenant_id)s
ORDER BY r.created_at, r.id

-- import: tenant
COPY tenants (id, slug, name, status, created_at, updated_at) FROM STDIN

-- import: user
-- Users are global: one whose id or address is there, in another tenant perhaps, stays as is.
INSERT INTO users (id, email, display_name, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING

-- import: tenant_user
COPY tenant_users (tenant_id, user_id, role, status) FROM STDIN

-- import: node_type
COPY node_types (id, tenant_id, name, description, schema, version, created_at, updated_at)
FROM STDIN

-- import: relationship_type
COPY flexdb_relationship_types (id, tenant_id, name, description, source_node_type_ids,
                                target_node_type_ids, cardinality, unique_pair, acyclic, on_delete,
                                schema, version, created_at, updated_at)
FROM STDIN

-- import: node
COPY nodes (id, tenant_id, node_type_id, data, version, created_at, updated_at) FROM STDIN

-- import: relationship
COPY relationships (id, tenant_id, source_node_id, target_node_id, relationship_type, data,
                    version, created_at, updated_at)
FROM STDIN

-- clear: relationship_types
-- First, as they keep nodes.
DELETE FROM flexdb_relationship_types rt
WHERE rt.tenant_id = %(tenant_id)s

-- clear: node_types
-- Their nodes go along, with their relationships, and what others write meanwhile.
DELETE FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s

-- clear: tenant_users
DELETE FROM tenant_users tu
WHERE tu.tenant_id = %(tenant_id)s

-- clear: changes
-- It begins anew: what changed before led to what is no longer there.
SELECT flexdb_restart_changes(%(tenant_id)s)

-- read: find_node_type -> object
-- An id where both would fit, as with tenants.
SELECT json_build_object('id', nt.id, 'schema', nt.schema) AS object
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s
  AND (nt.id::text = lower(%(node_type)s::text) OR nt.name = %(node_type)s)
ORDER BY nt.id::text = lower(%(node_type)s::text) DESC
LIMIT 1

-- read: export_nodes (condition) -> id, data
SELECT n.id::text AS id, coalesce(n.data, '{}')::text AS data
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s AND n.node_type_id = %(node_type_id)s AND ({condition})
ORDER BY n.created_at, n.id

-- read: get_data_members (condition) -> name
-- Of data that is no object, as in an adopted database, there is none.
SELECT DISTINCT m.name COLLATE "C" AS name
FROM nodes n, jsonb_object_keys(CASE jsonb_typeof(n.data) WHEN 'object' THEN n.data
                                ELSE jsonb_build_object() END) AS m (name)
WHERE n.tenant_id = %(tenant_id)s AND n.node_type_id = %(node_type_id)s AND ({condition})
LIMIT %(most)s
