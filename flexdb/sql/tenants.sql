-- object: tenant t
id, slug, name, status, created_at time, updated_at time

-- frame: tenant_tag
to_hex(hash_record_extended((t.created_at, t.updated_at, t.xmin), 0))

-- write: create_tenant -> object, tag
INSERT INTO tenants AS t (id, slug, name, created_at, updated_at)
SELECT %(id)s::uuid, %(slug)s, %(name)s, clock.now, clock.now
FROM clock_timestamp() AS clock (now)
RETURNING {tenant} AS object, {tenant_tag} AS tag

-- read: get_tenant -> object, tag
SELECT {tenant} AS object, {tenant_tag} AS tag
FROM tenants t
WHERE t.id = %(id)s

-- write: update_tenant -> object, tag
WITH found AS (
    SELECT t.id, {tenant_tag} AS tag
    FROM tenants t
    WHERE t.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE tenants t
    SET slug = coalesce(%(slug)s, t.slug), name = coalesce(%(name)s, t.name),
        status = coalesce(%(status)s, t.status), updated_at = clock_timestamp()
    FROM found
    WHERE t.id = found.id AND {is_wanted}
    RETURNING {tenant} AS object, {tenant_tag} AS tag
)
SELECT changed.object, coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN changed ON true

-- write: delete_tenant -> object, tag
WITH found AS (
    SELECT t.id, {tenant_tag} AS tag
    FROM tenants t
    WHERE t.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM tenants t
    USING found
    WHERE t.id = found.id AND {is_wanted}
    RETURNING t.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.tag
FROM found
LEFT JOIN deleted ON true

-- list: list_tenants of tenant t
SELECT t.id, t.slug, t.name, t.status, t.created_at, t.updated_at,
       octet_length(concat(t.slug, t.name, t.status)) AS size
FROM tenants t
