-- What follows from a write, as a shard of a distributed database can run it too: a statement reads either
-- the rows that a trigger is given or tables, never both, and inserts values; what it reads of tables
-- stands in it, and not in a function that would be written out there. Where many rows are written at
-- once to a table that is whole, one statement for all of them takes less, and so it stays.
-- depends: 0025-one-row

-- Triggers go, so that readers wait too; asked for at once, nobody waits in a circle.
LOCK TABLE tenant_users, node_types, nodes, relationships IN ACCESS EXCLUSIVE MODE;

-- As 0008, 0016, 0018, 0019 and 0020 make them, in a database that earlier versions of these made. What is
-- refused names the constraint in its words too, which alone come from one server to another.
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

CREATE OR REPLACE FUNCTION flexdb_refuse(clashes jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE unique_violation USING
        MESSAGE = 'what is to be unique is there already: constraint "flexdb_unique_pkey"',
        DETAIL = clashes::text, CONSTRAINT = 'flexdb_unique_pkey';
END $$;

CREATE OR REPLACE FUNCTION flexdb_fill_unique(of_tenant uuid, of_type uuid, added text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF added <> '{}' THEN
        -- Whoever is changing one of them, and knew of no rule, is waited for.
        PERFORM
        FROM nodes n
        WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type
        ORDER BY n.id
        FOR SHARE;
    END IF;
    DELETE FROM flexdb_unique u
    WHERE u.tenant_id = of_tenant AND u.node_type_id = of_type AND (u.rule = ANY (added)
       OR NOT EXISTS (SELECT FROM flexdb_declarations d
                      WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type
                        AND d.kind = 'unique' AND d.rule = u.rule));
    IF added = '{}' THEN
        RETURN;
    END IF;
    INSERT INTO flexdb_unique (tenant_id, node_type_id, rule, hash, node_id)
    SELECT n.tenant_id, n.node_type_id, d.rule, flexdb_unique_hash(n.data, d.paths), n.id
    FROM nodes n
    JOIN flexdb_declarations d ON d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id
    WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type AND d.kind = 'unique'
      AND d.rule = ANY (added) AND flexdb_unique_hash(n.data, d.paths) IS NOT NULL;
EXCEPTION WHEN unique_violation THEN
    PERFORM flexdb_refuse(jsonb_agg(jsonb_build_object(
        'members', flexdb_members(c.rule), 'id', c.last, 'other', c.first)))
    FROM (
        SELECT m.rule, min(m.id::text) AS first, max(m.id::text) AS last
        FROM (
            SELECT d.rule, flexdb_unique_hash(n.data, d.paths) AS hash, n.id
            FROM nodes n
            JOIN flexdb_declarations d ON d.tenant_id = of_tenant AND d.node_type_id = of_type
                AND d.kind = 'unique' AND d.rule = ANY (added)
            WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type
        ) m
        WHERE m.hash IS NOT NULL
        GROUP BY m.rule, m.hash
        HAVING count(*) > 1
        LIMIT 100
    ) c
    HAVING count(*) > 0;
    RAISE;
END $$;

CREATE OR REPLACE FUNCTION flexdb_declare(of_tenant uuid, of_type uuid, schema jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    kind_of text;
    added text[];
    declared record;
BEGIN
    FOREACH kind_of IN ARRAY ARRAY['unique', 'search', 'index'] LOOP
        CONTINUE WHEN to_regprocedure(format('flexdb_fill_%s(uuid, uuid, text[])', kind_of)) IS NULL;
        added := ARRAY(
            SELECT n.rule
            FROM flexdb_declared(schema) n
            WHERE n.kind = kind_of AND NOT EXISTS (
                SELECT FROM flexdb_declarations d
                WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = n.kind
                  AND d.rule = n.rule AND d.options = n.options));
        DELETE FROM flexdb_declarations d
        WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = kind_of
          AND NOT EXISTS (SELECT FROM flexdb_declared(schema) n
                          WHERE n.kind = d.kind AND n.rule = d.rule AND n.options = d.options);
        -- Of a type that goes, the rules may have gone with the tenant.
        CONTINUE WHEN NOT FOUND AND added = '{}' AND schema IS NOT NULL;
        -- Whoever is making a node of the type is waited for, and whoever begins to waits.
        PERFORM FROM node_types nt WHERE nt.tenant_id = of_tenant AND nt.id = of_type FOR UPDATE;
        FOR declared IN
            SELECT n.rule, n.paths, n.options
            FROM flexdb_declared(schema) n
            WHERE n.kind = kind_of AND n.rule = ANY (added)
        LOOP
            INSERT INTO flexdb_declarations (tenant_id, node_type_id, kind, rule, paths, options)
            VALUES (of_tenant, of_type, kind_of, declared.rule, declared.paths, declared.options);
        END LOOP;
        EXECUTE format('SELECT flexdb_fill_%s($1, $2, $3)', kind_of)
        USING of_tenant, of_type, added;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION flexdb_entries(of_tenant uuid, of_type uuid, of_node uuid, data jsonb)
RETURNS SETOF flexdb_unique LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT of_tenant, of_type, d.rule, flexdb_unique_hash(data, d.paths) AS hash, of_node
    FROM flexdb_declarations d
    WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'unique';
END $$;

CREATE OR REPLACE FUNCTION flexdb_search_texts(of_tenant uuid, of_type uuid, data jsonb)
RETURNS TABLE (rule text, place bigint, content text, options jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN QUERY
    SELECT d.rule, t.place, t.content #>> '{}', d.options
    FROM flexdb_declarations d
    CROSS JOIN LATERAL (SELECT data #> d.paths[1]::text[] AS value) m
    CROSS JOIN LATERAL (
        SELECT NULL::bigint AS place, m.value AS content
        UNION ALL
        SELECT e.place, e.item
        FROM jsonb_array_elements(CASE jsonb_typeof(m.value) WHEN 'array' THEN m.value ELSE '[]' END)
             WITH ORDINALITY e (item, place)
    ) t
    WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'search'
      AND jsonb_typeof(t.content) = 'string';
END $$;

CREATE OR REPLACE FUNCTION flexdb_fill_search(of_tenant uuid, of_type uuid, added text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    node record;
BEGIN
    DELETE FROM flexdb_search s WHERE s.tenant_id = of_tenant AND s.node_type_id = of_type;
    IF EXISTS (SELECT FROM flexdb_declarations d
               WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'search') THEN
        FOR node IN
            SELECT n.id, n.data
            FROM nodes n
            WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type
        LOOP
            PERFORM flexdb_derive_search(of_tenant, of_type, node.id, node.data);
        END LOOP;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_refuse_breach(
    contract flexdb_relationship_types, of_id uuid, source uuid, target uuid, changed text DEFAULT '')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    breach constant text := flexdb_contract_breach(contract, of_id, source, target);
BEGIN
    IF breach IS NOT NULL THEN
        RAISE check_violation
        USING MESSAGE = format('the contract of the relationship type %s is broken: '
                               'constraint "flexdb_contract_%s", column "%s"',
                               contract.name, breach, changed),
              CONSTRAINT = 'flexdb_contract_' || breach, DETAIL = of_id::text, COLUMN = changed,
              HINT = coalesce((
                  SELECT string_agg(nt.name, ' or ' ORDER BY nt.name)
                  FROM node_types nt
                  WHERE nt.tenant_id = contract.tenant_id
                    AND nt.id = ANY (CASE breach WHEN 'source_type' THEN contract.source_node_type_ids
                                                 ELSE contract.target_node_type_ids END)), '');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_restrict_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM flexdb_relationship_types rt
               WHERE rt.tenant_id = OLD.tenant_id AND rt.name = OLD.relationship_type
                 AND rt.on_delete = 'restrict')
       AND NOT EXISTS (SELECT FROM nodes n
                       WHERE n.tenant_id = OLD.tenant_id AND n.id = OLD.target_node_id)
       AND EXISTS (SELECT FROM nodes n
                   WHERE n.tenant_id = OLD.tenant_id AND n.id = OLD.source_node_id) THEN
        RAISE restrict_violation
        USING MESSAGE = format('a relationship of type %s keeps the node: '
                               'constraint "flexdb_contract_kept"', OLD.relationship_type),
              CONSTRAINT = 'flexdb_contract_kept', DETAIL = OLD.id::text,
              HINT = OLD.relationship_type;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_bind_contract() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    edge record;
    breach text;
    broken jsonb := '[]';
BEGIN
    PERFORM pg_advisory_xact_lock(flexdb_contracts_lock(NEW.tenant_id));
    PERFORM flexdb_lock_acyclic(NEW);
    DELETE FROM flexdb_relationship_keys k
    WHERE k.tenant_id = NEW.tenant_id AND k.relationship_type_id = NEW.id;
    FOR edge IN
        SELECT r.id, r.source_node_id, r.target_node_id
        FROM relationships r
        WHERE r.tenant_id = NEW.tenant_id AND r.relationship_type = NEW.name
        ORDER BY r.id
        FOR KEY SHARE
    LOOP
        breach := flexdb_contract_breach(NEW, edge.id, edge.source_node_id, edge.target_node_id);
        IF breach IS NOT NULL THEN
            broken := broken || jsonb_build_object('relationship_id', edge.id, 'breach', breach);
            EXIT WHEN jsonb_array_length(broken) = 100;
        END IF;
    END LOOP;
    IF broken <> '[]' THEN
        RAISE check_violation
        USING MESSAGE = format('relationships of type %s break the contract: '
                               'constraint "flexdb_contract_broken"', NEW.name),
              CONSTRAINT = 'flexdb_contract_broken', DETAIL = broken::text;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_index_rows(of_tenant uuid, of_type uuid, of_node uuid, data jsonb)
RETURNS SETOF flexdb_index LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT of_tenant, of_type, flexdb_index_code(d.rule), of_node, k.rank, k.number, k.text
    FROM flexdb_declarations d
    CROSS JOIN LATERAL flexdb_index_keys(data, d.paths[1]::text[]) k
    WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'index';
END $$;

CREATE OR REPLACE FUNCTION flexdb_derive_index(of_tenant uuid, of_type uuid, of_node uuid, data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made flexdb_index[];
    k flexdb_index;
BEGIN
    IF data IS NULL AND NOT EXISTS (
        SELECT FROM nodes n
        WHERE n.tenant_id = of_tenant AND n.id = of_node AND n.node_type_id = of_type)
    THEN
        made := '{}';
    ELSE
        made := ARRAY(SELECT r FROM flexdb_index_rows(of_tenant, of_type, of_node, data) r);
    END IF;
    DELETE FROM flexdb_index i
    WHERE i.tenant_id = of_tenant AND i.node_type_id = of_type AND i.node_id = of_node
      AND NOT i = ANY (made);
    FOREACH k IN ARRAY made LOOP
        INSERT INTO flexdb_index (tenant_id, node_type_id, rule, node_id, rank, number, text)
        VALUES (k.tenant_id, k.node_type_id, k.rule, k.node_id, k.rank, k.number, k.text)
        ON CONFLICT (tenant_id, node_type_id, node_id, rule, rank) DO NOTHING;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION flexdb_fill_index(of_tenant uuid, of_type uuid, added text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept constant uuid[] := ARRAY(
        SELECT flexdb_index_code(d.rule)
        FROM flexdb_declarations d
        WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'index'
          AND d.rule <> ALL (added));
    most constant integer := 10000;
    total integer;
    of_rule text;
BEGIN
    DELETE FROM flexdb_index_builds b
    WHERE b.tenant_id = of_tenant AND b.node_type_id = of_type
      AND flexdb_index_code(b.rule) <> ALL (kept);
    DELETE FROM flexdb_index i
    WHERE i.tenant_id = of_tenant AND i.node_type_id = of_type AND i.rule <> ALL (kept);
    IF added = '{}' THEN
        RETURN;
    END IF;
    SELECT count(*) INTO total
    FROM (SELECT FROM nodes n
          WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type
          LIMIT most + 1) some_of_them;
    FOREACH of_rule IN ARRAY added LOOP
        INSERT INTO flexdb_index_builds (tenant_id, node_type_id, rule, node_id, nodes)
        VALUES (of_tenant, of_type, of_rule, flexdb_nil(), 0);
    END LOOP;
    IF total <= most THEN
        PERFORM flexdb_build_index(of_tenant, of_type, a.rule, most + 1)
        FROM unnest(added) a (rule);
        DELETE FROM flexdb_index_builds b
        WHERE b.tenant_id = of_tenant AND b.node_type_id = of_type AND b.rule = ANY (added);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_build_index(of_tenant uuid, of_type uuid, of_rule text, most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    place uuid;
    ids uuid[];
BEGIN
    -- Whoever drops the tenant, or changes what the type declares, comes before or after, so that
    -- nobody waits in a circle.
    PERFORM FROM tenants t WHERE t.id = of_tenant FOR KEY SHARE;
    PERFORM FROM node_types nt WHERE nt.tenant_id = of_tenant AND nt.id = of_type FOR KEY SHARE;
    SELECT b.node_id INTO place
    FROM flexdb_index_builds b
    WHERE b.tenant_id = of_tenant AND b.node_type_id = of_type AND b.rule = of_rule
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Whoever is changing one of them, and knew of no rule, is waited for.
    ids := ARRAY(
        SELECT n.id
        FROM nodes n
        WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type AND n.id > place
        ORDER BY n.id
        LIMIT most
        FOR SHARE);
    IF ids = '{}' THEN
        DELETE FROM flexdb_index_builds b
        WHERE b.tenant_id = of_tenant AND b.node_type_id = of_type AND b.rule = of_rule;
        RETURN 0;
    END IF;
    INSERT INTO flexdb_index (tenant_id, node_type_id, rule, node_id, rank, number, text)
    SELECT n.tenant_id, n.node_type_id, flexdb_index_code(of_rule), n.id, k.rank, k.number, k.text
    FROM nodes n
    JOIN flexdb_declarations d ON d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id
        AND d.kind = 'index' AND d.rule = of_rule
    CROSS JOIN LATERAL flexdb_index_keys(n.data, d.paths[1]::text[]) k
    WHERE n.tenant_id = of_tenant AND n.node_type_id = of_type AND n.id = ANY (ids)
    -- What was written since the rule is there is in it.
    ON CONFLICT (tenant_id, node_type_id, node_id, rule, rank) DO NOTHING;
    UPDATE flexdb_index_builds b
    SET node_id = ids[cardinality(ids)], nodes = b.nodes + cardinality(ids)
    WHERE b.tenant_id = of_tenant AND b.node_type_id = of_type AND b.rule = of_rule;
    RETURN cardinality(ids);
END $$;

-- Enter what a list of a tenant gained or lost, and now and then make one row of what came since.
CREATE OR REPLACE FUNCTION flexdb_count(of_tenant uuid, of_list text, of_key uuid, of_change bigint,
                                        of_bytes bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
    VALUES (of_tenant, of_list, of_key, of_change, of_bytes);
    IF random() * 256 < 1 THEN
        PERFORM flexdb_fold_counts(of_tenant, of_list);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_new_nodes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    actor_of constant text := nullif(split_part(called, ' ', 1), '');
    request_of constant text := nullif(split_part(called, ' ', 2), '');
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    n record;
    declared record;
    entry record;
    is_whole boolean := false;
    is_declared boolean := false;
    kinds text[] := '{}';
    clash jsonb;
    clashes jsonb[] := '{}';
BEGIN
    FOR n IN
        SELECT a.tenant_id, a.id, a.version, a.node_type_id, a.size,
               EXISTS (SELECT FROM after m OFFSET 1) AS is_one_of_many
        FROM after a
    LOOP
        IF n.is_one_of_many AND TG_TABLE_NAME = 'nodes' THEN
            is_whole := true;
            EXIT;
        END IF;
        INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
        VALUES (n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text), 1, n.size);
        IF random() * 256 < 1 THEN
            PERFORM flexdb_fold_counts(n.tenant_id, 'nodes');
        END IF;
        IF is_logged THEN
            INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor,
                                        request_id)
            VALUES (n.tenant_id, 'n', 'c', n.id, n.version, n.node_type_id, actor_of, request_of);
        END IF;
        is_declared := is_declared OR EXISTS (
            SELECT FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id);
    END LOOP;
    IF is_whole THEN
        FOR n IN
            SELECT a.tenant_id, a.node_type_id, count(*) AS total, sum(a.size) AS bytes
            FROM after a
            GROUP BY a.tenant_id, a.node_type_id
        LOOP
            PERFORM flexdb_count(n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text), n.total,
                                 n.bytes);
            is_declared := is_declared OR EXISTS (
                SELECT FROM flexdb_declarations d
                WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id);
        END LOOP;
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor, request_id)
        SELECT a.tenant_id, 'n', 'c', a.id, a.version, a.node_type_id, actor_of, request_of
        FROM after a
        WHERE is_logged;
    END IF;
    IF NOT is_declared THEN
        RETURN NULL;
    END IF;
    <<entering>>
    -- In one order, so that two who write many nodes do not wait in a circle.
    FOR n IN
        SELECT DISTINCT a.tenant_id, a.node_type_id FROM after a ORDER BY a.tenant_id, a.node_type_id
    LOOP
        kinds := kinds || ARRAY(
            SELECT d.kind
            FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id);
        FOR declared IN
            SELECT d.rule, d.paths
            FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id AND d.kind = 'unique'
            ORDER BY d.rule
        LOOP
            FOR entry IN
                SELECT flexdb_unique_hash(a.data, declared.paths) AS hash, a.id
                FROM after a
                WHERE a.tenant_id = n.tenant_id AND a.node_type_id = n.node_type_id
                ORDER BY hash, a.id
            LOOP
                CONTINUE WHEN entry.hash IS NULL;
                clash := flexdb_enter(n.tenant_id, n.node_type_id, declared.rule, entry.hash, entry.id);
                CONTINUE WHEN clash IS NULL;
                clashes := clashes || clash;
                -- Of more, the first are enough.
                EXIT entering WHEN cardinality(clashes) = 10000;
            END LOOP;
        END LOOP;
    END LOOP;
    IF clashes <> '{}' THEN
        PERFORM flexdb_refuse(to_jsonb(clashes));
    END IF;
    IF 'search' = ANY (kinds) THEN
        PERFORM flexdb_derive_search(a.tenant_id, a.node_type_id, a.id, a.data) FROM after a;
    END IF;
    IF 'index' = ANY (kinds) THEN
        PERFORM flexdb_derive_index(a.tenant_id, a.node_type_id, a.id, a.data) FROM after a;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_changed_nodes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    actor_of constant text := nullif(split_part(called, ' ', 1), '');
    request_of constant text := nullif(split_part(called, ' ', 2), '');
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    n record;
    is_whole boolean := false;
    is_kept boolean;
    is_declared boolean := false;
BEGIN
    FOR n IN
        SELECT b.tenant_id AS old_tenant, b.id AS old_id, b.version AS old_version,
               b.node_type_id AS old_type, b.data AS old_data, b.size AS old_size, b.created_at,
               b.updated_at, a.tenant_id, a.id, a.version, a.node_type_id, a.size,
               EXISTS (SELECT FROM after m OFFSET 1) AS is_one_of_many
        FROM before b
        FULL JOIN after a ON a.tenant_id = b.tenant_id AND a.id = b.id
    LOOP
        IF n.is_one_of_many AND TG_TABLE_NAME = 'nodes' THEN
            is_whole := true;
            EXIT;
        END IF;
        IF is_logged THEN
            is_kept := n.old_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM flexdb_histories h
                WHERE h.tenant_id = n.old_tenant AND h.node_type_id = n.old_type
                  AND NOT h.is_kept);
            INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor,
                                        request_id, old_data, old_type, created_at, old_updated_at)
            VALUES (coalesce(n.tenant_id, n.old_tenant), 'n',
                    CASE WHEN n.id IS NULL THEN 'd' WHEN n.old_id IS NULL THEN 'c' ELSE 'u' END,
                    coalesce(n.id, n.old_id), coalesce(n.version, n.old_version + 1),
                    coalesce(n.node_type_id, n.old_type), actor_of, request_of,
                    CASE WHEN is_kept THEN n.old_data END,
                    CASE WHEN is_kept AND n.old_type <> n.node_type_id THEN n.old_type::text END,
                    CASE WHEN is_kept THEN n.created_at END,
                    CASE WHEN is_kept THEN n.updated_at END);
        END IF;
        IF n.old_type = n.node_type_id THEN
            IF n.old_size <> n.size THEN
                INSERT INTO flexdb_count_changes (tenant_id, list, key, change, bytes)
                VALUES (n.tenant_id, 'nodes', flexdb_nil(), 0, n.size - n.old_size);
                IF random() * 256 < 1 THEN
                    PERFORM flexdb_fold_counts(n.tenant_id, 'nodes');
                END IF;
            END IF;
        ELSE
            IF n.old_id IS NOT NULL THEN
                PERFORM flexdb_count(n.old_tenant, 'nodes', flexdb_list_key(n.old_type::text), -1,
                                     -n.old_size);
            END IF;
            IF n.id IS NOT NULL THEN
                PERFORM flexdb_count(n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text), 1,
                                     n.size);
            END IF;
        END IF;
        is_declared := is_declared OR EXISTS (
            SELECT FROM flexdb_declarations d
            WHERE d.tenant_id = coalesce(n.tenant_id, n.old_tenant)
              AND d.node_type_id IN (n.old_type, n.node_type_id));
    END LOOP;
    IF is_whole THEN
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor, request_id,
                                    old_data, old_type, created_at, old_updated_at)
        -- Where the id or the tenant is another, to everyone else one is gone and another there.
        SELECT coalesce(a.tenant_id, b.tenant_id), 'n',
               CASE WHEN a.id IS NULL THEN 'd' WHEN b.id IS NULL THEN 'c' ELSE 'u' END,
               coalesce(a.id, b.id), coalesce(a.version, b.version + 1),
               coalesce(a.node_type_id, b.node_type_id), actor_of, request_of,
               CASE WHEN h.is_kept THEN b.data END,
               CASE WHEN h.is_kept AND b.node_type_id <> a.node_type_id THEN b.node_type_id::text END,
               CASE WHEN h.is_kept THEN b.created_at END, CASE WHEN h.is_kept THEN b.updated_at END
        -- A full join is never a nested loop, whose plan, made for one row, would look at all for each.
        FROM before b
        FULL JOIN after a ON a.tenant_id = b.tenant_id AND a.id = b.id
        CROSS JOIN LATERAL (
            SELECT coalesce((SELECT h.is_kept FROM flexdb_histories h
                             WHERE h.tenant_id = b.tenant_id
                               AND h.node_type_id = b.node_type_id), true) AS is_kept
            OFFSET 0
        ) h
        WHERE is_logged;
        FOR n IN
            SELECT c.tenant_id, c.node_type_id, sum(c.change) AS change, sum(c.bytes) AS bytes
            FROM (
                SELECT b.tenant_id, b.node_type_id, -1 AS change, -b.size AS bytes FROM before b
                UNION ALL
                SELECT a.tenant_id, a.node_type_id, 1, a.size FROM after a
            ) c
            GROUP BY c.tenant_id, c.node_type_id
        LOOP
            IF n.change <> 0 OR n.bytes <> 0 THEN
                PERFORM flexdb_count(n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text),
                                     n.change, n.bytes);
            END IF;
            is_declared := is_declared OR EXISTS (
                SELECT FROM flexdb_declarations d
                WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id);
        END LOOP;
    END IF;
    IF is_declared THEN
        PERFORM flexdb_derive_changed(c.tenant_id, c.id, c.old_type, c.old_data, c.node_type_id, c.data)
        FROM (
            SELECT coalesce(a.tenant_id, b.tenant_id) AS tenant_id, coalesce(a.id, b.id) AS id,
                   b.node_type_id AS old_type, b.data AS old_data, a.node_type_id, a.data
            FROM before b
            FULL JOIN after a ON a.tenant_id = b.tenant_id AND a.id = b.id
            WHERE (b.node_type_id, b.data) IS DISTINCT FROM (a.node_type_id, a.data)
            -- Who is gone first, so that what it alone had is free.
            ORDER BY a.id IS NOT NULL, coalesce(a.id, b.id)
        ) c;
    END IF;
    RETURN NULL;
END $$;

-- Of a cascade the triggers fire when all of it is gone: with its tenant, a node is forgotten, neither
-- counted nor logged.
CREATE OR REPLACE FUNCTION flexdb_follow_deleted_nodes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    actor_of constant text := nullif(split_part(called, ' ', 1), '');
    request_of constant text := nullif(split_part(called, ' ', 2), '');
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    n record;
    is_whole boolean := false;
    is_kept boolean;
    is_declared boolean := false;
BEGIN
    FOR n IN
        SELECT b.tenant_id, b.id, b.version, b.node_type_id, b.data, b.size, b.created_at,
               b.updated_at,
               EXISTS (SELECT FROM before m OFFSET 1) AS is_one_of_many
        FROM before b
    LOOP
        IF n.is_one_of_many AND TG_TABLE_NAME = 'nodes' THEN
            is_whole := true;
            EXIT;
        END IF;
        IF EXISTS (SELECT FROM tenants t WHERE t.id = n.tenant_id) THEN
            PERFORM flexdb_count(n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text), -1,
                                 -n.size);
            IF is_logged THEN
                is_kept := NOT EXISTS (
                    SELECT FROM flexdb_histories h
                    WHERE h.tenant_id = n.tenant_id AND h.node_type_id = n.node_type_id
                      AND NOT h.is_kept);
                INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor,
                                            request_id, old_data, created_at, old_updated_at)
                VALUES (n.tenant_id, 'n', 'd', n.id, n.version + 1, n.node_type_id, actor_of,
                        request_of, CASE WHEN is_kept THEN n.data END,
                        CASE WHEN is_kept THEN n.created_at END,
                        CASE WHEN is_kept THEN n.updated_at END);
            END IF;
        END IF;
        is_declared := is_declared OR EXISTS (
            SELECT FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id);
    END LOOP;
    IF is_whole THEN
        FOR n IN
            SELECT b.tenant_id, b.node_type_id, count(*) AS total, sum(b.size) AS bytes
            FROM before b
            GROUP BY b.tenant_id, b.node_type_id
        LOOP
            IF EXISTS (SELECT FROM tenants t WHERE t.id = n.tenant_id) THEN
                PERFORM flexdb_count(n.tenant_id, 'nodes', flexdb_list_key(n.node_type_id::text),
                                     -n.total, -n.bytes);
            END IF;
            is_declared := is_declared OR EXISTS (
                SELECT FROM flexdb_declarations d
                WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id);
        END LOOP;
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor, request_id,
                                    old_data, created_at, old_updated_at)
        SELECT b.tenant_id, 'n', 'd', b.id, b.version + 1, b.node_type_id, actor_of, request_of,
               CASE WHEN h.is_kept THEN b.data END, CASE WHEN h.is_kept THEN b.created_at END,
               CASE WHEN h.is_kept THEN b.updated_at END
        FROM before b
        CROSS JOIN LATERAL (
            SELECT coalesce((SELECT h.is_kept FROM flexdb_histories h
                             WHERE h.tenant_id = b.tenant_id
                               AND h.node_type_id = b.node_type_id), true) AS is_kept
            OFFSET 0
        ) h
        WHERE is_logged AND EXISTS (SELECT FROM tenants t WHERE t.id = b.tenant_id);
    END IF;
    IF is_declared THEN
        PERFORM flexdb_derive_gone(g.tenant_id, g.node_type_id, g.id, g.data)
        FROM (SELECT b.tenant_id, b.node_type_id, b.id, b.data FROM before b ORDER BY b.id) g;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_new_relationships() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    actor_of constant text := nullif(split_part(called, ' ', 1), '');
    request_of constant text := nullif(split_part(called, ' ', 2), '');
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    r record;
    is_whole boolean := false;
    contract flexdb_relationship_types;
    is_bound boolean := false;
BEGIN
    FOR r IN
        SELECT a.tenant_id, a.id, a.version, a.relationship_type, a.source_node_id,
               a.target_node_id, a.size,
               EXISTS (SELECT FROM after m OFFSET 1) AS is_one_of_many
        FROM after a
    LOOP
        IF r.is_one_of_many AND TG_TABLE_NAME = 'relationships' THEN
            is_whole := true;
            EXIT;
        END IF;
        PERFORM pg_advisory_xact_lock_shared(flexdb_contracts_lock(r.tenant_id));
        PERFORM flexdb_count(r.tenant_id, 'relationships', flexdb_list_key(r.relationship_type), 1,
                             r.size);
        IF is_logged THEN
            INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, relationship_type,
                                        source_node_id, target_node_id, actor, request_id)
            VALUES (r.tenant_id, 'r', 'c', r.id, r.version, r.relationship_type, r.source_node_id,
                    r.target_node_id, actor_of, request_of);
        END IF;
        is_bound := is_bound OR EXISTS (SELECT FROM flexdb_relationship_types rt
                                        WHERE rt.tenant_id = r.tenant_id);
    END LOOP;
    IF is_whole THEN
        FOR r IN
            SELECT a.tenant_id, a.relationship_type, count(*) AS total, sum(a.size) AS bytes
            FROM after a
            GROUP BY a.tenant_id, a.relationship_type
            ORDER BY a.tenant_id
        LOOP
            PERFORM flexdb_count(r.tenant_id, 'relationships', flexdb_list_key(r.relationship_type),
                                 r.total, r.bytes);
            PERFORM pg_advisory_xact_lock_shared(flexdb_contracts_lock(r.tenant_id));
            is_bound := is_bound OR EXISTS (SELECT FROM flexdb_relationship_types rt
                                            WHERE rt.tenant_id = r.tenant_id);
        END LOOP;
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, relationship_type,
                                    source_node_id, target_node_id, actor, request_id)
        SELECT a.tenant_id, 'r', 'c', a.id, a.version, a.relationship_type, a.source_node_id,
               a.target_node_id, actor_of, request_of
        FROM after a
        WHERE is_logged;
    END IF;
    IF NOT is_bound THEN
        -- Of most statements the tenant has none.
        RETURN NULL;
    END IF;
    FOR r IN
        SELECT DISTINCT a.tenant_id, a.relationship_type
        FROM after a
        ORDER BY a.tenant_id, a.relationship_type
    LOOP
        SELECT rt.tenant_id, rt.id, rt.name, rt.description, rt.source_node_type_ids,
               rt.target_node_type_ids, rt.cardinality, rt.unique_pair, rt.acyclic, rt.on_delete,
               rt.schema, rt.version, rt.created_at, rt.updated_at
        INTO contract
        FROM flexdb_relationship_types rt
        WHERE rt.tenant_id = r.tenant_id AND rt.name = r.relationship_type;
        CONTINUE WHEN NOT FOUND;
        PERFORM flexdb_lock_acyclic(contract);
        PERFORM flexdb_refuse_breach(contract, a.id, a.source_node_id, a.target_node_id)
        FROM after a
        WHERE a.tenant_id = contract.tenant_id AND a.relationship_type = contract.name;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_deleted_relationships() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    actor_of constant text := nullif(split_part(called, ' ', 1), '');
    request_of constant text := nullif(split_part(called, ' ', 2), '');
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    r record;
    is_whole boolean := false;
BEGIN
    FOR r IN
        SELECT b.tenant_id, b.id, b.version, b.relationship_type, b.source_node_id,
               b.target_node_id, b.data, b.size, b.created_at, b.updated_at,
               EXISTS (SELECT FROM before m OFFSET 1) AS is_one_of_many
        FROM before b
    LOOP
        IF r.is_one_of_many AND TG_TABLE_NAME = 'relationships' THEN
            is_whole := true;
            EXIT;
        END IF;
        CONTINUE WHEN NOT EXISTS (SELECT FROM tenants t WHERE t.id = r.tenant_id);
        PERFORM flexdb_count(r.tenant_id, 'relationships', flexdb_list_key(r.relationship_type), -1,
                             -r.size);
        CONTINUE WHEN NOT is_logged;
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, relationship_type,
                                    source_node_id, target_node_id, actor, request_id,
                                    old_data, old_type, created_at, old_updated_at)
        VALUES (r.tenant_id, 'r', 'd', r.id, r.version + 1, r.relationship_type, r.source_node_id,
                r.target_node_id, actor_of, request_of, r.data, r.relationship_type, r.created_at,
                r.updated_at);
    END LOOP;
    IF is_whole THEN
        FOR r IN
            SELECT b.tenant_id, b.relationship_type, count(*) AS total, sum(b.size) AS bytes
            FROM before b
            GROUP BY b.tenant_id, b.relationship_type
        LOOP
            IF EXISTS (SELECT FROM tenants t WHERE t.id = r.tenant_id) THEN
                PERFORM flexdb_count(r.tenant_id, 'relationships', flexdb_list_key(r.relationship_type),
                                     -r.total, -r.bytes);
            END IF;
        END LOOP;
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, relationship_type,
                                    source_node_id, target_node_id, actor, request_id,
                                    old_data, old_type, created_at, old_updated_at)
        SELECT b.tenant_id, 'r', 'd', b.id, b.version + 1, b.relationship_type, b.source_node_id,
               b.target_node_id, actor_of, request_of, b.data, b.relationship_type, b.created_at,
               b.updated_at
        FROM before b
        WHERE is_logged AND EXISTS (SELECT FROM tenants t WHERE t.id = b.tenant_id);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_changed_relationship() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    actor_of constant text := nullif(split_part(called, ' ', 1), '');
    request_of constant text := nullif(split_part(called, ' ', 2), '');
    is_another constant boolean := (OLD.tenant_id, OLD.id) <> (NEW.tenant_id, NEW.id);
BEGIN
    IF (OLD.tenant_id, OLD.relationship_type) <> (NEW.tenant_id, NEW.relationship_type) THEN
        PERFORM flexdb_count(OLD.tenant_id, 'relationships', flexdb_list_key(OLD.relationship_type), -1,
                             -OLD.size);
        PERFORM flexdb_count(NEW.tenant_id, 'relationships', flexdb_list_key(NEW.relationship_type), 1,
                             NEW.size);
    ELSIF OLD.size <> NEW.size THEN
        PERFORM flexdb_count(NEW.tenant_id, 'relationships', flexdb_nil(), 0, NEW.size - OLD.size);
    END IF;
    IF current_setting('flexdb.unlogged', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF is_another THEN
        -- To everyone else one is gone and another there.
        INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, relationship_type,
                                    source_node_id, target_node_id, actor, request_id,
                                    old_data, old_type, created_at, old_updated_at)
        VALUES (OLD.tenant_id, 'r', 'd', OLD.id, OLD.version + 1, OLD.relationship_type,
                OLD.source_node_id, OLD.target_node_id, actor_of, request_of, OLD.data,
                OLD.relationship_type, OLD.created_at, OLD.updated_at);
    END IF;
    INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, relationship_type,
                                source_node_id, target_node_id, actor, request_id,
                                old_data, old_type, created_at, old_updated_at)
    VALUES (NEW.tenant_id, 'r', CASE WHEN is_another THEN 'c' ELSE 'u' END, NEW.id, NEW.version,
            NEW.relationship_type, NEW.source_node_id, NEW.target_node_id, actor_of, request_of,
            CASE WHEN NOT is_another THEN OLD.data END,
            CASE WHEN NOT is_another THEN OLD.relationship_type END,
            CASE WHEN NOT is_another THEN OLD.created_at END,
            CASE WHEN NOT is_another THEN OLD.updated_at END);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_node_type() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    called constant text := current_setting('flexdb.caller', true);
    actor_of constant text := nullif(split_part(called, ' ', 1), '');
    request_of constant text := nullif(split_part(called, ' ', 2), '');
    is_logged constant boolean := current_setting('flexdb.unlogged', true) IS DISTINCT FROM 'on';
    is_same constant boolean := TG_OP = 'UPDATE' AND (OLD.tenant_id, OLD.id) = (NEW.tenant_id, NEW.id);
    was jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := jsonb_build_object('name', OLD.name, 'description', OLD.description,
                                  'schema', OLD.schema);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        -- What a type says of history holds for what comes after.
        PERFORM flexdb_heed_history(NEW.tenant_id, NEW.id, NEW.schema);
    END IF;
    IF is_same THEN
        IF OLD.size <> NEW.size THEN
            PERFORM flexdb_count(NEW.tenant_id, 'node_types', flexdb_nil(), 0, NEW.size - OLD.size);
        END IF;
        IF is_logged THEN
            INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor,
                                        request_id, old_data, created_at, old_updated_at)
            VALUES (NEW.tenant_id, 't', 'u', NEW.id, NEW.version, NEW.id, actor_of, request_of, was,
                    OLD.created_at, OLD.updated_at);
        END IF;
        RETURN NULL;
    END IF;
    -- Where the id or the tenant is another, to everyone else one is gone and another there. With its
    -- tenant, a type is forgotten.
    IF TG_OP <> 'INSERT' AND EXISTS (SELECT FROM tenants t WHERE t.id = OLD.tenant_id) THEN
        PERFORM flexdb_count(OLD.tenant_id, 'node_types', flexdb_nil(), -1, -OLD.size);
        IF is_logged THEN
            INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor,
                                        request_id, old_data, created_at, old_updated_at)
            VALUES (OLD.tenant_id, 't', 'd', OLD.id, OLD.version + 1, OLD.id, actor_of, request_of, was,
                    OLD.created_at, OLD.updated_at);
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM flexdb_count(NEW.tenant_id, 'node_types', flexdb_nil(), 1, NEW.size);
        IF is_logged THEN
            INSERT INTO flexdb_changes (tenant_id, kind, op, object_id, version, type_id, actor,
                                        request_id)
            VALUES (NEW.tenant_id, 't', 'c', NEW.id, NEW.version, NEW.id, actor_of, request_of);
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_members() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_tenant uuid;
    total bigint;
BEGIN
    FOR of_tenant, total IN
        SELECT c.tenant_id, count(*) FROM changed c GROUP BY c.tenant_id
    LOOP
        IF TG_OP = 'INSERT' THEN
            PERFORM flexdb_count(of_tenant, 'tenant_users', flexdb_nil(), total, 0);
        ELSIF EXISTS (SELECT FROM tenants t WHERE t.id = of_tenant) THEN
            PERFORM flexdb_count(of_tenant, 'tenant_users', flexdb_nil(), -total, 0);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_follow_moved_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM flexdb_count(OLD.tenant_id, 'tenant_users', flexdb_nil(), -1, 0);
    PERFORM flexdb_count(NEW.tenant_id, 'tenant_users', flexdb_nil(), 1, 0);
    RETURN NULL;
END $$;

-- Put these in the place of the triggers of 0005, 0008, 0019, 0021, 0024 and 0025, which call this where
-- they run again; the functions of those stay for the way back, and where a table is truncated.
CREATE OR REPLACE FUNCTION flexdb_follow_rows() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    was record;
BEGIN
    FOR was IN
        SELECT t.tgname AS name, t.tgrelid::regclass AS of_table
        FROM pg_trigger t
        WHERE t.tgrelid IN ('tenant_users'::regclass, 'node_types'::regclass, 'nodes'::regclass,
                            'relationships'::regclass)
          AND t.tgname IN ('flexdb_count_inserted', 'flexdb_count_deleted', 'flexdb_count_moved',
                           'flexdb_log_inserted', 'flexdb_log_deleted', 'flexdb_log_updated',
                           'flexdb_log_changed', 'flexdb_derive_deleted', 'flexdb_hold_contracts',
                           'flexdb_follow_inserted', 'flexdb_follow_updated')
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', was.name, was.of_table);
    END LOOP;
    CREATE OR REPLACE TRIGGER flexdb_follow_new AFTER INSERT ON nodes
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_new_nodes();
    CREATE OR REPLACE TRIGGER flexdb_follow_changed AFTER UPDATE ON nodes
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_changed_nodes();
    CREATE OR REPLACE TRIGGER flexdb_follow_deleted AFTER DELETE ON nodes
    REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_deleted_nodes();
    CREATE OR REPLACE TRIGGER flexdb_follow_new AFTER INSERT ON relationships
    REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_new_relationships();
    CREATE OR REPLACE TRIGGER flexdb_follow_changed AFTER UPDATE ON relationships
    FOR EACH ROW EXECUTE FUNCTION flexdb_follow_changed_relationship();
    CREATE OR REPLACE TRIGGER flexdb_follow_deleted AFTER DELETE ON relationships
    REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_deleted_relationships();
    CREATE OR REPLACE TRIGGER flexdb_follow_row AFTER INSERT OR UPDATE OR DELETE ON node_types
    FOR EACH ROW EXECUTE FUNCTION flexdb_follow_node_type();
    CREATE OR REPLACE TRIGGER flexdb_follow_new AFTER INSERT ON tenant_users
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_members();
    CREATE OR REPLACE TRIGGER flexdb_follow_deleted AFTER DELETE ON tenant_users
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_members();
    CREATE OR REPLACE TRIGGER flexdb_follow_moved AFTER UPDATE ON tenant_users FOR EACH ROW
    WHEN (OLD.tenant_id <> NEW.tenant_id) EXECUTE FUNCTION flexdb_follow_moved_member();
END $$;

DO $$ BEGIN PERFORM flexdb_follow_rows(); END $$;
