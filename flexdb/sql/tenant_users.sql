-- object: tenant_user tu
tenant_id, user_id, role, status

-- read: get_member -> object, tag
SELECT {user} AS object, {user_tag} AS tag
FROM users u
WHERE u.id = %(id)s AND EXISTS (
    SELECT FROM tenant_users tu
    WHERE tu.tenant_id = ANY(%(tenant_ids)s::uuid[]) AND tu.user_id = u.id)

-- lock: get_role_of_member -> role
SELECT tu.role
FROM tenant_users tu
WHERE tu.tenant_id = %(tenant_id)s AND tu.user_id = %(user_id)s
FOR UPDATE

-- write: add_user_to_tenant -> object, missing, created
WITH tenant AS (SELECT t.id FROM tenants t WHERE t.id = %(tenant_id)s),
     member AS (SELECT u.id FROM users u WHERE u.id = %(user_id)s),
     added AS (
         INSERT INTO tenant_users AS tu (tenant_id, user_id, role)
         SELECT tenant.id, member.id, %(role)s FROM tenant, member
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role
         -- A row that was just inserted has no xmax.
         RETURNING tu.tenant_id, tu.user_id, tu.role, tu.status, tu.xmax = 0 AS created
     )
SELECT (SELECT {tenant_user} FROM added tu) AS object,
       CASE WHEN NOT EXISTS (SELECT FROM tenant) THEN 'tenant_id'
            WHEN NOT EXISTS (SELECT FROM member) THEN 'user_id' END AS missing,
       (SELECT added.created FROM added) AS created

-- write: remove_user_from_tenant -> object, tag
WITH found AS (
    -- A membership is never given alone, so nobody knows a tag of it.
    SELECT tu.tenant_id, tu.user_id, 'unknown' AS tag
    FROM tenant_users tu
    WHERE tu.tenant_id = %(tenant_id)s AND tu.user_id = %(user_id)s
    FOR UPDATE
), removed AS (
    DELETE FROM tenant_users tu
    USING found
    WHERE tu.tenant_id = found.tenant_id AND tu.user_id = found.user_id AND {is_wanted}
    RETURNING tu.user_id
)
SELECT CASE WHEN removed.user_id IS NOT NULL THEN '{}'::json END AS object, found.tag
FROM found
LEFT JOIN removed ON true

-- list: list_tenant_users of tenant_user tu
SELECT tu.tenant_id, tu.user_id, tu.role, tu.status,
       octet_length(concat(tu.role, tu.status)) AS size
FROM tenant_users tu
WHERE tu.tenant_id = %(tenant_id)s
