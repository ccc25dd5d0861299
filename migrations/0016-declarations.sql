-- What the schemas of node types declare of members by keywords of ours (x-unique, and x-search and
-- x-index where a later migration brings what keeps them), and what follows from it for their nodes:
-- rows derived by triggers, so that whoever writes obeys, COPY and other programs too.
-- depends: 0015-usage

LOCK TABLE node_types, nodes IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE IF NOT EXISTS flexdb_declarations (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- With the type its rows go by a trigger.
    node_type_id uuid NOT NULL,
    -- The keyword without its x-.
    kind text NOT NULL,
    -- The paths of its members as JSON, by which it is known: [["email"]].
    rule text NOT NULL,
    -- Each of them as the text of an array.
    paths text[] NOT NULL,
    -- What the top of the schema says of the kind: of x-search-language, language.
    options jsonb NOT NULL,
    PRIMARY KEY (tenant_id, node_type_id, kind, rule)
);

-- Which node has a value that only one may have. With the type its rows go too, by a trigger: a
-- foreign key would look for what it refers to once more for each node.
CREATE TABLE IF NOT EXISTS flexdb_unique (
    tenant_id uuid NOT NULL,
    node_type_id uuid NOT NULL,
    rule text NOT NULL,
    hash uuid NOT NULL,
    node_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, node_type_id, rule, hash)
);

-- The names in a path as it is written in a filter, below data; NULL where it is none.
CREATE OR REPLACE FUNCTION flexdb_parts(path text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    -- Longer ones have more in them than a rule may have.
    IF length(path) > 4000 OR path !~ '^("([^"\\]|\\.)*"|[^."][^.]*)(\.("([^"\\]|\\.)*"|[^."][^.]*))*$' THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(
        SELECT CASE WHEN starts_with(part[1], '"') THEN part[1]::jsonb #>> '{}' ELSE part[1] END
        FROM regexp_matches(path, '("(?:[^"\\]|\\.)*"|[^."][^.]*)(?:\.|$)', 'g') part);
EXCEPTION WHEN data_exception THEN
    -- A quoted name is no string of JSON.
    RETURN NULL;
END $$;

-- The members of a rule as they are written in a filter.
CREATE OR REPLACE FUNCTION flexdb_members(rule text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(
        SELECT 'data' || string_agg(
            '.' || CASE WHEN part.name ~ '^[^."][^.]*$' THEN part.name
                        ELSE to_json(part.name)::text END, '' ORDER BY part.place)
        FROM jsonb_array_elements(rule::jsonb) WITH ORDINALITY p (path, place)
        CROSS JOIN LATERAL jsonb_array_elements_text(p.path) WITH ORDINALITY part (name, place)
        GROUP BY p.place
        ORDER BY p.place)
$$;

-- The rules that a schema declares, as far as they can be understood: what stored it may have been
-- another program. The service refuses the rest, and has the same limits.
CREATE OR REPLACE FUNCTION flexdb_declared(schema jsonb)
RETURNS TABLE (kind text, rule text, paths text[], options jsonb)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH RECURSIVE members (path, schema) AS (
        SELECT ARRAY[]::text[], schema
        WHERE jsonb_typeof(schema) = 'object'
        UNION ALL
        SELECT m.path || p.name, p.schema
        FROM members m
        CROSS JOIN jsonb_each(CASE jsonb_typeof(m.schema -> 'properties')
            WHEN 'object' THEN m.schema -> 'properties' ELSE '{}' END) p (name, schema)
        WHERE jsonb_typeof(p.schema) = 'object' AND cardinality(m.path) < 20
    ), found (kind, rule, paths) AS (
        SELECT k.kind, jsonb_build_array(m.path)::text, ARRAY[m.path::text]
        FROM members m
        CROSS JOIN (VALUES ('unique'), ('search'), ('index')) k (kind)
        WHERE cardinality(m.path) > 0 AND m.schema -> concat('x-', k.kind) = 'true'
        UNION
        SELECT 'unique', jsonb_agg(e.path ORDER BY e.place)::text,
               array_agg(e.path::text ORDER BY e.place)
        FROM jsonb_array_elements(CASE jsonb_typeof(schema -> 'x-unique')
            WHEN 'array' THEN schema -> 'x-unique' ELSE '[]' END)
            WITH ORDINALITY l (listed, number)
        CROSS JOIN LATERAL (
            SELECT flexdb_parts(t.path) AS path, t.place
            FROM jsonb_array_elements_text(CASE jsonb_typeof(l.listed)
                WHEN 'array' THEN l.listed ELSE '[]' END) WITH ORDINALITY t (path, place)) e
        GROUP BY l.number
        HAVING bool_and(e.path IS NOT NULL)
    )
    SELECT f.kind, f.rule, f.paths, coalesce((
        SELECT jsonb_object_agg(substr(o.name, length(f.kind) + 4), o.value)
        FROM jsonb_each(schema) o (name, value)
        WHERE starts_with(o.name, concat('x-', f.kind, '-'))), '{}')
    FROM found f
    -- It is a part of keys, and those have a limit.
    WHERE octet_length(f.rule) <= 2000
    ORDER BY f.kind, f.rule
    LIMIT 64
$$;

-- What is equal as jsonb has one hash: numbers of one value are one, however they are written. It is
-- NULL where a member is absent or null. Of different values two have one hash after some 2^64 of
-- them; the second would be refused.
CREATE OR REPLACE FUNCTION flexdb_unique_hash(data jsonb, paths text[]) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    path text;
    value jsonb;
    values text := '';
BEGIN
    FOREACH path IN ARRAY paths LOOP
        value := data #> path::text[];
        IF coalesce(value, 'null') = 'null' THEN
            RETURN NULL;
        END IF;
        -- JSON has no line break inside.
        values := values || E'\n' || CASE jsonb_typeof(value)
            WHEN 'string' THEN value::text
            WHEN 'number' THEN trim_scale(value::numeric)::text
            ELSE regexp_replace(value::text, '("(?:[^"\\]|\\.)*")|(\.[0-9]*[1-9])0+\M|\.0+\M',
                                '\1\2', 'g')
        END;
    END LOOP;
    RETURN encode(substr(sha256(convert_to(values, 'UTF8')), 1, 16), 'hex')::uuid;
END $$;

-- Say which nodes have what another has: a list of {"members", "id", "other"}.
CREATE OR REPLACE FUNCTION flexdb_refuse(clashes jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE unique_violation USING
        MESSAGE = 'what is to be unique is there already: constraint "flexdb_unique_pkey"',
        DETAIL = clashes::text, CONSTRAINT = 'flexdb_unique_pkey';
END $$;

-- Make the rows of a type in flexdb_unique what its rules say, once these are others.
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

-- Note what a type declares, and let each kind make of the type's nodes what follows where its rules
-- are others than before: by flexdb_fill_unique or its like, of the migration that knows the kind.
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

CREATE OR REPLACE FUNCTION flexdb_declare_type() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- Before its nodes go, for which there is then nothing to do.
        PERFORM flexdb_declare(OLD.tenant_id, OLD.id, NULL);
        RETURN OLD;
    END IF;
    PERFORM flexdb_declare(NEW.tenant_id, NEW.id, NEW.schema);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_declare_created AFTER INSERT ON node_types FOR EACH ROW
WHEN (NEW.schema::text LIKE '%"x-%') EXECUTE FUNCTION flexdb_declare_type();
CREATE OR REPLACE TRIGGER flexdb_declare_changed AFTER UPDATE ON node_types FOR EACH ROW
WHEN (OLD.schema::text LIKE '%"x-%' OR NEW.schema::text LIKE '%"x-%')
EXECUTE FUNCTION flexdb_declare_type();
CREATE OR REPLACE TRIGGER flexdb_declare_deleted BEFORE DELETE ON node_types FOR EACH ROW
WHEN (OLD.schema::text LIKE '%"x-%') EXECUTE FUNCTION flexdb_declare_type();

-- What a node has that only one may have; a subquery, so that it is looked up for each node.
CREATE OR REPLACE FUNCTION flexdb_entries(of_tenant uuid, of_type uuid, of_node uuid, data jsonb)
RETURNS SETOF flexdb_unique LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT of_tenant, of_type, d.rule, flexdb_unique_hash(data, d.paths) AS hash, of_node
    FROM flexdb_declarations d
    WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'unique';
END $$;

-- Enter what only one may have, and return which other has it; NULL where there is none.
CREATE OR REPLACE FUNCTION flexdb_enter(
    of_tenant uuid, of_type uuid, of_rule text, of_hash uuid, of_node uuid) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    other uuid;
BEGIN
    INSERT INTO flexdb_unique (tenant_id, node_type_id, rule, hash, node_id)
    VALUES (of_tenant, of_type, of_rule, of_hash, of_node)
    ON CONFLICT (tenant_id, node_type_id, rule, hash) DO NOTHING;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT u.node_id INTO other
    FROM flexdb_unique u
    WHERE u.tenant_id = of_tenant AND u.node_type_id = of_type AND u.rule = of_rule
      AND u.hash = of_hash;
    IF other = of_node THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('members', flexdb_members(of_rule), 'id', of_node, 'other', other);
END $$;

CREATE OR REPLACE FUNCTION flexdb_leave(
    of_tenant uuid, of_type uuid, of_rule text, of_hash uuid, of_node uuid) RETURNS void
LANGUAGE sql AS $$
    DELETE FROM flexdb_unique u
    WHERE u.tenant_id = of_tenant AND u.node_type_id = of_type AND u.rule = of_rule
      AND u.hash = of_hash AND u.node_id = of_node
$$;

-- For each way to write nodes, what follows from it. A kind that a later migration brings has a
-- function flexdb_derive_search or its like, which makes the rows of one node anew; where data is NULL
-- it has none. What is unique comes in one order, so that two who write many nodes do not wait in a
-- circle.
CREATE OR REPLACE FUNCTION flexdb_derive_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kinds text[] := ARRAY(
        SELECT k.kind
        FROM after n
        CROSS JOIN LATERAL (
            SELECT d.kind
            FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id
            OFFSET 0
        ) k);
BEGIN
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

-- What follows from it that a node is no longer there, or no longer of its type.
CREATE OR REPLACE FUNCTION flexdb_derive_gone(of_tenant uuid, of_type uuid, of_node uuid, data jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kinds constant text[] := ARRAY(
        SELECT d.kind
        FROM flexdb_declarations d
        WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type);
BEGIN
    IF 'unique' = ANY (kinds) THEN
        PERFORM flexdb_leave(e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id)
        FROM flexdb_entries(of_tenant, of_type, of_node, data) e
        WHERE e.hash IS NOT NULL;
    END IF;
    IF 'search' = ANY (kinds) THEN
        PERFORM flexdb_derive_search(of_tenant, of_type, of_node, NULL);
    END IF;
    IF 'index' = ANY (kinds) THEN
        PERFORM flexdb_derive_index(of_tenant, of_type, of_node, NULL);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_derive_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT k.kind
        FROM before n
        CROSS JOIN LATERAL (
            SELECT d.kind
            FROM flexdb_declarations d
            WHERE d.tenant_id = n.tenant_id AND d.node_type_id = n.node_type_id
            OFFSET 0
        ) k)
    THEN
        PERFORM flexdb_derive_gone(n.tenant_id, n.node_type_id, n.id, n.data)
        FROM (SELECT n.tenant_id, n.node_type_id, n.id, n.data FROM before n ORDER BY n.id) n;
    END IF;
    RETURN NULL;
END $$;

-- By row, since most updates are of one row, and most of these leave alone what is unique.
CREATE OR REPLACE FUNCTION flexdb_derive_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_moved constant boolean := (OLD.tenant_id, OLD.node_type_id, OLD.id)
        IS DISTINCT FROM (NEW.tenant_id, NEW.node_type_id, NEW.id);
    kinds constant text[] := ARRAY(
        SELECT d.kind
        FROM flexdb_declarations d
        WHERE d.tenant_id = NEW.tenant_id AND d.node_type_id = NEW.node_type_id);
    rules text[] := '{}';
BEGIN
    IF is_moved THEN
        -- It has left what it was.
        PERFORM flexdb_derive_gone(OLD.tenant_id, OLD.node_type_id, OLD.id, OLD.data);
    END IF;
    IF kinds = '{}' THEN
        RETURN NULL;
    END IF;
    IF 'unique' = ANY (kinds) THEN
        rules := ARRAY(
            SELECT d.rule
            FROM flexdb_declarations d
            WHERE d.tenant_id = NEW.tenant_id AND d.node_type_id = NEW.node_type_id
              AND d.kind = 'unique' AND (is_moved OR flexdb_unique_hash(OLD.data, d.paths)
                                         IS DISTINCT FROM flexdb_unique_hash(NEW.data, d.paths))
            ORDER BY d.rule);
    END IF;
    IF rules <> '{}' THEN
        PERFORM flexdb_leave(e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id)
        FROM flexdb_entries(NEW.tenant_id, NEW.node_type_id, NEW.id, OLD.data) e
        WHERE e.rule = ANY (rules) AND e.hash IS NOT NULL AND NOT is_moved;
        PERFORM flexdb_refuse(jsonb_agg(c.clash))
        FROM (
            SELECT flexdb_enter(e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id) AS clash
            FROM (
                SELECT e.tenant_id, e.node_type_id, e.rule, e.hash, e.node_id
                FROM flexdb_entries(NEW.tenant_id, NEW.node_type_id, NEW.id, NEW.data) e
                WHERE e.rule = ANY (rules) AND e.hash IS NOT NULL
                ORDER BY e.rule
            ) e
        ) c
        WHERE c.clash IS NOT NULL
        HAVING count(*) > 0;
    END IF;
    IF 'search' = ANY (kinds) THEN
        PERFORM flexdb_derive_search(NEW.tenant_id, NEW.node_type_id, NEW.id, NEW.data);
    END IF;
    IF 'index' = ANY (kinds) THEN
        PERFORM flexdb_derive_index(NEW.tenant_id, NEW.node_type_id, NEW.id, NEW.data);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_derive_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM flexdb_unique u;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_derive_inserted AFTER INSERT ON nodes
REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION flexdb_derive_inserted();
CREATE OR REPLACE TRIGGER flexdb_derive_updated AFTER UPDATE ON nodes FOR EACH ROW
WHEN ((OLD.tenant_id, OLD.node_type_id, OLD.id, OLD.data)
      IS DISTINCT FROM (NEW.tenant_id, NEW.node_type_id, NEW.id, NEW.data))
EXECUTE FUNCTION flexdb_derive_updated();
CREATE OR REPLACE TRIGGER flexdb_derive_deleted AFTER DELETE ON nodes
REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION flexdb_derive_deleted();
CREATE OR REPLACE TRIGGER flexdb_derive_truncated AFTER TRUNCATE ON nodes
FOR EACH STATEMENT EXECUTE FUNCTION flexdb_derive_truncated();

-- Note what types say that are there already, whose schemas look so. Where nodes clash with it they
-- stay as they are, and the rules hold once update_node_type is given the schema again.
CREATE OR REPLACE FUNCTION flexdb_declare_types(pattern text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    nt record;
BEGIN
    FOR nt IN
        SELECT o.tenant_id, o.id, o.schema FROM node_types o WHERE o.schema::text LIKE pattern
    LOOP
        BEGIN
            PERFORM flexdb_declare(nt.tenant_id, nt.id, nt.schema);
        EXCEPTION WHEN unique_violation THEN
            RAISE WARNING 'nodes of type % have what its x-unique lets one have: %', nt.id, SQLERRM;
        END;
    END LOOP;
END $$;

DO $$ BEGIN PERFORM flexdb_declare_types('%"x-%'); END $$;

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
