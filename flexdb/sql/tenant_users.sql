-- object: tenant_user tu
tenant_id, user_id, role, status

-- object: member tu
tenant_id, user_id, role, status, email, display_name

-- read: get_member -> object, tag
SELECT {user} AS object, {user_tag} AS tag
FROM users u
WHERE u.id = %(id)s AND EXISTS (
    SELECT FROM tenant_users tu
    WHERE tu.tenant_id = ANY(%(tenant_ids)s::uuid[]) AND tu.user_id = u.id)

-- read: get_member_by_email -> object, tag
SELECT {user} AS object, {user_tag} AS tag
FROM users u
WHERE {has_email} AND EXISTS (
    SELECT FROM tenant_users tu
    WHERE tu.tenant_id = ANY(%(tenant_ids)s::uuid[]) AND tu.user_id = u.id)
ORDER BY u.email = %(email_given)s DESC, u.id
LIMIT 1

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
    SELECT 'unknown' AS tag
    FROM tenant_users tu, {set_caller}
    WHERE tu.tenant_id = %(tenant_id)s AND tu.user_id = %(user_id)s
    FOR UPDATE
), removed AS (
    DELETE FROM tenant_users tu
    USING found
    WHERE tu.tenant_id = %(tenant_id)s AND tu.user_id = %(user_id)s AND {is_wanted}
    RETURNING tu.user_id
)
SELECT CASE WHEN removed.user_id IS NOT NULL THEN '{}'::json END AS object, found.tag
FROM found
LEFT JOIN removed ON true

-- list: list_tenant_users of member tu
SELECT tu.tenant_id, tu.user_id, tu.role, tu.status, tu.email, tu.display_name,
       octet_length(concat(tu.role, tu.status, tu.email, tu.display_name)) AS size
FROM (
    -- LATERAL with LIMIT lets no plan read more users than a page has.
    SELECT tu.tenant_id, tu.user_id, tu.role, tu.status, u.email, u.display_name
    FROM tenant_users tu
    CROSS JOIN LATERAL (
        SELECT u.email, u.display_name FROM users u WHERE u.id = tu.user_id LIMIT 1
    ) u
    WHERE tu.tenant_id = %(tenant_id)s
) tu
WHERE TRUE

-- object: user_tenant ut
tenant_id, user_id, role, status, slug, name

-- list: list_user_tenants of user_tenant ut
-- Of a caller who sees some tenants, those are named.
SELECT ut.tenant_id, ut.user_id, ut.role, ut.status, ut.slug, ut.name,
       octet_length(concat(ut.role, ut.status, ut.slug, ut.name)) AS size
FROM (
    SELECT tu.tenant_id, tu.user_id, tu.role, tu.status, t.slug, t.name
    FROM tenant_users tu
    CROSS JOIN LATERAL (
        SELECT t.slug, t.name FROM tenants t WHERE t.id = tu.tenant_id LIMIT 1
    ) t
    WHERE tu.user_id = %(user_id)s
      AND (%(tenant_ids)s::uuid[] IS NULL OR tu.tenant_id = ANY (%(tenant_ids)s::uuid[]))
) ut
WHERE TRUE
