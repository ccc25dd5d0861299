-- The neighbours of a node: the nodes that its relationships lead to. What names a table here has an
-- alias that begins with near, so that where rules hold for a caller who writes, neighbours are those
-- that the caller may read.

-- frame: neighbors_one_way
SELECT {row}.tenant_id, {row}.id, {row}.node_type_id, {row}.data, {row}.version, {row}.created_at,
       {row}.updated_at, {row}.size, near_r.created_at AS related_at, near_r.id AS relationship_id,
       near_r.size AS relationship_size
FROM relationships near_r
{nodes}
WHERE near_r.tenant_id = %(tenant_id)s AND near_r.{here}_node_id = {of}
  AND ({types}::text[] IS NULL OR near_r.relationship_type = ANY ({types}::text[]))

-- frame: listed_nodes
-- LATERAL with OFFSET lets no plan read more nodes than hang on these relationships: what a filter
-- leaves of them can only be guessed.
CROSS JOIN LATERAL (
    SELECT {row}.tenant_id, {row}.id, {row}.node_type_id, {row}.data, {row}.version,
           {row}.created_at, {row}.updated_at, {row}.size
    FROM nodes {row}
    WHERE {row}.tenant_id = %(tenant_id)s AND {row}.id = {neighbor}
    OFFSET 0
) {row}

-- frame: joined_nodes
JOIN nodes {row} ON {row}.tenant_id = %(tenant_id)s AND {row}.id = {neighbor}

-- frame: neighbors_both_ways
-- A relationship of the node with itself is there once. In a list each side is ordered as its index
-- is, so that a page is merged of the two and nothing is sorted.
SELECT {row}.tenant_id, {row}.id, {row}.node_type_id, {row}.data, {row}.version, {row}.created_at,
       {row}.updated_at, {row}.size, {row}.related_at, {row}.relationship_id,
       {row}.relationship_size
FROM (
    ({out} {ordered})
    UNION ALL
    ({in} AND near_r.source_node_id <> near_r.target_node_id {ordered})
) {row}
WHERE TRUE

-- frame: last_related_first
ORDER BY near_r.created_at DESC, near_r.id DESC

-- frame: is_last
-- Whether it is the last of the relationships that join the node with this neighbour. Where the node
-- has few, the last of all its neighbours are found at once: that is all of them where no two join
-- it with the same one. Where it has many, that is unknown of them, and a later one is looked for
-- among the neighbour's: only where both have very many is it far to look.
coalesce(near_r.id = ANY ((
    SELECT CASE WHEN count(*) >= 100 THEN NULL
                WHEN count(*) FILTER (WHERE near_l.fits)
                     = count(DISTINCT near_l.neighbor) FILTER (WHERE near_l.fits)
                THEN array_agg(near_l.id) FILTER (WHERE near_l.fits)
                ELSE {lasts} END
    FROM ({joining}) near_l
)::uuid[]), {is_not_followed})

-- frame: lasts
(SELECT array_agg(near_l.id)
 FROM (
     SELECT DISTINCT ON (near_l.neighbor) near_l.id
     FROM ({joining}) near_l
     WHERE near_l.fits
     ORDER BY near_l.neighbor, near_l.created_at DESC, near_l.id DESC
 ) near_l)

-- frame: joining
(SELECT near_l.id, near_l.created_at, near_l.{there}_node_id AS neighbor,
        ({types}::text[] IS NULL OR near_l.relationship_type = ANY ({types}::text[])) AS fits
 FROM relationships near_l
 WHERE near_l.tenant_id = %(tenant_id)s AND near_l.{here}_node_id = {of}
 ORDER BY near_l.created_at DESC, near_l.id DESC
 LIMIT 100)

-- frame: is_not_followed
-- IS TRUE keeps PostgreSQL from the index of the node's end, whose length it can only guess.
NOT EXISTS (
    SELECT FROM relationships near_l
    WHERE near_l.tenant_id = %(tenant_id)s AND near_l.{there}_node_id = {neighbor}
      AND (near_l.{here}_node_id = {of}) IS TRUE
      AND ({types}::text[] IS NULL OR near_l.relationship_type = ANY ({types}::text[]))
      AND (near_l.created_at, near_l.id) > (near_r.created_at, near_r.id)
)

-- frame: expansion
-- The neighbours of one node under one name: as many as asked for, and as many as there is room for.
(SELECT concat('{"nodes" : [', string_agg({object}, ', ') FILTER (WHERE {row}.shown),
               '], "truncated" : ', to_json(count(*) > count(*) FILTER (WHERE {row}.shown)){total},
               '}')
 FROM ({shown}) {row})

-- frame: neighbor
concat('{"node":', {node}, ',"relationship":', coalesce((
    SELECT {relationship}
    FROM relationships r
    WHERE r.tenant_id = %(tenant_id)s AND r.id = n.relationship_id), 'null'), '}')::varchar

-- list: get_neighbors of neighbor n
-- What stands here depends on the direction.
{neighbors}
