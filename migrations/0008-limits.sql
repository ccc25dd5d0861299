-- What a tenant may have and do, where that is not as the settings say, and how many bytes of JSON it
-- has. The ledger counts the bytes of what is written from here on; what was there before is weighed
-- by 0012-bytes, which makes no writer wait.
-- depends: 0007-keys

LOCK TABLE node_types, nodes, relationships IN SHARE ROW EXCLUSIVE MODE;

-- NULL is as the settings say, and 0 is no limit.
CREATE TABLE IF NOT EXISTS flexdb_limits (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    max_nodes bigint,
    max_relationships bigint,
    max_bytes bigint,
    calls_per_second integer,
    burst integer
);

-- Of a whole list, whose key is nil; by type nothing is weighed.
ALTER TABLE flexdb_counts ADD COLUMN IF NOT EXISTS bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE flexdb_count_changes ADD COLUMN IF NOT EXISTS bytes bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION flexdb_total_bytes(of_tenant uuid) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce((SELECT sum(c.bytes) FROM flexdb_counts c
                     WHERE c.tenant_id = of_tenant AND c.key = flexdb_nil()), 0)::bigint
         + coalesce((SELECT sum(d.bytes) FROM flexdb_count_changes d
                     WHERE d.tenant_id = of_tenant), 0)::bigint
$$;

CREATE OR REPLACE FUNCTION flexdb_fold_counts(of_tenant uuid, of_list text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    folded record;
BEGIN
    -- Who reads an older snapshot would fail on what others folded since; who cannot have the lock
    -- leaves the work to who has it.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
       OR NOT pg_try_advisory_xact_lock(hashtextextended('counts ' || of_list, 0)
                                     # hashtextextended(of_tenant::text, 0)) THEN
        RETURN;
    END IF;
    FOR folded IN
        WITH gone AS (
            DELETE FROM flexdb_count_changes d
            WHERE d.tenant_id = of_tenant AND d.list = of_list
              -- What this transaction itself adds is still asked for at its end.
              AND d.xmin <> pg_current_xact_id()::xid
            RETURNING d.key, d.change, d.bytes
        )
        SELECT coalesce(g.key, flexdb_nil()) AS key, sum(g.change) AS change,
               CASE grouping(g.key) WHEN 1 THEN sum(g.bytes) ELSE 0 END AS bytes
        FROM gone g
        GROUP BY GROUPING SETS ((g.key), ())
        HAVING grouping(g.key) = 1 AND (sum(g.change) <> 0 OR sum(g.bytes) <> 0)
            OR grouping(g.key) = 0 AND sum(g.change) <> 0 AND g.key <> flexdb_nil()
    LOOP
        INSERT INTO flexdb_counts AS c (tenant_id, list, key, total, bytes)
        VALUES (of_tenant, of_list, folded.key, folded.change, folded.bytes)
        ON CONFLICT (tenant_id, list, key) DO UPDATE
        SET total = c.total + excluded.total, bytes = c.bytes + excluded.bytes;
    END LOOP;
    DELETE FROM flexdb_counts c
    WHERE c.tenant_id = of_tenant AND c.list = of_list AND c.total = 0 AND c.bytes = 0;
END $$;

-- The functions and triggers of 0005-ledger for the tables that hold JSON, which weigh it as well.
-- An UPDATE is told of where it moves a row to another key, or makes it lighter or heavier.
DO $$
DECLARE
    counted record;
BEGIN
    FOR counted IN
        SELECT list.name, list.key, list.typed_by FROM (VALUES
            ('node_types', 'flexdb_nil()', ''),
            ('nodes', 'flexdb_list_key(c.node_type_id::text)', 'node_type_id'),
            ('relationships', 'flexdb_list_key(c.relationship_type)', 'relationship_type'))
        AS list (name, key, typed_by)
    LOOP
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
                INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
                SELECT c.tenant_id, %2$L, %3$s,
                       CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END,
                       CASE TG_OP WHEN 'INSERT' THEN sum(c.size) ELSE -sum(c.size) END
                FROM changed c
                -- The triggers of a cascade fire when all of it is gone: with its tenant, a row
                -- is forgotten, not counted.
                WHERE TG_OP = 'INSERT' OR EXISTS (SELECT FROM tenants t WHERE t.id = c.tenant_id)
                GROUP BY 1, 3;
                GET DIAGNOSTICS written = ROW_COUNT;
                IF random() * 256 < written THEN
                    PERFORM flexdb_fold_counts(t.tenant_id, %2$L)
                    FROM (SELECT DISTINCT c.tenant_id FROM changed c) t;
                END IF;
                RETURN NULL;
            END $body$
        $function$, 'flexdb_count_' || counted.name, counted.name, counted.key);
        EXECUTE format($function$
            CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN
                IF (%4$s) IS NOT DISTINCT FROM (%5$s) THEN
                    INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
                    VALUES (NEW.tenant_id, %2$L, flexdb_nil(), 0, NEW.size - OLD.size);
                ELSE
                    INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
                    SELECT c.tenant_id, %2$L, %3$s, -1, -c.size FROM (SELECT OLD.*) c
                    UNION ALL
                    SELECT c.tenant_id, %2$L, %3$s, 1, c.size FROM (SELECT NEW.*) c;
                END IF;
                IF random() * 256 < 2 THEN
                    PERFORM flexdb_fold_counts(NEW.tenant_id, %2$L);
                END IF;
                RETURN NULL;
            END $body$
        $function$, 'flexdb_move_' || counted.name, counted.name, counted.key,
            concat_ws(', ', 'OLD.tenant_id', 'OLD.' || nullif(counted.typed_by, '')),
            concat_ws(', ', 'NEW.tenant_id', 'NEW.' || nullif(counted.typed_by, '')));
        EXECUTE format($trigger$
            CREATE OR REPLACE TRIGGER flexdb_count_moved AFTER UPDATE ON %1$I FOR EACH ROW
            WHEN ((%3$s) IS DISTINCT FROM (%4$s)) EXECUTE FUNCTION %2$I()
        $trigger$, counted.name, 'flexdb_move_' || counted.name,
            concat_ws(', ', 'OLD.size', 'OLD.tenant_id', 'OLD.' || nullif(counted.typed_by, '')),
            concat_ws(', ', 'NEW.size', 'NEW.tenant_id', 'NEW.' || nullif(counted.typed_by, '')));
    END LOOP;
END $$;

-- Make the ledger say what the rows weigh, whoever writes meanwhile: of one statement the rows and the
-- ledger are those of one moment, and what they differ by is the same at any.
CREATE OR REPLACE FUNCTION flexdb_weigh_rows() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- None of them is deleted before what it weighs is written down.
    PERFORM FROM tenants t ORDER BY t.id FOR KEY SHARE;
    INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
    SELECT w.tenant_id, w.list, flexdb_nil(), 0, sum(w.bytes)
    FROM (
        SELECT nt.tenant_id, 'node_types' AS list, sum(nt.size) AS bytes
        FROM node_types nt GROUP BY nt.tenant_id
        UNION ALL
        SELECT n.tenant_id, 'nodes', sum(n.size) FROM nodes n GROUP BY n.tenant_id
        UNION ALL
        SELECT r.tenant_id, 'relationships', sum(r.size) FROM relationships r GROUP BY r.tenant_id
        UNION ALL
        SELECT c.tenant_id, c.list, -sum(c.bytes) FROM flexdb_counts c GROUP BY 1, 2
        UNION ALL
        SELECT d.tenant_id, d.list, -sum(d.bytes) FROM flexdb_count_changes d GROUP BY 1, 2
    ) w
    JOIN tenants t ON t.id = w.tenant_id
    GROUP BY w.tenant_id, w.list
    HAVING sum(w.bytes) <> 0;
END $$;

-- The first limit of a tenant that this transaction exceeds, since it leaves more than there was and
-- more than there may be. It is asked as the last of a transaction: who has asked is followed by the
-- next when it is committed, so that none takes the room that another has taken.
CREATE OR REPLACE FUNCTION flexdb_check_quota(
    of_tenant uuid, most_nodes bigint, most_relationships bigint, most_bytes bigint)
RETURNS TABLE (exceeded text, most bigint, used bigint, added bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT coalesce(l.max_nodes, most_nodes), coalesce(l.max_relationships, most_relationships),
           coalesce(l.max_bytes, most_bytes)
    INTO most_nodes, most_relationships, most_bytes
    FROM (SELECT) asked
    LEFT JOIN flexdb_limits l ON l.tenant_id = of_tenant;
    IF most_nodes + most_relationships + most_bytes = 0 THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('quota', 0)
                                  # hashtextextended(of_tenant::text, 0));
    RETURN QUERY
    WITH written AS (
        SELECT c.list, c.total AS change, c.bytes, false AS is_own
        FROM flexdb_counts c
        WHERE c.tenant_id = of_tenant AND c.key = flexdb_nil()
        UNION ALL
        SELECT d.list, d.change, d.bytes, d.xmin = pg_current_xact_id()::xid
        FROM flexdb_count_changes d
        WHERE d.tenant_id = of_tenant
    ), summed AS (
        SELECT v.place, v.name, v.most, sum(v.change) AS used,
               sum(v.change) FILTER (WHERE w.is_own) AS own
        FROM written w
        CROSS JOIN LATERAL (VALUES
            (1, 'nodes', most_nodes, CASE w.list WHEN 'nodes' THEN w.change END),
            (2, 'relationships', most_relationships,
             CASE w.list WHEN 'relationships' THEN w.change END),
            (3, 'bytes', most_bytes, w.bytes)) v (place, name, most, change)
        GROUP BY 1, 2, 3
    )
    SELECT s.name, s.most, (s.used - s.own)::bigint, s.own::bigint
    FROM summed s
    WHERE s.most > 0 AND s.used > s.most AND s.own > 0
    ORDER BY s.place
    LIMIT 1;
END $$;

-- Where this runs again, the triggers that a later migration puts in the place of some of these stay.
DO $$
BEGIN
    IF to_regprocedure('flexdb_follow_rows()') IS NOT NULL THEN
        PERFORM flexdb_follow_rows();
    END IF;
END $$;
