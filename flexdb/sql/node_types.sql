-- object: node_type nt
id, tenant_id, name, description nullable, schema json nullable, version, created_at time,
updated_at time

-- frame: node_type_tag
concat(nt.version, '-', to_hex(hash_record_extended((nt.created_at, nt.xmin), 0)))

-- write: create_node_type -> object, version, tag
INSERT INTO node_types AS nt
    (tenant_id, id, name, description, schema, created_at, updated_at)
SELECT t.id, %(id)s::uuid, %(name)s, %(description)s, %(schema)s::jsonb,
       statement_timestamp(), statement_timestamp()
FROM tenants t, {set_caller}
WHERE t.id = %(tenant_id)s
RETURNING {node_type} AS object, nt.version, {node_type_tag} AS tag

-- read: get_node_type -> object, version, tag
SELECT {node_type} AS object, nt.version, {node_type_tag} AS tag
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s

-- read: get_node_type_by_name -> object, version, tag
SELECT {node_type} AS object, nt.version, {node_type_tag} AS tag
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s AND nt.name = %(name)s

-- write: update_node_type -> object, version, tag
WITH found AS (
    SELECT nt.version, {node_type_tag} AS tag
    FROM node_types nt, {set_caller}
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE node_types nt
    SET name = coalesce(%(name)s, nt.name),
        description = CASE WHEN %(has_description)s THEN %(description)s ELSE nt.description END,
        schema = CASE WHEN %(has_schema)s THEN %(schema)s::jsonb ELSE nt.schema END,
        version = nt.version + 1, updated_at = greatest(nt.updated_at, statement_timestamp())
    FROM found
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING nt.id, nt.tenant_id, nt.name, nt.description, nt.schema, nt.version, nt.created_at,
              nt.updated_at, nt.xmin
)
SELECT changed.object, coalesce(changed.version, found.version) AS version,
       coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN (
    SELECT {node_type} AS object, nt.version, {node_type_tag} AS tag
    FROM changed nt
) changed ON true

-- write: delete_node_type -> object, version, tag
WITH found AS (
    SELECT nt.version, {node_type_tag} AS tag
    FROM node_types nt, {set_caller}
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM node_types nt
    USING found
    WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING nt.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.version, found.tag
FROM found
LEFT JOIN deleted ON true

-- list: list_node_types of node_type nt
SELECT nt.tenant_id, nt.id, nt.name, nt.description, nt.schema, nt.version, nt.created_at,
       nt.updated_at, nt.size + octet_length(concat(nt.name, nt.description)) AS size
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s

-- lock: lock_node_type -> id
SELECT nt.id::text AS id
FROM node_types nt
WHERE nt.tenant_id = %(tenant_id)s AND nt.id = %(node_type_id)s
FOR UPDATE

-- read: find_clashes -> clashes
WITH rules AS MATERIALIZED (
    -- Those that hold already cannot be broken.
    SELECT d.rule, d.paths
    FROM flexdb_declared(%(schema)s::jsonb) d
    WHERE d.kind = 'unique' AND NOT EXISTS (
        SELECT FROM flexdb_declarations held
        WHERE held.tenant_id = %(tenant_id)s AND held.node_type_id = %(node_type_id)s
          AND held.kind = d.kind AND held.rule = d.rule)
), clashes AS (
    SELECT m.rule, m.paths, count(*) AS total, (array_agg(m.id ORDER BY m.created_at, m.id))[:10] AS ids
    FROM (
        SELECT r.rule, r.paths, flexdb_unique_hash(n.data, r.paths) AS hash, n.id, n.created_at
        FROM nodes n
        CROSS JOIN rules r
        WHERE n.tenant_id = %(tenant_id)s AND n.node_type_id = %(node_type_id)s
    ) m
    WHERE m.hash IS NOT NULL
    GROUP BY m.rule, m.paths, m.hash
    HAVING count(*) > 1
    ORDER BY total DESC, m.rule, m.hash
    LIMIT 100
)
SELECT json_agg(json_build_object(
           'members', flexdb_members(c.rule), 'values', v.listed, 'ids', c.ids, 'total', c.total)
           ORDER BY c.total DESC, c.rule, c.ids) AS clashes
FROM clashes c
CROSS JOIN LATERAL (
    SELECT json_agg(left(e.value, 200) ORDER BY e.place) AS listed
    FROM (
        SELECT (n.data #> p.path::text[])::text AS value, p.place
        FROM nodes n
        CROSS JOIN unnest(c.paths) WITH ORDINALITY p (path, place)
        WHERE n.tenant_id = %(tenant_id)s AND n.id = c.ids[1]
    ) e
) v
