-- Rows that several calls of one transaction will write, each kind in the order of its ids and the
-- kinds in the order in which foreign keys hang on each other: who takes them all first, and so,
-- never waits in a circle.

-- lock: lock_tenants -> locked
SELECT count(*) AS locked
FROM (
    SELECT t.id
    FROM tenants t
    WHERE t.id = ANY (%(ids)s::uuid[])
    ORDER BY t.id
    FOR NO KEY UPDATE
) t

-- lock: lock_users -> locked
SELECT count(*) AS locked
FROM (
    SELECT u.id
    FROM users u
    WHERE u.id = ANY (%(ids)s::uuid[])
    ORDER BY u.id
    FOR NO KEY UPDATE
) u

-- lock: lock_tenant_users -> locked
SELECT count(*) AS locked
FROM (
    SELECT tu.user_id
    FROM tenant_users tu
    WHERE tu.tenant_id = %(tenant_id)s AND tu.user_id = ANY (%(tenant_users)s::uuid[])
    ORDER BY tu.user_id
    FOR NO KEY UPDATE
) tu

-- frame: types_to_lock
SELECT nt.id
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = ANY (%(node_types)s::uuid[] || ARRAY(
    SELECT n.node_type_id
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (%(nodes)s::uuid[])))
ORDER BY nt.id

-- lock: lock_node_types -> locked
-- Those of the nodes too, and in the same pass.
SELECT count(*) AS locked
FROM ({types_to_lock} FOR UPDATE) nt

-- lock: lock_changed -> locked
WITH types AS MATERIALIZED (
    -- What is written must fit their schemas.
    {types_to_lock}
    FOR SHARE
), changed AS MATERIALIZED (
    SELECT n.id
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (%(nodes)s::uuid[])
      AND (SELECT count(*) FROM types) >= 0
    ORDER BY n.id
    FOR NO KEY UPDATE
)
SELECT count(*) AS locked
FROM (
    SELECT r.id
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s AND r.id = ANY (%(relationships)s::uuid[])
      AND (SELECT count(*) FROM changed) >= 0
    ORDER BY r.id
    FOR NO KEY UPDATE
) r

-- lock: lock_deleted -> locked
-- A node takes its relationships along, in whatever order they are found.
WITH types AS MATERIALIZED (
    {types_to_lock}
    FOR SHARE
), deleted AS MATERIALIZED (
    SELECT n.id
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (%(nodes)s::uuid[])
      AND (SELECT count(*) FROM types) >= 0
    ORDER BY n.id
    FOR UPDATE
)
SELECT count(*) AS locked
FROM (
    SELECT r.id
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s
      AND (r.id = ANY (%(relationships)s::uuid[])
           OR r.source_node_id = ANY (%(deleted_nodes)s::uuid[])
           OR r.target_node_id = ANY (%(deleted_nodes)s::uuid[]))
      AND (SELECT count(*) FROM deleted) >= 0
    ORDER BY r.id
    FOR UPDATE
) r
