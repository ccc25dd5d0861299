-- object: tenant t
id, slug, name, status, created_at time, updated_at time

-- frame: tenant_tag
to_hex(hash_record_extended((t.created_at, t.updated_at, t.xmin), 0))

-- frame: slug_is_held
-- Whether another tenant has a slug that looks the same, from before there was a rule or by the
-- original, which asks nobody. Among new ones an index decides: two may come at once.
EXISTS (SELECT FROM tenants other
        WHERE flexdb_slug_key(other.slug) = ANY (ARRAY(
                  SELECT flexdb_slug_key(spelling.slug)
                  FROM json_array_elements_text(%(slug_spellings)s::json) AS spelling (slug)))
          AND other.id <> %(id)s::uuid)

-- write: create_tenant -> object, tag, taken
WITH asked AS (
    SELECT CASE WHEN {slug_is_held} THEN 'slug' END AS taken
), created AS (
    INSERT INTO tenants AS t (id, slug, slug_claim, name, created_at, updated_at)
    SELECT %(id)s::uuid, %(slug)s, ARRAY[%(slug)s, %(slug_key)s], %(name)s,
           statement_timestamp(), statement_timestamp()
    FROM asked
    WHERE asked.taken IS NULL
    RETURNING t.id, t.slug, t.name, t.status, t.created_at, t.updated_at, t.xmin
)
SELECT created.object, created.tag, asked.taken
FROM asked
LEFT JOIN (
    SELECT {tenant} AS object, {tenant_tag} AS tag
    FROM created t
) created ON true

-- read: get_tenant -> object, tag
SELECT {tenant} AS object, {tenant_tag} AS tag
FROM tenants t
WHERE t.id = %(id)s

-- read: get_tenant_by_slug -> object, tag
-- Of those that look the same, from before there was a rule, the one that is written so.
SELECT {tenant} AS object, {tenant_tag} AS tag
FROM tenants t
WHERE (t.slug = %(slug_given)s
       OR (t.slug_claim[1] = t.slug AND t.slug_claim[2] = %(slug_key)s)
       OR flexdb_slug_key(t.slug) = ANY (ARRAY(
           SELECT flexdb_slug_key(spelling.slug)
           FROM json_array_elements_text(%(slug_spellings)s::json) AS spelling (slug))))
  AND (%(tenant_ids)s::uuid[] IS NULL OR t.id = ANY (%(tenant_ids)s::uuid[]))
ORDER BY t.slug = %(slug_given)s DESC, t.id
LIMIT 1

-- read: find_absent_tenants -> absent
SELECT coalesce(json_agg(asked.id), '[]') AS absent
FROM unnest(%(ids)s::uuid[]) AS asked (id)
WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = asked.id)

-- write: update_tenant -> object, tag, refused, taken
WITH found AS (
    SELECT t.id, {tenant_tag} AS tag, coalesce(t.slug = %(slug_given)s, true) AS stays
    FROM tenants t
    WHERE t.id = %(id)s
    FOR NO KEY UPDATE
), asked AS (
    -- What would be refused whatever state it is in, is that (RFC 9110, section 13.2.1).
    SELECT found.id, found.stays, {is_wanted} AS wanted,
           CASE WHEN NOT found.stays AND %(slug)s::text IS NULL THEN 'slug' END AS refused,
           CASE WHEN NOT found.stays AND {slug_is_held} THEN 'slug' END AS taken
    FROM found
), changed AS (
    UPDATE tenants t
    SET slug = CASE WHEN asked.stays THEN t.slug ELSE %(slug)s END,
        slug_claim = CASE WHEN asked.stays THEN t.slug_claim
                          ELSE ARRAY[%(slug)s, %(slug_key)s] END,
        name = coalesce(%(name)s, t.name), status = coalesce(%(status)s, t.status),
        updated_at = greatest(t.updated_at, statement_timestamp())
    FROM asked
    WHERE t.id = asked.id AND asked.wanted AND asked.refused IS NULL AND asked.taken IS NULL
    RETURNING t.id, t.slug, t.name, t.status, t.created_at, t.updated_at, t.xmin
)
SELECT changed.object, coalesce(changed.tag, found.tag) AS tag, asked.refused, asked.taken
FROM found
LEFT JOIN asked ON true
LEFT JOIN (
    SELECT {tenant} AS object, {tenant_tag} AS tag
    FROM changed t
) changed ON true

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
WHERE TRUE
