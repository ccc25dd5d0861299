-- The rows that a caller sees for whom rules hold: they stand where a statement names the table, so
-- that it finds what it would find if there were no others.

-- frame: seen_nodes
(SELECT n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at, n.size,
        n.xmin
 FROM nodes n
 WHERE n.tenant_id = %(tenant_id)s AND ({condition}))

-- frame: seen_relationships
-- A subquery for each end, and no join: a walk that ends early looks at no more nodes than it
-- needs.
(SELECT r.id, r.tenant_id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
        r.version, r.created_at, r.updated_at, r.size, r.xmin
 FROM relationships r
 WHERE r.tenant_id = %(tenant_id)s
   AND (SELECT {source} FROM nodes n WHERE n.tenant_id = %(tenant_id)s AND n.id = r.source_node_id)
   AND (SELECT {target} FROM nodes n WHERE n.tenant_id = %(tenant_id)s AND n.id = r.target_node_id))
