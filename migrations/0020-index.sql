-- Ranges and sorts of members: for each node whose type declares members with x-index, what a list is
-- sorted by at each of them, in an order of its own.
-- depends: 0019-relationship-types

-- With the type its rows go too, by flexdb_fill_index.
CREATE TABLE IF NOT EXISTS flexdb_index (
    tenant_id uuid NOT NULL,
    node_type_id uuid NOT NULL,
    -- The code of the rule: its text would be in every entry.
    rule uuid NOT NULL,
    node_id uuid NOT NULL,
    rank smallint NOT NULL,
    number numeric NOT NULL,
    text text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, node_type_id, node_id, rule, rank)
);
CREATE INDEX IF NOT EXISTS flexdb_index_order
ON flexdb_index (tenant_id, node_type_id, rule, rank, number, text, node_id);

-- The rules of types that have many nodes, of which not all are in the index yet, and how far it is.
CREATE TABLE IF NOT EXISTS flexdb_index_builds (
    tenant_id uuid NOT NULL,
    node_type_id uuid NOT NULL,
    rule text NOT NULL,
    -- The last node that is in it, by their ids.
    node_id uuid NOT NULL,
    nodes bigint NOT NULL,
    PRIMARY KEY (tenant_id, node_type_id, rule)
);

CREATE OR REPLACE FUNCTION flexdb_index_code(rule text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT encode(substr(sha256(convert_to(rule, 'UTF8')), 1, 16), 'hex')::uuid
$$;

-- What a list is sorted by at a path, as flexdb/query/sorts.py has it. What is missing comes last in
-- both directions, so it is at both ends, and a walk reads one of them.
CREATE OR REPLACE FUNCTION flexdb_index_keys(data jsonb, path text[])
RETURNS TABLE (rank smallint, number numeric, text text) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT r.rank::smallint,
           CASE v.kind
               WHEN 'number' THEN greatest(-1e340::numeric, least(1e340::numeric,
                   CASE WHEN scale(v.text::numeric) > 340 THEN round(v.text::numeric, 340)
                        ELSE v.text::numeric END))
               ELSE 0
           END,
           CASE v.kind WHEN 'string' THEN left(v.text, 128) ELSE '' END
    FROM (SELECT jsonb_typeof(data #> path) AS kind, data #>> path AS text) v
    CROSS JOIN LATERAL unnest(CASE v.kind
        WHEN 'null' THEN ARRAY[0]
        WHEN 'boolean' THEN ARRAY[CASE v.text WHEN 'false' THEN 1 ELSE 2 END]
        WHEN 'number' THEN ARRAY[3]
        WHEN 'string' THEN ARRAY[4]
        WHEN 'array' THEN ARRAY[5]
        WHEN 'object' THEN ARRAY[5]
        ELSE ARRAY[-1, 6]
    END) r (rank)
$$;

-- What is to be in the index of a node; a subquery, so that it is looked up for each node.
CREATE OR REPLACE FUNCTION flexdb_index_rows(of_tenant uuid, of_type uuid, of_node uuid, data jsonb)
RETURNS SETOF flexdb_index LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT of_tenant, of_type, flexdb_index_code(d.rule), of_node, k.rank, k.number, k.text
    FROM flexdb_declarations d
    CROSS JOIN LATERAL flexdb_index_keys(data, d.paths[1]::text[]) k
    WHERE d.tenant_id = of_tenant AND d.node_type_id = of_type AND d.kind = 'index';
END $$;

-- Make what is in the index of a node what its data says; NULL where it is gone.
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

-- Make the rows of a type what its rules say, once these are others. Where it has many nodes that
-- would take long, and all who write to it would wait: so it is left to flexdb_build_index.
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

-- Put so many more nodes of a type into the index of a rule, by their ids, and return how many; the
-- rule is ready where there is none more.
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

CREATE OR REPLACE FUNCTION flexdb_forget_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM flexdb_index i;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_forget_index AFTER TRUNCATE ON nodes
FOR EACH STATEMENT EXECUTE FUNCTION flexdb_forget_index();

-- What types say that are there already.
DO $$ BEGIN PERFORM flexdb_declare_types('%"x-index"%'); END $$;
