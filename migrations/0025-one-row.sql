-- Less for what is done most, one new node or one update. A node that comes alone is entered into the
-- ledger as it is: the sums over all that a statement inserts took a tenth of what PostgreSQL needed
-- for one. And where one of two triggers is to run, both their conditions are read for each UPDATE.
-- depends: 0024-by-statement

-- Triggers go, so that readers wait too; asked for at once, nobody waits in a circle.
LOCK TABLE node_types, nodes, relationships IN ACCESS EXCLUSIVE MODE;

-- STABLE as convert_to is, which it calls: what promises more is not written out where it is called.
CREATE OR REPLACE FUNCTION flexdb_list_key(type text) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode(substr(sha256(convert_to(type, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- In the place of flexdb_follow_inserted, which stays for the way back.
CREATE OR REPLACE FUNCTION flexdb_follow_created() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    is_many boolean;
    written bigint := 1;
    kinds text[];
BEGIN
    WITH counted AS (
        INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
        SELECT n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text), 1, n.size
        FROM after n
        WHERE NOT EXISTS (SELECT FROM after m OFFSET 1)
    ), logged AS (
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor, request_id)
        SELECT n.tenant_id, 'n', 'c', n.id, n.version, n.node_type_id,
               nullif(split_part(called, ' ', 1), ''), nullif(split_part(called, ' ', 2), '')
        FROM after n
        WHERE is_logged
    )
    SELECT EXISTS (SELECT FROM after m OFFSET 1), ARRAY(
        SELECT k.kind
        FROM after n
        CROSS JOIN LATERAL (
            SELECT d.kind
            FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id
            OFFSET 0
        ) k)
    INTO is_many, kinds;
    IF is_many THEN
        INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
        SELECT n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text), count(*), sum(n.size)
        FROM after n
        GROUP BY n.tenant_id, n.node_type_id;
        GET DIAGNOSTICS written = ROW_COUNT;
    END IF;
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

-- As 0024 makes it, in a database whose 0024 was an earlier version's: what runs an older migration
-- again would else go back to flexdb_follow_inserted.
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

-- A version is said once of a row: where somebody sets an older one, it is raised all the same.
CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON node_types
FOR EACH ROW WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION flexdb_raise_version();
CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON nodes
FOR EACH ROW WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION flexdb_raise_version();
CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON relationships
FOR EACH ROW WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION flexdb_raise_version();
DROP TRIGGER IF EXISTS flexdb_raise_older_version ON node_types;
DROP TRIGGER IF EXISTS flexdb_raise_older_version ON nodes;
DROP TRIGGER IF EXISTS flexdb_raise_older_version ON relationships;

-- Where this runs again, the triggers that a later migration puts in the place of some of these stay.
DO $$
BEGIN
    IF to_regprocedure('flexdb_follow_rows()') IS NOT NULL THEN
        PERFORM flexdb_follow_rows();
    END IF;
END $$;
