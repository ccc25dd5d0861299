-- Nodes in the order of a member that their type declares with x-index, or in a range of it.

-- list: indexed_nodes of node n
SELECT n.tenant_id, i.node_id AS id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at,
       n.size, i.rank AS index_rank, i.number AS index_number, i.text AS index_text
FROM flexdb_index i
JOIN nodes n ON n.tenant_id = %(tenant_id)s AND n.id = i.node_id
WHERE i.tenant_id = %(tenant_id)s AND i.node_type_id = %(node_type_id)s
  AND i.rule = flexdb_index_code(jsonb_build_array(%(index_path)s::text[])::text)

-- frame: has_index
EXISTS (
    SELECT
    FROM flexdb_declarations d
    WHERE d.tenant_id = %(tenant_id)s AND d.node_type_id = %(node_type_id)s AND d.kind = 'index'
      AND d.rule = jsonb_build_array(%(index_path)s::text[])::text
      AND NOT EXISTS (
          SELECT
          FROM flexdb_index_builds b
          WHERE b.tenant_id = %(tenant_id)s AND b.node_type_id = d.node_type_id
            AND b.rule = d.rule))

-- read: list_indexes -> object
-- Those of all tenants, or of one, that node types declare, and how far each is.
SELECT coalesce(json_agg(json_build_object(
           'tenant_id', d.tenant_id, 'slug', t.slug, 'node_type_id', d.node_type_id,
           'rule', d.rule, 'member', (flexdb_members(d.rule))[1], 'nodes', b.nodes)
           ORDER BY t.slug, d.node_type_id, d.rule), '[]') AS object
FROM flexdb_declarations d
JOIN tenants t ON t.id = d.tenant_id
LEFT JOIN flexdb_index_builds b ON b.tenant_id = d.tenant_id
    AND b.node_type_id = d.node_type_id AND b.rule = d.rule
WHERE d.kind = 'index' AND d.tenant_id = coalesce(%(tenant_id)s, d.tenant_id)

-- write: build_index -> object
SELECT to_json(flexdb_build_index(%(tenant_id)s, %(node_type_id)s, %(rule)s, %(most)s)) AS object
