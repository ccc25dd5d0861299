-- Keep the totals of lists without counting rows: a ledger. A trigger *inserts* one row for each
-- statement and key, so that writers never wait for each other; a total is a sum. About one row
-- in 256 makes its writer fold what has come since, so that the sum stays short.
-- depends: 0004-data-indexes

LOCK TABLE tenants, users, tenant_users, node_types, nodes, relationships
IN SHARE ROW EXCLUSIVE MODE;

-- An earlier version (0003-counts) made the ledger under names without a prefix, which an adopted
-- database may have for its own. Where they are ours they go, but for what lists of that version
-- call, which may still run beside this one.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger t
               WHERE t.tgrelid = 'nodes'::regclass AND t.tgname = 'count_inserted'
                 AND t.tgfoid = to_regprocedure('count_nodes()')) THEN
        DROP FUNCTION count_tenants, count_users, count_tenant_users, count_node_types,
            count_nodes, count_relationships, move_tenant_users, move_node_types, move_nodes,
            move_relationships, forget_tenant CASCADE;
        DROP FUNCTION forget_counts(uuid), fold_counts(uuid, text);
        -- Renamed, not made anew, so that who may write to them still may.
        ALTER TABLE counts RENAME TO flexdb_counts;
        ALTER TABLE count_changes RENAME TO flexdb_count_changes;
        ALTER INDEX counts_pkey RENAME TO flexdb_counts_pkey;
        ALTER INDEX count_changes_sum RENAME TO flexdb_count_changes_sum;
        -- In this language the function that it calls need not be there yet.
        CREATE OR REPLACE FUNCTION total_count(of_tenant uuid, of_list text, of_key uuid)
        RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $body$
        BEGIN
            RETURN flexdb_total_count(of_tenant, of_list, of_key);
        END $body$;
    END IF;
    IF EXISTS (SELECT FROM pg_trigger t
               WHERE t.tgrelid = 'nodes'::regclass AND t.tgname = 'raise_version'
                 AND t.tgfoid = to_regprocedure('raise_version()')) THEN
        ALTER TRIGGER raise_version ON node_types RENAME TO flexdb_raise_version;
        ALTER TRIGGER raise_version ON nodes RENAME TO flexdb_raise_version;
        ALTER TRIGGER raise_version ON relationships RENAME TO flexdb_raise_version;
        ALTER FUNCTION raise_version() RENAME TO flexdb_raise_version;
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS flexdb_count_changes (
    tenant_id uuid NOT NULL,
    list text NOT NULL,
    key uuid NOT NULL,
    change bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000);
CREATE INDEX IF NOT EXISTS flexdb_count_changes_sum
    ON flexdb_count_changes (tenant_id, list, key) INCLUDE (change);

-- The row with the nil key is the whole list's. tenants and users are lists of the nil tenant.
CREATE TABLE IF NOT EXISTS flexdb_counts (
    tenant_id uuid NOT NULL,
    list text NOT NULL,
    key uuid NOT NULL,
    total bigint NOT NULL,
    PRIMARY KEY (tenant_id, list, key)
) WITH (fillfactor = 50);

CREATE OR REPLACE FUNCTION flexdb_nil() RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '00000000-0000-0000-0000-000000000000'::uuid
$$;

-- The types of nodes and of relationships as keys of a size, none of which is nil.
CREATE OR REPLACE FUNCTION flexdb_list_key(type text) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode(substr(sha256(convert_to(type, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- Every list reads its total here: where there are no triggers, this alone is replaced.
CREATE OR REPLACE FUNCTION flexdb_total_count(of_tenant uuid, of_list text, of_key uuid)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce((SELECT c.total FROM flexdb_counts c
                     WHERE c.tenant_id = of_tenant AND c.list = of_list AND c.key = of_key), 0)
         + coalesce((SELECT sum(d.change) FROM flexdb_count_changes d
                     WHERE d.tenant_id = of_tenant AND d.list = of_list
                       AND (of_key = flexdb_nil() OR d.key = of_key)), 0)::bigint
$$;

-- Where this runs again, what a later migration makes of the ledger, which weighs rows too, stays.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute a
                   WHERE a.attrelid = 'flexdb_counts'::regclass AND a.attname = 'bytes') THEN
        EXECUTE $function$
            CREATE OR REPLACE FUNCTION flexdb_fold_counts(of_tenant uuid, of_list text) RETURNS void
            LANGUAGE plpgsql AS $body$
            BEGIN
                -- Who reads an older snapshot would fail on what others folded since; who cannot have the lock
                -- leaves the work to who has it.
                IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
                   OR NOT pg_try_advisory_xact_lock(hashtextextended('counts ' || of_list, 0)
                                                 # hashtextextended(of_tenant::text, 0)) THEN
                    RETURN;
                END IF;
                WITH folded AS (
                    DELETE FROM flexdb_count_changes d
                    WHERE d.tenant_id = of_tenant AND d.list = of_list
                    RETURNING d.key, d.change
                )
                INSERT INTO flexdb_counts AS c (tenant_id, list, key, total)
                SELECT of_tenant, of_list, coalesce(f.key, flexdb_nil()), sum(f.change)
                FROM folded f
                GROUP BY GROUPING SETS ((f.key), ())
                HAVING sum(f.change) <> 0 AND (grouping(f.key) = 1 OR f.key <> flexdb_nil())
                ON CONFLICT (tenant_id, list, key) DO UPDATE SET total = c.total + excluded.total;
                DELETE FROM flexdb_counts c
                WHERE c.tenant_id = of_tenant AND c.list = of_list AND c.total = 0;
            END $body$
        $function$;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_forget_counts(of_tenant uuid) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM flexdb_count_changes d
    WHERE d.tenant_id = of_tenant AND d.list NOT IN ('tenants', 'users');
    DELETE FROM flexdb_counts c
    WHERE c.tenant_id = of_tenant AND c.list NOT IN ('tenants', 'users');
$$;

-- One trigger function a table, written by this loop, since a function with fixed SQL keeps its
-- plan. TRUNCATE empties a list; an UPDATE counts only where it moves a row to another key.
DO $$
DECLARE
    counted record;
BEGIN
    FOR counted IN
        SELECT list.name, list.tenant, list.key FROM (VALUES
            ('tenants', 'flexdb_nil()', 'flexdb_nil()'),
            ('users', 'flexdb_nil()', 'flexdb_nil()'),
            ('tenant_users', 'c.tenant_id', 'flexdb_nil()'),
            ('node_types', 'c.tenant_id', 'flexdb_nil()'),
            ('nodes', 'c.tenant_id', 'flexdb_list_key(c.node_type_id::text)'),
            ('relationships', 'c.tenant_id', 'flexdb_list_key(c.relationship_type)'))
        AS list (name, tenant, key)
    LOOP
        CONTINUE WHEN counted.name IN ('node_types', 'nodes', 'relationships') AND EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = 'flexdb_counts'::regclass AND a.attname = 'bytes');
        EXECUTE format($function$
            CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
            DECLARE
                written bigint;
            BEGIN
                IF TG_OP = 'TRUNCATE' THEN
                    DELETE FROM flexdb_count_changes d WHERE d.list = %2$L;
                    DELETE FROM flexdb_counts c WHERE c.list = %2$L;
                    RETURN NULL;
                END IF;
                INSERT INTO flexdb_count_changes (tenant_id, list, key, change)
                SELECT %3$s, %2$L, %4$s,
                       CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END
                FROM changed c
                -- The triggers of a cascade fire when all of it is gone: with its tenant, a row
                -- is forgotten, not counted.
                WHERE TG_OP = 'INSERT' OR %5$s
                GROUP BY 1, 3;
                GET DIAGNOSTICS written = ROW_COUNT;
                IF random() * 256 < written THEN
                    PERFORM flexdb_fold_counts(t.tenant_id, %2$L)
                    FROM (SELECT DISTINCT %3$s AS tenant_id FROM changed c) t;
                END IF;
                RETURN NULL;
            END $body$
        $function$, 'flexdb_count_' || counted.name, counted.name, counted.tenant, counted.key,
            CASE counted.tenant
                WHEN 'flexdb_nil()' THEN 'true'
                ELSE 'EXISTS (SELECT FROM tenants t WHERE t.id = c.tenant_id)' END);
        EXECUTE format($trigger$
            CREATE OR REPLACE TRIGGER flexdb_count_inserted AFTER INSERT ON %1$I
            REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
            CREATE OR REPLACE TRIGGER flexdb_count_deleted AFTER DELETE ON %1$I
            REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
            CREATE OR REPLACE TRIGGER flexdb_count_truncated AFTER TRUNCATE ON %1$I
            FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
        $trigger$, counted.name, 'flexdb_count_' || counted.name);
        CONTINUE WHEN counted.tenant = 'flexdb_nil()';
        EXECUTE format($function$
            CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN
                INSERT INTO flexdb_count_changes (tenant_id, list, key, change)
                SELECT %3$s, %2$L, %4$s, -1 FROM (SELECT OLD.*) c
                UNION ALL
                SELECT %3$s, %2$L, %4$s, 1 FROM (SELECT NEW.*) c;
                IF random() * 256 < 2 THEN
                    PERFORM flexdb_fold_counts(NEW.tenant_id, %2$L);
                END IF;
                RETURN NULL;
            END $body$
        $function$, 'flexdb_move_' || counted.name, counted.name, counted.tenant, counted.key);
        EXECUTE format($trigger$
            CREATE OR REPLACE TRIGGER flexdb_count_moved AFTER UPDATE ON %1$I FOR EACH ROW
            WHEN ((%3$s) IS DISTINCT FROM (%4$s)) EXECUTE FUNCTION %2$I()
        $trigger$, counted.name, 'flexdb_move_' || counted.name,
            CASE counted.name WHEN 'nodes' THEN 'OLD.tenant_id, OLD.node_type_id'
                              WHEN 'relationships' THEN 'OLD.tenant_id, OLD.relationship_type'
                              ELSE 'OLD.tenant_id' END,
            CASE counted.name WHEN 'nodes' THEN 'NEW.tenant_id, NEW.node_type_id'
                              WHEN 'relationships' THEN 'NEW.tenant_id, NEW.relationship_type'
                              ELSE 'NEW.tenant_id' END);
    END LOOP;
END $$;

-- At once, since the same transaction may create the tenant anew; and again at its end, for what
-- others committed while the cascade waited for them.
CREATE OR REPLACE FUNCTION flexdb_forget_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM tenants t WHERE t.id = OLD.id) THEN
        PERFORM flexdb_forget_counts(OLD.id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_forget_tenant AFTER DELETE ON tenants
FOR EACH ROW EXECUTE FUNCTION flexdb_forget_tenant();
DROP TRIGGER IF EXISTS flexdb_forget_tenant_late ON tenants;
CREATE CONSTRAINT TRIGGER flexdb_forget_tenant_late AFTER DELETE ON tenants
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION flexdb_forget_tenant();

-- What is there now, in place of whatever the ledger says: this may run a second time.
DELETE FROM flexdb_count_changes;
DELETE FROM flexdb_counts;
INSERT INTO flexdb_counts (tenant_id, list, key, total)
SELECT flexdb_nil(), 'tenants', flexdb_nil(), count(*) FROM tenants HAVING count(*) > 0
UNION ALL
SELECT flexdb_nil(), 'users', flexdb_nil(), count(*) FROM users HAVING count(*) > 0
UNION ALL
SELECT u.tenant_id, 'tenant_users', flexdb_nil(), count(*) FROM tenant_users u GROUP BY u.tenant_id
UNION ALL
SELECT nt.tenant_id, 'node_types', flexdb_nil(), count(*) FROM node_types nt GROUP BY nt.tenant_id
UNION ALL
SELECT n.tenant_id, 'nodes',
       CASE grouping(n.node_type_id) WHEN 1 THEN flexdb_nil()
            ELSE flexdb_list_key(n.node_type_id::text) END,
       count(*)
FROM nodes n GROUP BY GROUPING SETS ((n.tenant_id, n.node_type_id), (n.tenant_id))
UNION ALL
SELECT r.tenant_id, 'relationships',
       CASE grouping(r.relationship_type) WHEN 1 THEN flexdb_nil()
            ELSE flexdb_list_key(r.relationship_type) END,
       count(*)
FROM relationships r GROUP BY GROUPING SETS ((r.tenant_id, r.relationship_type), (r.tenant_id));

DO $$
BEGIN
    IF to_regprocedure('flexdb_weigh_rows()') IS NOT NULL THEN
        PERFORM flexdb_weigh_rows();
    END IF;
END $$;

-- Where this runs again, the triggers that a later migration puts in the place of some of these stay.
DO $$
BEGIN
    IF to_regprocedure('flexdb_follow_nodes()') IS NOT NULL THEN
        PERFORM flexdb_follow_nodes();
    END IF;
    IF to_regprocedure('flexdb_follow_rows()') IS NOT NULL THEN
        PERFORM flexdb_follow_rows();
    END IF;
END $$;
