-- object: role ro
id, tenant_id, name, based_on, grants, version, created_at time, updated_at time

-- frame: role_tag
concat(ro.version, '-', to_hex(hash_record_extended((ro.created_at, ro.xmin), 0)))

-- write: create_role -> object, version, tag, refused
WITH tenant AS (
    SELECT t.id,
           (SELECT count(*) FROM flexdb_roles ro
            WHERE ro.tenant_id = %(tenant_id)s) < %(most)s AS has_room
    FROM tenants t
    WHERE t.id = %(tenant_id)s
), created AS (
    INSERT INTO flexdb_roles AS ro (tenant_id, id, name, based_on, grants, created_at, updated_at)
    SELECT tenant.id, %(id)s::uuid, %(name)s, %(based_on)s, %(grants)s::json,
           statement_timestamp(), statement_timestamp()
    FROM tenant
    WHERE tenant.has_room
    RETURNING ro.id, ro.tenant_id, ro.name, ro.based_on, ro.grants, ro.version, ro.created_at,
              ro.updated_at, ro.xmin
)
SELECT created.object, created.version, created.tag,
       CASE WHEN NOT tenant.has_room THEN 'name' END AS refused
FROM tenant
LEFT JOIN (
    SELECT {role} AS object, ro.version, {role_tag} AS tag
    FROM created ro
) created ON true

-- read: get_role -> object, version, tag
SELECT {role} AS object, ro.version, {role_tag} AS tag
FROM flexdb_roles ro
WHERE ro.tenant_id = %(tenant_id)s AND ro.id = %(id)s

-- write: update_role -> object, version, tag
WITH found AS (
    SELECT ro.version, {role_tag} AS tag
    FROM flexdb_roles ro
    WHERE ro.tenant_id = %(tenant_id)s AND ro.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE flexdb_roles ro
    SET based_on = coalesce(%(based_on)s, ro.based_on),
        grants = coalesce(%(grants)s::json, ro.grants), version = ro.version + 1,
        updated_at = greatest(ro.updated_at, statement_timestamp())
    FROM found
    WHERE ro.tenant_id = %(tenant_id)s AND ro.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING ro.id, ro.tenant_id, ro.name, ro.based_on, ro.grants, ro.version, ro.created_at,
              ro.updated_at, ro.xmin
)
SELECT changed.object, coalesce(changed.version, found.version) AS version,
       coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN (
    SELECT {role} AS object, ro.version, {role_tag} AS tag
    FROM changed ro
) changed ON true

-- lock: lock_role -> name
-- Who gives it to a key meanwhile waits, and finds it gone.
SELECT ro.name
FROM flexdb_roles ro
WHERE ro.tenant_id = %(tenant_id)s AND ro.id = %(id)s
FOR UPDATE

-- read: count_role -> keys, members, invited
SELECT (SELECT count(*) FROM flexdb_keys k
        WHERE k.tenant_id = %(tenant_id)s AND k.role = %(name)s) AS keys,
       (SELECT count(*) FROM tenant_users tu
        WHERE tu.tenant_id = %(tenant_id)s AND tu.role = %(name)s) AS members,
       (SELECT count(*) FROM flexdb_invitations i
        WHERE i.tenant_id = %(tenant_id)s AND i.role = %(name)s) AS invited

-- write: delete_role -> object, version, tag
WITH found AS (
    SELECT ro.version, {role_tag} AS tag
    FROM flexdb_roles ro
    WHERE ro.tenant_id = %(tenant_id)s AND ro.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM flexdb_roles ro
    USING found
    WHERE ro.tenant_id = %(tenant_id)s AND ro.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING ro.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.version, found.tag
FROM found
LEFT JOIN deleted ON true

-- lock: before_roles -> object
SELECT {role} AS object
FROM flexdb_roles ro
WHERE ro.tenant_id = %(tenant_id)s AND ro.id = %(id)s
FOR NO KEY UPDATE

-- list: list_roles of role ro
SELECT ro.tenant_id, ro.id, ro.name, ro.based_on, ro.grants, ro.version, ro.created_at,
       ro.updated_at, octet_length(concat(ro.name, ro.grants)) AS size
FROM flexdb_roles ro
WHERE ro.tenant_id = %(tenant_id)s
