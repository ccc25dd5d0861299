-- object: tenant
(SELECT row_to_json(o) FROM (
    SELECT t.id, t.slug, t.name, t.status, {time t.created_at} AS created_at,
           {time t.updated_at} AS updated_at
) o)

-- name: create_tenant
INSERT INTO tenants AS t (id, slug, name, created_at, updated_at)
SELECT %(id)s::uuid, %(slug)s, %(name)s, clock.now, clock.now
FROM clock_timestamp() AS clock (now)
RETURNING {tenant}

-- name: get_tenant
SELECT {tenant}
FROM tenants t
WHERE t.id = %(id)s

-- name: update_tenant
UPDATE tenants t
SET slug = coalesce(%(slug)s, t.slug), name = coalesce(%(name)s, t.name),
    status = coalesce(%(status)s, t.status), updated_at = clock_timestamp()
WHERE t.id = %(id)s
RETURNING {tenant}

-- name: delete_tenant
DELETE FROM tenants t
WHERE t.id = %(id)s
RETURNING '{}'::json

-- list: list_tenants of tenant t
SELECT t.id, t.slug, t.name, t.status, t.created_at, t.updated_at,
       octet_length(concat(t.slug, t.name, t.status)) AS size
FROM tenants t
