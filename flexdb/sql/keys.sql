-- object: key k
id, tenant_id, name, role, attributes json nullable, operations, hint, created_by, created_at time,
expires_at time, last_used_at time

-- write: create_key -> object, missing, keys
WITH replaced AS (
    UPDATE flexdb_keys k
    SET expires_at = least(k.expires_at,
                           statement_timestamp() + make_interval(secs => %(overlap)s::integer))
    WHERE k.id = %(replaces)s AND k.tenant_id IS NOT DISTINCT FROM %(tenant_id)s::uuid
      AND k.role <> ALL(%(above)s::text[])
    RETURNING k.id
), named AS (
    -- It stays until the key that has it is there.
    SELECT ro.id
    FROM flexdb_roles ro
    WHERE ro.tenant_id = %(tenant_id)s AND ro.name = %(role)s
    FOR KEY SHARE
), wanted AS (
    SELECT CASE
        -- First, since another tenant is none beside a key of one's own.
        WHEN %(replaces)s::uuid IS NOT NULL AND NOT EXISTS (SELECT FROM replaced) THEN 'replaces'
        WHEN %(tenant_id)s::uuid IS NOT NULL
             AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = %(tenant_id)s) THEN 'tenant_id'
        WHEN NOT %(is_known)s AND NOT EXISTS (SELECT FROM named) THEN 'role'
    END AS missing, (
        SELECT count(*)
        FROM flexdb_keys k
        WHERE k.tenant_id = %(tenant_id)s
    ) AS keys
), made AS (
    INSERT INTO flexdb_keys AS k
        (id, tenant_id, name, role, attributes, operations, hash, hint, created_by, expires_at)
    SELECT %(id)s, %(tenant_id)s, %(name)s, %(role)s, %(attributes)s::jsonb,
           %(operations)s::text[], %(hash)s::bytea, %(hint)s, %(created_by)s,
           coalesce(%(expires_at)s::timestamptz, statement_timestamp() + interval '90 days')
    FROM wanted
    WHERE wanted.missing IS NULL AND wanted.keys < %(most_keys)s::bigint
    RETURNING k.id, k.tenant_id, k.name, k.role, k.attributes, k.operations, k.hint, k.created_by,
              k.created_at, k.expires_at, k.last_used_at
)
SELECT made.object, wanted.missing, wanted.keys
FROM wanted
LEFT JOIN (SELECT {key} AS object FROM made k) made ON true

-- write: delete_key -> object, denied
WITH found AS (
    SELECT k.tenant_id, k.id, k.role = ANY(%(above)s::text[]) AS denied
    FROM flexdb_keys k
    WHERE k.id = %(id)s AND k.tenant_id IS NOT DISTINCT FROM %(tenant_id)s::uuid
    FOR UPDATE
), deleted AS (
    DELETE FROM flexdb_keys k
    USING found
    WHERE k.tenant_id IS NOT DISTINCT FROM found.tenant_id AND k.id = found.id
      AND NOT found.denied
)
SELECT '{}'::json AS object, found.denied
FROM found

-- list: list_keys of key k
SELECT k.id, k.tenant_id, k.name, k.role, k.attributes, k.operations, k.hint, k.created_by,
       k.created_at, k.expires_at, k.last_used_at,
       octet_length(concat(k.name, k.created_by, k.operations, k.attributes)) AS size
FROM flexdb_keys k
WHERE k.tenant_id = %(tenant_id)s

-- frame: is_noted
coalesce(k.last_used_at > statement_timestamp() - interval '1 hour', false)

-- read: find_key -> object
SELECT json_build_object(
    'id', k.id, 'tenant_id', k.tenant_id, 'role', coalesce(ro.based_on, k.role),
    'operations', k.operations, 'expires', extract(epoch FROM k.expires_at)::float8,
    'suspended', {is_suspended}, 'noted', {is_noted}, 'grants', {grants},
    'attributes', coalesce(k.attributes, '{}')::text) AS object
FROM flexdb_keys k
LEFT JOIN tenants t ON t.id = k.tenant_id
LEFT JOIN flexdb_roles ro ON ro.tenant_id = k.tenant_id AND ro.name = k.role
WHERE k.hash = %(hash)s::bytea

-- frame: is_suspended
coalesce(t.status = 'suspended', false)

-- frame: grants
CASE WHEN ro.id IS NOT NULL THEN json_build_array(ro.name, ro.grants::text) END

-- frame: memberships
coalesce(json_object_agg(m.tenant_id, json_build_array(
    coalesce(ro.based_on, m.role), m.suspended, {grants})), '{}'::json)

-- read: find_memberships -> object
-- The tenants of a user; with more than 1,000, the first of them.
SELECT {memberships} AS object
FROM (
    SELECT tu.tenant_id, tu.role, {is_suspended} AS suspended
    FROM tenant_users tu
    JOIN tenants t ON t.id = tu.tenant_id
    WHERE tu.user_id = %(user_id)s AND tu.status = 'active'
    ORDER BY tu.tenant_id
    LIMIT 1000
) m
LEFT JOIN flexdb_roles ro ON ro.tenant_id = m.tenant_id AND ro.name = m.role

-- read: find_claimed -> object
-- Those of the tenants that there are, as memberships with the roles that somebody else tells.
SELECT {memberships} AS object
FROM (
    SELECT t.id AS tenant_id, claimed.role, {is_suspended} AS suspended
    FROM json_each_text(%(roles)s::json) claimed (tenant_id, role)
    JOIN tenants t ON t.id = claimed.tenant_id::uuid
) m
LEFT JOIN flexdb_roles ro ON ro.tenant_id = m.tenant_id AND ro.name = m.role

-- write: note_key -> object
WITH noted AS (
    UPDATE flexdb_keys k
    SET last_used_at = statement_timestamp()
    WHERE k.id = %(id)s AND NOT {is_noted}
    RETURNING k.id
)
SELECT to_json(noted.id) AS object
FROM noted

-- read: find_tenant -> object
SELECT to_json(t.id) AS object
FROM tenants t
WHERE t.id::text = lower(%(tenant)s::text) OR t.slug = %(tenant)s
ORDER BY t.id::text = lower(%(tenant)s::text) DESC
LIMIT 1

-- read: has_operator_key -> object
SELECT to_json(EXISTS (
    SELECT FROM flexdb_keys k WHERE k.tenant_id IS NULL AND k.expires_at > statement_timestamp()
)) AS object

-- object: operator_key k
id, name, role, operations, hint, created_by, created_at time, expires_at time, last_used_at time

-- list: list_operator_keys of operator_key k
SELECT k.id, k.name, k.role, k.operations, k.hint, k.created_by, k.created_at, k.expires_at,
       k.last_used_at, octet_length(concat(k.name, k.created_by, k.operations)) AS size
FROM flexdb_keys k
WHERE k.tenant_id IS NULL

-- lock: before_operator_keys -> object
SELECT {operator_key} AS object
FROM flexdb_keys k
WHERE k.tenant_id IS NULL AND k.id = %(id)s
FOR NO KEY UPDATE

-- write: delete_operator_key -> object
DELETE FROM flexdb_keys k
WHERE k.tenant_id IS NULL AND k.id = %(id)s
RETURNING '{}'::json AS object
