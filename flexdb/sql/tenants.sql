-- object: tenant t
id, slug, name, status, created_at time, updated_at time

-- write: create_tenant -> object
INSERT INTO tenants AS t (id, slug, name, created_at, updated_at)
SELECT %(id)s::uuid, %(slug)s, %(name)s, clock.now, clock.now
FROM clock_timestamp() AS clock (now)
RETURNING {tenant} AS object

-- read: get_tenant -> object
SELECT {tenant} AS object
FROM tenants t
WHERE t.id = %(id)s

-- write: update_tenant -> object
UPDATE tenants t
SET slug = coalesce(%(slug)s, t.slug), name = coalesce(%(name)s, t.name),
    status = coalesce(%(status)s, t.status), updated_at = clock_timestamp()
WHERE t.id = %(id)s
RETURNING {tenant} AS object

-- write: delete_tenant -> object
DELETE FROM tenants t
WHERE t.id = %(id)s
RETURNING '{}'::json AS object

-- list: list_tenants of tenant t
SELECT t.id, t.slug, t.name, t.status, t.created_at, t.updated_at,
       octet_length(concat(t.slug, t.name, t.status)) AS size
FROM tenants t
