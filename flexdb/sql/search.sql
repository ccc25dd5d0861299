-- The nodes in which the words of a search stand, by their rank. What is asked for is written once for
-- each type that declares what is searched, since a type has its own language; it is then looked up in
-- the index, and ranked by what stands there, before any node is read.

-- frame: asked
asked AS MATERIALIZED (
    SELECT d.node_type_id, flexdb_search_query(
               flexdb_search_language((array_agg(d.options))[1]),
               flexdb_search_code(%(tenant_id)s, d.node_type_id), %(search)s::jsonb) AS query
    FROM flexdb_declarations d
    WHERE d.tenant_id = %(tenant_id)s AND d.kind = 'search'
      AND d.node_type_id = coalesce(%(search_type)s::uuid, d.node_type_id)
    GROUP BY d.node_type_id
)

-- frame: found
SELECT s.node_id AS id, ts_rank(s.words, a.query) AS rank, a.query
FROM asked a
-- Of the table's two indexes that of the words alone is to serve: each of its entries is one that is
-- looked for, however many nodes a tenant has.
JOIN flexdb_search s ON s.words @@ a.query AND s.tenant_id = %(tenant_id)s
    AND s.node_type_id IS NOT DISTINCT FROM a.node_type_id

-- list: search_nodes of node n (asked)
SELECT n.tenant_id, n.id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at, n.size,
       f.rank, f.query
FROM ({found}) f
JOIN nodes n ON n.id = f.id
WHERE n.tenant_id = %(tenant_id)s

-- frame: ranked
-- Once for a page and its total, and in few bytes.
ranked AS (
    SELECT f.id, f.rank
    FROM ({found}) f
)

-- list: best_nodes of node n (asked, ranked)
-- Where neither a filter nor an order of its own needs the nodes, those of the page alone are read.
SELECT n.tenant_id, n.id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at, n.size,
       f.rank, a.query
FROM (
    SELECT n.id, n.rank
    FROM ranked n
    {after}
    ORDER BY {order}
    LIMIT %(page_size)s + 1
) f
JOIN nodes n ON n.id = f.id
JOIN asked a ON a.node_type_id = n.node_type_id
WHERE n.tenant_id = %(tenant_id)s

-- read: get_searched_types -> types
SELECT count(DISTINCT d.node_type_id) AS types
FROM flexdb_declarations d
WHERE d.tenant_id = %(tenant_id)s AND d.kind = 'search'
  AND d.node_type_id = coalesce(%(search_type)s::uuid, d.node_type_id)
