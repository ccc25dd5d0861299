-- What follows from nodes that are inserted or updated, in one trigger each and where nothing is
-- declared in one statement: counting, logging and deriving, each by a trigger of its own, took a third
-- of what PostgreSQL needed for a new node, and each updated row had two functions called.
-- depends: 0023-webhooks

-- Triggers go, so that readers wait too; asked for at once, nobody waits in a circle.
LOCK TABLE nodes IN ACCESS EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION flexdb_follow_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    written bigint;
    kinds text[];
BEGIN
    WITH counted AS (
        INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
        SELECT n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text), count(*), sum(n.size)
        FROM after n
        GROUP BY n.tenant_id, n.node_type_id
        RETURNING key
    ), logged AS (
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor, request_id)
        SELECT n.tenant_id, 'n', 'c', n.id, n.version, n.node_type_id,
               nullif(split_part(called, ' ', 1), ''), nullif(split_part(called, ' ', 2), '')
        FROM after n
        WHERE is_logged
    )
    SELECT (SELECT count(*) FROM counted c), ARRAY(
        SELECT k.kind
        FROM after n
        CROSS JOIN LATERAL (
            SELECT d.kind
            FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id
            OFFSET 0
        ) k)
    INTO written, kinds;
    IF random() * 256 < written THEN
        PERFORM flexdb_fold_counts(t.tenant_id, 'nodes')
        FROM (SELECT DISTINCT n.tenant_id FROM after n) t;
    END IF;
    IF kinds = '{}' THEN
        RETURN NULL;
    END IF;
    IF 'unique' = ANY (kinds) THEN
        PERFORM flexdb_refuse(jsonb_agg(told.clash))
        FROM (
            SELECT c.clash
            FROM (
                SELECT flexdb_enter(e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id) AS clash
                FROM (
                    SELECT e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id
                    FROM after n
                    CROSS JOIN LATERAL flexdb_entries(n.tenant_id, n.node_type_id, n.id, n.data) e
                    WHERE e.hash IS NOT NULL
                    ORDER BY e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id
                ) e
            ) c
            WHERE c.clash IS NOT NULL
            -- Of more, the first are enough.
            LIMIT 10000
        ) told
        HAVING count(*) > 0;
    END IF;
    IF 'search' = ANY (kinds) THEN
        PERFORM flexdb_derive_search(n.tenant_id, n.node_type_id, n.id, n.data) FROM after n;
    END IF;
    IF 'index' = ANY (kinds) THEN
        PERFORM flexdb_derive_index(n.tenant_id, n.node_type_id, n.id, n.data) FROM after n;
    END IF;
    RETURN NULL;
END $$;

-- What follows for a node from what it was and what it is; the one or the other is NULL where its id
-- or its tenant is another now.
CREATE OR REPLACE FUNCTION flexdb_derive_changed(
    of_tenant uuid, of_node uuid, old_type uuid, old_data jsonb, of_type uuid, data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_moved constant boolean := old_type IS DISTINCT FROM of_type;
    kinds constant text[] := ARRAY(
        SELECT d.kind
        FROM flexdb_declarations d
        WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type);
    rules text[] := '{}';
BEGIN
    IF is_moved AND old_type IS NOT NULL THEN
        -- It has left what it was.
        PERFORM flexdb_derive_gone(of_tenant, old_type, of_node, old_data);
    END IF;
    IF 'unique' = ANY (kinds) THEN
        rules := ARRAY(
            SELECT d.rule
            FROM flexdb_declarations d
            WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type
              AND d.kind = 'unique' AND (is_moved OR flexdb_unique_hash(old_data, d.paths)
                                         IS DISTINCT FROM flexdb_unique_hash(data, d.paths))
            ORDER BY d.rule);
    END IF;
    IF rules <> '{}' THEN
        PERFORM flexdb_leave(e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id)
        FROM flexdb_entries(of_tenant, of_type, of_node, old_data) e
        WHERE e.rule = ANY (rules) AND e.hash IS NOT NULL AND NOT is_moved;
        PERFORM flexdb_refuse(jsonb_agg(c.clash))
        FROM (
            SELECT flexdb_enter(e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id) AS clash
            FROM (
                SELECT e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id
                FROM flexdb_entries(of_tenant, of_type, of_node, data) e
                WHERE e.rule = ANY (rules) AND e.hash IS NOT NULL
                ORDER BY e.rule
            ) e
        ) c
        WHERE c.clash IS NOT NULL
        HAVING count(*) > 0;
    END IF;
    IF 'search' = ANY (kinds) THEN
        PERFORM flexdb_derive_search(of_tenant, of_type, of_node, data);
    END IF;
    IF 'index' = ANY (kinds) THEN
        PERFORM flexdb_derive_index(of_tenant, of_type, of_node, data);
    END IF;
END $$;

-- A full join is never a nested loop, whose plan, made for one row, would look at all for each.
CREATE OR REPLACE FUNCTION flexdb_follow_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    is_declared boolean;
BEGIN
    WITH logged AS (
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor, request_id,
                                    old_data, old_type, created_at, old_updated_at)
        -- Where the id or the tenant is another, to everyone else one is gone and another there.
        SELECT coalesce(n.tenant_id, o.tenant_id), 'n',
               CASE WHEN n.id IS NULL THEN 'd' WHEN o.id IS NULL THEN 'c' ELSE 'u' END,
               coalesce(n.id, o.id), coalesce(n.version, o.version + 1),
               coalesce(n.node_type_id, o.node_type_id),
               nullif(split_part(called, ' ', 1), ''), nullif(split_part(called, ' ', 2), ''),
               CASE WHEN h.is_kept THEN o.data END,
               CASE WHEN h.is_kept AND o.node_type_id <> n.node_type_id THEN o.node_type_id::text END,
               CASE WHEN h.is_kept THEN o.created_at END, CASE WHEN h.is_kept THEN o.updated_at END
        FROM before o
        FULL JOIN after n ON n.tenant_id = o.tenant_id AND n.id = o.id
        CROSS JOIN LATERAL (
            SELECT coalesce((SELECT h.is_kept FROM flexdb_histories h
                             WHERE h.tenant_id = o.tenant_id
                               AND h.node_type_id = o.node_type_id), true) AS is_kept
            OFFSET 0
        ) h
        WHERE is_logged
    )
    SELECT EXISTS (
        SELECT FROM before o
        WHERE EXISTS (SELECT FROM flexdb_declarations d
                      WHERE d.tenant_id = o.tenant_id AND d.node_type_id = o.node_type_id
                      OFFSET 0)
    ) OR EXISTS (
        SELECT FROM after n
        WHERE EXISTS (SELECT FROM flexdb_declarations d
                      WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id
                      OFFSET 0))
    INTO is_declared;
    IF is_declared THEN
        PERFORM flexdb_derive_changed(c.tenant_id, c.id, c.old_type, c.old_data, c.node_type_id, c.data)
        FROM (
            SELECT coalesce(n.tenant_id, o.tenant_id) AS tenant_id, coalesce(n.id, o.id) AS id,
                   o.node_type_id AS old_type, o.data AS old_data, n.node_type_id, n.data
            FROM before o
            FULL JOIN after n ON n.tenant_id = o.tenant_id AND n.id = o.id
            WHERE (o.node_type_id, o.data) IS DISTINCT FROM (n.node_type_id, n.data)
            -- Who is gone first, so that what it alone had is free.
            ORDER BY n.id IS NOT NULL, coalesce(n.id, o.id)
        ) c;
    END IF;
    RETURN NULL;
END $$;

-- Put these in the place of the triggers of 0005, 0016 and 0021, which call this where they run again;
-- the functions of those stay for the way back. An index that nothing reads by goes too.
CREATE OR REPLACE FUNCTION flexdb_follow_nodes() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE OR REPLACE TRIGGER flexdb_follow_inserted AFTER INSERT ON nodes
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_inserted();
    CREATE OR REPLACE TRIGGER flexdb_follow_updated AFTER UPDATE ON nodes
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_updated();
    DROP TRIGGER IF EXISTS flexdb_count_inserted ON nodes;
    DROP TRIGGER IF EXISTS flexdb_derive_inserted ON nodes;
    DROP TRIGGER IF EXISTS flexdb_log_inserted ON nodes;
    DROP TRIGGER IF EXISTS flexdb_derive_updated ON nodes;
    DROP TRIGGER IF EXISTS flexdb_log_updated ON nodes;
    DROP INDEX IF EXISTS flexdb_changes_at;
    -- Where this runs again, what 0025 put in the place of one of these stays.
    IF to_regprocedure('flexdb_follow_created()') IS NOT NULL THEN
        CREATE OR REPLACE TRIGGER flexdb_follow_inserted AFTER INSERT ON nodes
        REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_created();
    END IF;
END $$;

DO $$ BEGIN PERFORM flexdb_follow_nodes(); END $$;

-- Where this runs again, the triggers that a later migration puts in the place of some of these stay.
DO $$
BEGIN
    IF to_regprocedure('flexdb_follow_rows()') IS NOT NULL THEN
        PERFORM flexdb_follow_rows();
    END IF;
END $$;
