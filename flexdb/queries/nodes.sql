-- object: node
(SELECT row_to_json(o) FROM (
    SELECT n.id, n.tenant_id, n.node_type_id, {json n.data} AS data, n.version,
           {time n.created_at} AS created_at, {time n.updated_at} AS updated_at
) o)

-- name: create_node
INSERT INTO nodes AS n (tenant_id, id, node_type_id, data, created_at, updated_at)
SELECT nt.tenant_id, %(id)s::uuid, nt.id, %(data)s::jsonb, clock.now, clock.now
FROM node_types nt, clock_timestamp() AS clock (now)
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(node_type_id)s
RETURNING {node}

-- name: get_node
SELECT {node}
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s

-- name: update_node
UPDATE nodes n
SET data = coalesce(%(data)s::jsonb, n.data), version = n.version + 1,
    updated_at = clock_timestamp()
WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
RETURNING {node}

-- name: delete_node
DELETE FROM nodes n
WHERE n.tenant_id = %(tenant_id)s AND n.id = %(id)s
RETURNING '{}'::json

-- list: list_nodes of node n
SELECT n.tenant_id, n.id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at, n.size
FROM nodes n
WHERE n.tenant_id = %(tenant_id)s
