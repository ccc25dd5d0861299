-- A walk goes breadth first, and each row of its recursion is a whole level, whose nodes are an
-- array. So a node is reached once, by a shortest way, and a relationship is looked at once a
-- direction, whatever cycles there are; with a row for each node, a recursion would go every way
-- there is. LATERAL with LIMIT lets no plan read more than what hangs on these nodes.

-- frame: step
-- One level: what the walk w looks at from its frontier in its direction, and the nodes reached by
-- it that were not seen before, each by the relationship with the least id.
LATERAL (
    SELECT count(*) AS looked_at,
           array_agg(e.node_id) FILTER (WHERE e.follows) AS node_ids,
           array_agg(e.id) FILTER (WHERE e.follows) AS relationship_ids
    FROM (
        SELECT e.node_id, e.id,
               %(relationship_types)s::text[] IS NULL
               OR e.relationship_type = ANY (%(relationship_types)s::text[]) AS follows
        FROM unnest(w.frontier) f (id)
        CROSS JOIN LATERAL (
            SELECT r.target_node_id AS node_id, r.id, r.relationship_type
            FROM relationships r
            WHERE w.direction <> 'in' AND r.tenant_id = %(tenant_id)s AND r.source_node_id = f.id
            UNION ALL
            SELECT r.source_node_id, r.id, r.relationship_type
            FROM relationships r
            WHERE w.direction <> 'out' AND r.tenant_id = %(tenant_id)s AND r.target_node_id = f.id
            LIMIT %(max_walk)s - w.looked_at + 1
        ) e
        LIMIT %(max_walk)s - w.looked_at + 1
    ) e
) edges
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(e.node_id), '{}') AS node_ids,
           coalesce(array_agg(e.relationship_id), '{}') AS relationship_ids
    FROM (
        SELECT DISTINCT ON (e.node_id) e.node_id, e.relationship_id
        FROM (
            SELECT seen.id, NULL::uuid
            FROM unnest(w.seen) seen (id)
            UNION ALL
            SELECT e.node_id, e.relationship_id
            FROM unnest(edges.node_ids, edges.relationship_ids) e (node_id, relationship_id)
        ) e (node_id, relationship_id)
        ORDER BY e.node_id, e.relationship_id NULLS FIRST
    ) e
    WHERE e.relationship_id IS NOT NULL
) reached

-- frame: wanted
-- Whether traverse gives a node that it reached; it walks on from it all the same. Where all are
-- given, no node is read for this.
((%(node_type_ids)s::uuid[] IS NULL AND NOT {filtered})
 OR (SELECT coalesce(n.node_type_id = ANY (%(node_type_ids)s::uuid[]), TRUE) AND ({condition})
     FROM nodes n
     WHERE n.tenant_id = %(tenant_id)s AND n.id = v.node_id))

-- frame: visit
(SELECT row_to_json(o) FROM (
    SELECT v.depth, {node}::json AS node, CASE WHEN r.id IS NOT NULL THEN {relationship}::json END
           AS relationship
) o)

-- read: traverse (condition, filtered, brought, brought_size) -> visits, truncated
WITH RECURSIVE walk (depth, direction, seen, frontier, node_ids, relationship_ids, given,
                     looked_at) AS (
    SELECT 0, %(direction)s::text, ARRAY[v.node_id], ARRAY[v.node_id], wanted.node_ids,
           ARRAY[NULL::uuid], cardinality(wanted.node_ids), 0::bigint
    FROM (SELECT n.id FROM nodes n WHERE n.tenant_id = %(tenant_id)s AND n.id = %(start)s)
         v (node_id)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN %(min_depth)s = 0 AND {wanted} THEN ARRAY[v.node_id] ELSE '{}' END
               AS node_ids
    ) wanted
    UNION ALL
    SELECT w.depth + 1, w.direction, w.seen || reached.node_ids, reached.node_ids,
           wanted.node_ids, wanted.relationship_ids, w.given + cardinality(wanted.node_ids),
           w.looked_at + edges.looked_at
    FROM walk w
    CROSS JOIN {step}
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(v.node_id), '{}') AS node_ids,
               coalesce(array_agg(v.relationship_id), '{}') AS relationship_ids
        FROM unnest(reached.node_ids, reached.relationship_ids) v (node_id, relationship_id)
        WHERE w.depth + 1 >= %(min_depth)s AND {wanted}
    ) wanted
    WHERE w.depth < %(max_depth)s AND cardinality(w.frontier) > 0 AND w.given <= %(limit)s
      AND w.looked_at <= %(max_walk)s
)
SELECT coalesce(json_agg(v.visit ORDER BY v.place) FILTER (WHERE v.shown), '[]'::json) AS visits,
       count(*) > count(*) FILTER (WHERE v.shown)
       OR (SELECT max(w.looked_at) FROM walk w) > %(max_walk)s AS truncated
FROM (
    SELECT {visit} AS visit, v.place,
           v.place <= %(limit)s
           AND (v.place = 1 OR sum(n.size + coalesce(r.size, 0){brought_size})
                               OVER (ORDER BY v.place) <= %(page_bytes)s) AS shown
    FROM (
        SELECT w.depth, v.node_id, v.relationship_id,
               row_number() OVER (ORDER BY w.depth, v.node_id) AS place
        FROM walk w
        CROSS JOIN LATERAL unnest(w.node_ids, w.relationship_ids) v (node_id, relationship_id)
        WHERE v.node_id IS NOT NULL
        ORDER BY w.depth, v.node_id
        LIMIT %(limit)s + 1
    ) v
    CROSS JOIN LATERAL (
        SELECT n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at,
               n.size
        FROM nodes n
        WHERE n.tenant_id = %(tenant_id)s AND n.id = v.node_id
        LIMIT 1
    ) n
    LEFT JOIN LATERAL (
        SELECT r.id, r.tenant_id, r.source_node_id, r.target_node_id, r.relationship_type, r.data,
               r.version, r.created_at, r.updated_at, r.size
        FROM relationships r
        WHERE r.tenant_id = %(tenant_id)s AND r.id = v.relationship_id
        LIMIT 1
    ) r ON true
    {brought}
) v
HAVING EXISTS (SELECT FROM walk)

-- frame: path
(SELECT json_build_object('length', json_array_length(o.nodes) - 1, 'nodes', o.nodes,
                          'relationships', o.relationships)
 FROM (
     SELECT json_agg({node}::json ORDER BY p.place) AS nodes,
            coalesce(json_agg({relationship}::json ORDER BY p.place) FILTER (WHERE r.id IS NOT NULL),
                     '[]'::json) AS relationships
     FROM (
         -- Both ways begin where the sides met, and that node is wanted once.
         SELECT CASE WHEN way.forward THEN way.depth ELSE -way.depth END
                + CASE WHEN way.forward THEN 0 ELSE way.length END AS place,
                way.node_id, way.relationship_id
         FROM way
         WHERE way.forward OR way.relationship_id IS NOT NULL
     ) p
     JOIN nodes n ON n.tenant_id = %(tenant_id)s AND n.id = p.node_id
     LEFT JOIN relationships r ON r.tenant_id = %(tenant_id)s AND r.id = p.relationship_id
 ) o)

-- read: shortest_path -> path, truncated, missing, weight
-- The walk goes from both ends, each step from the one whose frontier is smaller, which is then
-- the walk's own and not its other side. Where the sides meet first, the path is a shortest one.
WITH RECURSIVE source AS (SELECT n.id FROM nodes n
                          WHERE n.tenant_id = %(tenant_id)s AND n.id = %(source_node_id)s),
target AS (SELECT n.id FROM nodes n
           WHERE n.tenant_id = %(tenant_id)s AND n.id = %(target_node_id)s),
walk (forward, direction, depth, seen, frontier, relationship_ids, other_direction, other_depth,
      other_seen, other_frontier, looked_at, met) AS (
    SELECT true, %(direction)s::text, 0, ARRAY[source.id], ARRAY[source.id], ARRAY[NULL::uuid],
           CASE %(direction)s WHEN 'out' THEN 'in' WHEN 'in' THEN 'out' ELSE 'both' END,
           0, ARRAY[target.id], ARRAY[target.id], 0::bigint,
           CASE WHEN source.id = target.id THEN source.id END
    FROM source, target
    UNION ALL
    SELECT w.forward, w.direction, w.depth + 1, w.seen || reached.node_ids, reached.node_ids,
           reached.relationship_ids, w.other_direction, w.other_depth, w.other_seen,
           w.other_frontier, w.looked_at + edges.looked_at,
           (SELECT met.id
            FROM (SELECT unnest(reached.node_ids) INTERSECT SELECT unnest(w.other_frontier))
                 met (id)
            ORDER BY met.id
            LIMIT 1)
    FROM walk
    CROSS JOIN LATERAL (
        SELECT walk.forward, walk.direction, walk.depth, walk.seen, walk.frontier,
               walk.other_direction, walk.other_depth, walk.other_seen, walk.other_frontier,
               walk.looked_at
        WHERE cardinality(walk.frontier) <= cardinality(walk.other_frontier)
        UNION ALL
        SELECT NOT walk.forward, walk.other_direction, walk.other_depth, walk.other_seen,
               walk.other_frontier, walk.direction, walk.depth, walk.seen, walk.frontier,
               walk.looked_at
        WHERE cardinality(walk.frontier) > cardinality(walk.other_frontier)
    ) w
    CROSS JOIN {step}
    WHERE walk.met IS NULL AND w.depth + w.other_depth < %(max_depth)s
      AND cardinality(w.frontier) > 0 AND w.looked_at <= %(max_walk)s
),
way (forward, depth, length, node_id, relationship_id) AS (
    SELECT side.forward, side.depth, w.depth + w.other_depth, w.met, NULL::uuid
    FROM walk w
    CROSS JOIN LATERAL (VALUES (w.forward, w.depth), (NOT w.forward, w.other_depth))
               side (forward, depth)
    WHERE w.met IS NOT NULL
    UNION ALL
    SELECT way.forward, way.depth - 1, way.length,
           CASE r.source_node_id WHEN way.node_id THEN r.target_node_id ELSE r.source_node_id END,
           r.id
    FROM way
    JOIN walk w ON w.forward = way.forward AND w.depth = way.depth
    CROSS JOIN LATERAL unnest(w.frontier, w.relationship_ids) step (node_id, relationship_id)
    CROSS JOIN LATERAL (
        SELECT r.id, r.source_node_id, r.target_node_id
        FROM relationships r
        WHERE r.tenant_id = %(tenant_id)s AND r.id = step.relationship_id
        LIMIT 1
    ) r
    WHERE way.depth > 0 AND step.node_id = way.node_id
)
SELECT CASE WHEN weighed.weight <= %(answer_bytes)s THEN {path} END AS path,
       (SELECT max(w.looked_at) FROM walk w) > %(max_walk)s AND NOT EXISTS (SELECT FROM way)
       AS truncated,
       CASE WHEN NOT EXISTS (SELECT FROM source) THEN 'source_node_id'
            WHEN NOT EXISTS (SELECT FROM target) THEN 'target_node_id' END AS missing,
       weighed.weight
FROM (
    SELECT sum(coalesce(n.size, 0) + coalesce(r.size, 0)) AS weight
    FROM way
    JOIN nodes n ON n.tenant_id = %(tenant_id)s AND n.id = way.node_id
    LEFT JOIN relationships r ON r.tenant_id = %(tenant_id)s AND r.id = way.relationship_id
    WHERE way.forward OR way.relationship_id IS NOT NULL
) weighed
