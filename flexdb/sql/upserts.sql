-- frame: given_nodes
given AS (
    SELECT g.id, g.node_type_id, g.data, g.rule, g.hash, g.is_new, g.place
    FROM ROWS FROM (jsonb_to_recordset(%(items)s::jsonb)
                    AS (id uuid, node_type_id uuid, data jsonb, rule text, hash uuid,
                        is_new boolean))
         WITH ORDINALITY AS g (id, node_type_id, data, rule, hash, is_new, place)
)

-- write: claim_keys -> rules, hashes, claims
-- Who claims what another is about to have waits until that is done; a claim is the entry that the
-- node will have (0016-declarations).
WITH {given_nodes}, keyed AS MATERIALIZED (
    SELECT g.place, g.id, g.node_type_id, d.rule, flexdb_unique_hash(g.data, d.paths) AS hash
    FROM given g
    LEFT JOIN flexdb_declarations d ON d.tenant_id = %(tenant_id)s
        AND d.node_type_id = g.node_type_id AND d.kind = 'unique'
        AND d.rule::jsonb = %(key)s::jsonb
), claimed AS (
    INSERT INTO flexdb_unique AS u (tenant_id, node_type_id, rule, hash, node_id)
    SELECT DISTINCT ON (k.node_type_id, k.rule, k.hash)
           %(tenant_id)s::uuid, k.node_type_id, k.rule, k.hash, k.id
    FROM keyed k
    WHERE k.hash IS NOT NULL
    -- In the order in which the triggers enter, so that nobody waits in a circle.
    ORDER BY k.node_type_id, k.rule, k.hash, k.place
    ON CONFLICT (tenant_id, node_type_id, rule, hash) DO NOTHING
    RETURNING u.node_type_id, u.hash, u.node_id
)
SELECT array_agg(k.rule ORDER BY k.place) AS rules,
       array_agg(k.hash::text ORDER BY k.place) AS hashes,
       array_agg(c.hash IS NOT NULL ORDER BY k.place) AS claims
FROM keyed k
LEFT JOIN claimed c ON c.node_type_id = k.node_type_id AND c.hash = k.hash AND c.node_id = k.id

-- read: get_key_holders -> holders
WITH {given_nodes}
SELECT array_agg(u.node_id::text ORDER BY g.place) AS holders
FROM given g
LEFT JOIN flexdb_unique u ON u.tenant_id = %(tenant_id)s AND u.node_type_id = g.node_type_id
    AND u.rule = g.rule AND u.hash = g.hash

-- lock: get_nodes_to_upsert -> ids, types, data
SELECT array_agg(n.id::text) AS ids, array_agg(n.node_type_id::text) AS types,
       array_agg(CASE WHEN %(merges)s::boolean THEN n.data::json END) AS data
FROM (
    SELECT n.id, n.node_type_id, n.data
    FROM nodes n
    WHERE n.tenant_id = %(tenant_id)s AND n.id = ANY (%(ids)s::uuid[])
    ORDER BY n.id
    FOR NO KEY UPDATE
) n

-- read: get_unique_clashes -> places, members
WITH {given_nodes}, entries AS MATERIALIZED (
    SELECT g.place, g.id, g.node_type_id, d.rule, e.hash,
           row_number() OVER (PARTITION BY g.node_type_id, d.rule, e.hash ORDER BY g.place) AS turn
    FROM given g
    JOIN flexdb_declarations d ON d.tenant_id = %(tenant_id)s AND d.node_type_id = g.node_type_id
        AND d.kind = 'unique'
    CROSS JOIN LATERAL (
        SELECT flexdb_unique_hash(g.data, d.paths) AS hash
        OFFSET 0
    ) e
    WHERE e.hash IS NOT NULL
)
SELECT array_agg((e.place - 1)::integer) AS places,
       array_agg(array_to_string(flexdb_members(e.rule), ', ')) AS members
FROM entries e
LEFT JOIN flexdb_unique u ON u.tenant_id = %(tenant_id)s AND u.node_type_id = e.node_type_id
    AND u.rule = e.rule AND u.hash = e.hash
WHERE e.turn > 1 OR u.node_id <> e.id

-- write: upsert_nodes -> ids, objects, outcomes
WITH {given_nodes}, created AS (
    INSERT INTO nodes AS n (tenant_id, id, node_type_id, data, created_at, updated_at)
    SELECT %(tenant_id)s::uuid, g.id, g.node_type_id, g.data, statement_timestamp(),
           statement_timestamp()
    FROM given g, {set_caller}
    WHERE g.is_new
    -- Who waits for another's id then never waits in a circle.
    ORDER BY g.id
    ON CONFLICT (tenant_id, id) DO NOTHING
    RETURNING n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at
), changed AS (
    UPDATE nodes n
    SET data = g.data, version = n.version + 1,
        updated_at = greatest(n.updated_at, statement_timestamp())
    FROM given g, {set_caller}
    WHERE n.tenant_id = %(tenant_id)s AND n.id = g.id AND NOT g.is_new
      -- As text, so that another way to write a number is a change.
      AND n.data::text IS DISTINCT FROM g.data::text
    RETURNING n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at
), same AS (
    SELECT n.id, n.tenant_id, n.node_type_id, n.data, n.version, n.created_at, n.updated_at
    FROM nodes n
    JOIN given g ON g.id = n.id AND NOT g.is_new
    WHERE n.tenant_id = %(tenant_id)s AND NOT EXISTS (SELECT FROM changed c WHERE c.id = g.id)
)
-- The objects as lines, since an array quotes each quote of theirs.
SELECT array_agg(n.id::text) AS ids, string_agg({node}, E'\n') AS objects,
       array_agg(n.outcome) AS outcomes
FROM (
    SELECT c.id, c.tenant_id, c.node_type_id, c.data, c.version, c.created_at, c.updated_at,
           'created' AS outcome
    FROM created c
    UNION ALL
    SELECT c.id, c.tenant_id, c.node_type_id, c.data, c.version, c.created_at, c.updated_at,
           'changed' AS outcome
    FROM changed c
    UNION ALL
    SELECT s.id, s.tenant_id, s.node_type_id, s.data, s.version, s.created_at, s.updated_at,
           'unchanged' AS outcome
    FROM same s
) n

-- write: release_keys -> released
WITH {given_nodes}, released AS (
    DELETE FROM flexdb_unique u
    USING given g
    WHERE u.tenant_id = %(tenant_id)s AND u.node_type_id = g.node_type_id AND u.rule = g.rule
      AND u.hash = g.hash AND u.node_id = g.id
    RETURNING u.hash
)
SELECT count(*) AS released
FROM released r
