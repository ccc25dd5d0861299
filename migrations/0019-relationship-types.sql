-- Relationship types with a contract: which nodes a relationship of that name may lead from and to, how
-- many there may be of it, and what becomes of it with its nodes. Triggers hold it, whoever writes; a
-- relationship whose type has none here is free.
-- depends: 0018-search

LOCK TABLE tenants, tenant_users, node_types, nodes, relationships IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE IF NOT EXISTS flexdb_relationship_types (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    -- What relationships have as their relationship_type.
    name text NOT NULL,
    description text,
    -- NULL stands for all; of a node type that is deleted, the id goes.
    source_node_type_ids uuid[],
    target_node_type_ids uuid[],
    -- Sources to targets: with n:1 a source has one target.
    cardinality text NOT NULL DEFAULT 'n:m',
    unique_pair boolean NOT NULL DEFAULT false,
    acyclic boolean NOT NULL DEFAULT false,
    on_delete text NOT NULL DEFAULT 'cascade',
    schema jsonb,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT flexdb_relationship_types_name UNIQUE (tenant_id, name),
    CONSTRAINT flexdb_relationship_types_cardinality
        CHECK (cardinality IN ('n:m', 'n:1', '1:n', '1:1')),
    CONSTRAINT flexdb_relationship_types_on_delete CHECK (on_delete IN ('cascade', 'restrict'))
);

CREATE INDEX IF NOT EXISTS flexdb_relationship_types_page
ON flexdb_relationship_types (tenant_id, created_at DESC, id DESC);

-- What may not come twice, of each relationship whose type says so; what is NULL may. With the
-- relationship it goes by a trigger: a foreign key would keep 0002 from making the key of relationships
-- anew where it runs again, and take as long.
CREATE TABLE IF NOT EXISTS flexdb_relationship_keys (
    tenant_id uuid NOT NULL,
    relationship_id uuid NOT NULL,
    relationship_type_id uuid NOT NULL,
    only_source uuid,
    only_target uuid,
    pair_source uuid,
    pair_target uuid,
    PRIMARY KEY (tenant_id, relationship_id),
    CONSTRAINT flexdb_relationship_keys_type_fkey FOREIGN KEY (tenant_id, relationship_type_id)
        REFERENCES flexdb_relationship_types (tenant_id, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX IF NOT EXISTS flexdb_relationship_keys_source
ON flexdb_relationship_keys (tenant_id, relationship_type_id, only_source)
WHERE only_source IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS flexdb_relationship_keys_target
ON flexdb_relationship_keys (tenant_id, relationship_type_id, only_target)
WHERE only_target IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS flexdb_relationship_keys_pair
ON flexdb_relationship_keys (tenant_id, relationship_type_id, pair_source, pair_target)
WHERE pair_source IS NOT NULL;

DROP POLICY IF EXISTS flexdb_tenant ON flexdb_relationship_types;
CREATE POLICY flexdb_tenant ON flexdb_relationship_types
USING (tenant_id = (SELECT nullif(current_setting('flexdb.tenant_id', true), '')::uuid));

-- Who writes relationships of a tenant shares this lock, and who changes a contract has it alone: so
-- none is written that an older contract allowed, and each is there to be looked at.
CREATE OR REPLACE FUNCTION flexdb_contracts_lock(of_tenant uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hashtextextended('contracts', 0) # hashtextextended(of_tenant::text, 0)
$$;

-- The write that the schema of a type comes from, which stays until the transaction ends; empty where
-- there is none.
CREATE OR REPLACE FUNCTION flexdb_relationship_schema(of_tenant uuid, of_type text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(flexdb_contracts_lock(of_tenant));
    RETURN coalesce((
        SELECT concat(rt.id, ' ', rt.version, ' ', rt.updated_at, ' ', rt.xmin)
        FROM flexdb_relationship_types rt
        WHERE rt.tenant_id = of_tenant AND rt.name = of_type AND rt.schema IS NOT NULL
    ), '');
END $$;

-- Whether of the relationships of a type some lead from one node to another; NULL where more than
-- 10,000 nodes are to be looked at from either end.
CREATE OR REPLACE FUNCTION flexdb_leads_to(of_tenant uuid, of_type text, from_node uuid, to_node uuid)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    most constant integer := 10000;
    looked_at bigint;
    is_found boolean;
BEGIN
    -- OFFSET lets no plan read more than what hangs on these nodes.
    WITH RECURSIVE reached (id) AS (
        SELECT from_node
        UNION
        SELECT e.id
        FROM reached w
        CROSS JOIN LATERAL (
            SELECT r.target_node_id AS id
            FROM relationships r
            WHERE r.tenant_id = of_tenant AND r.source_node_id = w.id
              AND r.relationship_type = of_type
            OFFSET 0
        ) e
    )
    SELECT count(*), coalesce(bool_or(w.id = to_node), false)
    INTO looked_at, is_found
    FROM (SELECT w.id FROM reached w LIMIT most + 1) w;
    IF is_found OR looked_at <= most THEN
        RETURN is_found;
    END IF;
    WITH RECURSIVE reached (id) AS (
        SELECT to_node
        UNION
        SELECT e.id
        FROM reached w
        CROSS JOIN LATERAL (
            SELECT r.source_node_id AS id
            FROM relationships r
            WHERE r.tenant_id = of_tenant AND r.target_node_id = w.id
              AND r.relationship_type = of_type
            OFFSET 0
        ) e
    )
    SELECT count(*), coalesce(bool_or(w.id = from_node), false)
    INTO looked_at, is_found
    FROM (SELECT w.id FROM reached w LIMIT most + 1) w;
    RETURN CASE WHEN is_found OR looked_at <= most THEN is_found END;
END $$;

-- What of its contract a relationship that is written breaks; NULL for nothing, and then its keys are
-- taken.
CREATE OR REPLACE FUNCTION flexdb_contract_breach(
    contract flexdb_relationship_types, of_id uuid, source uuid, target uuid)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    has_one_target constant boolean := contract.cardinality IN ('n:1', '1:1');
    has_one_source constant boolean := contract.cardinality IN ('1:n', '1:1');
    taken text;
BEGIN
    IF contract.source_node_type_ids IS NOT NULL AND NOT EXISTS (
        SELECT FROM nodes n
        WHERE n.tenant_id = contract.tenant_id AND n.id = source
          AND n.node_type_id = ANY (contract.source_node_type_ids)) THEN
        RETURN 'source_type';
    END IF;
    IF contract.target_node_type_ids IS NOT NULL AND NOT EXISTS (
        SELECT FROM nodes n
        WHERE n.tenant_id = contract.tenant_id AND n.id = target
          AND n.node_type_id = ANY (contract.target_node_type_ids)) THEN
        RETURN 'target_type';
    END IF;
    IF has_one_target OR has_one_source OR contract.unique_pair THEN
        INSERT INTO flexdb_relationship_keys (tenant_id, relationship_id, relationship_type_id,
                                              only_source, only_target, pair_source, pair_target)
        VALUES (contract.tenant_id, of_id, contract.id, CASE WHEN has_one_target THEN source END,
                CASE WHEN has_one_source THEN target END,
                CASE WHEN contract.unique_pair THEN source END,
                CASE WHEN contract.unique_pair THEN target END)
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT CASE WHEN k.only_source = source THEN 'source_taken'
                        WHEN k.only_target = target THEN 'target_taken'
                        ELSE 'pair_taken' END
            INTO taken
            FROM flexdb_relationship_keys k
            WHERE k.tenant_id = contract.tenant_id AND k.relationship_type_id = contract.id
              AND (k.only_source = source OR k.only_target = target
                   OR k.pair_source = source AND k.pair_target = target)
            LIMIT 1;
            IF taken IS NULL THEN
                RAISE serialization_failure
                USING MESSAGE = 'a relationship that was in the way is gone by now';
            END IF;
            RETURN taken;
        END IF;
    END IF;
    IF contract.acyclic THEN
        RETURN CASE WHEN source = target THEN 'cycle'
                    ELSE CASE flexdb_leads_to(contract.tenant_id, contract.name, target, source)
                         WHEN true THEN 'cycle' WHEN false THEN NULL ELSE 'too_far' END END;
    END IF;
    RETURN NULL;
END $$;

-- Refuse a relationship that breaks its contract. The constraint says what it breaks, the detail which
-- it is, the hint which node types there may be, and the column, where one that is there was changed,
-- what was.
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

-- Where walks look for circles, no relationship of the type is written meanwhile.
CREATE OR REPLACE FUNCTION flexdb_lock_acyclic(contract flexdb_relationship_types) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF contract.acyclic THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('acyclic ' || contract.name, 0)
                                      # hashtextextended(contract.tenant_id::text, 0));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION flexdb_hold_contracts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tenants constant uuid[] := ARRAY(SELECT DISTINCT c.tenant_id FROM changed c ORDER BY 1);
    of_tenant uuid;
    contract flexdb_relationship_types;
BEGIN
    FOREACH of_tenant IN ARRAY tenants LOOP
        PERFORM pg_advisory_xact_lock_shared(flexdb_contracts_lock(of_tenant));
    END LOOP;
    IF NOT EXISTS (SELECT FROM flexdb_relationship_types rt WHERE rt.tenant_id = ANY (tenants)) THEN
        -- Of most statements the tenant has none.
        RETURN NULL;
    END IF;
    FOR contract IN
        SELECT (rt.whole).*
        FROM (SELECT DISTINCT c.tenant_id, c.relationship_type FROM changed c) c
        CROSS JOIN LATERAL (
            SELECT rt AS whole
            FROM flexdb_relationship_types rt
            WHERE rt.tenant_id = c.tenant_id AND rt.name = c.relationship_type
            OFFSET 0
        ) rt
        ORDER BY c.tenant_id, c.relationship_type
    LOOP
        PERFORM flexdb_lock_acyclic(contract);
        PERFORM flexdb_refuse_breach(contract, c.id, c.source_node_id, c.target_node_id)
        FROM changed c
        WHERE c.tenant_id = contract.tenant_id AND c.relationship_type = contract.name;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION flexdb_hold_contract() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    contract flexdb_relationship_types;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(flexdb_contracts_lock(NEW.tenant_id));
    DELETE FROM flexdb_relationship_keys k
    WHERE k.tenant_id = OLD.tenant_id AND k.relationship_id = OLD.id;
    FOR contract IN
        SELECT (rt.whole).*
        FROM (
            SELECT rt AS whole
            FROM flexdb_relationship_types rt
            WHERE rt.tenant_id = NEW.tenant_id AND rt.name = NEW.relationship_type
        ) rt
    LOOP
        PERFORM flexdb_lock_acyclic(contract);
        PERFORM flexdb_refuse_breach(contract, NEW.id, NEW.source_node_id, NEW.target_node_id,
                                     CASE WHEN NEW.relationship_type <> OLD.relationship_type
                                          THEN 'relationship_type' ELSE '' END);
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_hold_contracts AFTER INSERT ON relationships
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_hold_contracts();
CREATE OR REPLACE TRIGGER flexdb_hold_contract AFTER UPDATE ON relationships FOR EACH ROW
WHEN ((OLD.tenant_id, OLD.id, OLD.relationship_type, OLD.source_node_id, OLD.target_node_id)
      IS DISTINCT FROM
      (NEW.tenant_id, NEW.id, NEW.relationship_type, NEW.source_node_id, NEW.target_node_id))
EXECUTE FUNCTION flexdb_hold_contract();

CREATE OR REPLACE FUNCTION flexdb_forget_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM flexdb_relationship_keys k;
    ELSE
        DELETE FROM flexdb_relationship_keys k
        WHERE k.tenant_id = OLD.tenant_id AND k.relationship_id = OLD.id;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_forget_keys AFTER DELETE ON relationships
FOR EACH ROW EXECUTE FUNCTION flexdb_forget_keys();
CREATE OR REPLACE TRIGGER flexdb_forget_keys_truncated AFTER TRUNCATE ON relationships
FOR EACH STATEMENT EXECUTE FUNCTION flexdb_forget_keys();

-- A node is kept by what leads to it from a node that stays.
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

-- Where a node takes its relationships along, and no trigger deleted the node.
CREATE OR REPLACE TRIGGER flexdb_restrict_deletion AFTER DELETE ON relationships FOR EACH ROW
WHEN (pg_trigger_depth() = 1) EXECUTE FUNCTION flexdb_restrict_deletion();

-- Hold a contract that is new or another against what is there. What breaks it, up to 100
-- relationships, stands in the error's detail.
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

CREATE OR REPLACE TRIGGER flexdb_bind_contract AFTER INSERT ON flexdb_relationship_types
FOR EACH ROW EXECUTE FUNCTION flexdb_bind_contract();
-- Of a node type that is deleted no nodes are left to be looked at.
CREATE OR REPLACE TRIGGER flexdb_bind_changed_contract AFTER UPDATE ON flexdb_relationship_types
FOR EACH ROW
WHEN (pg_trigger_depth() = 0
      AND (OLD.name, OLD.source_node_type_ids, OLD.target_node_type_ids, OLD.cardinality,
           OLD.unique_pair, OLD.acyclic)
      IS DISTINCT FROM
      (NEW.name, NEW.source_node_type_ids, NEW.target_node_type_ids, NEW.cardinality,
       NEW.unique_pair, NEW.acyclic))
EXECUTE FUNCTION flexdb_bind_contract();
CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON flexdb_relationship_types
FOR EACH ROW WHEN (NEW.version = OLD.version) EXECUTE FUNCTION flexdb_raise_version();

-- No contract names a node type that is deleted, nor keeps its nodes: what leads to them goes first.
CREATE OR REPLACE FUNCTION flexdb_forget_node_type() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE flexdb_relationship_types rt
    SET source_node_type_ids = array_remove(rt.source_node_type_ids, OLD.id),
        target_node_type_ids = array_remove(rt.target_node_type_ids, OLD.id),
        updated_at = clock_timestamp()
    WHERE rt.tenant_id = OLD.tenant_id
      AND (OLD.id = ANY (rt.source_node_type_ids) OR OLD.id = ANY (rt.target_node_type_ids))
      -- With its tenant all go.
      AND EXISTS (SELECT FROM tenants t WHERE t.id = OLD.tenant_id);
    IF EXISTS (SELECT FROM flexdb_relationship_types rt
               WHERE rt.tenant_id = OLD.tenant_id AND rt.on_delete = 'restrict') THEN
        -- The nodes first, as everywhere.
        PERFORM FROM nodes n
        WHERE n.tenant_id = OLD.tenant_id AND n.node_type_id = OLD.id
        ORDER BY n.id
        FOR UPDATE;
        DELETE FROM relationships r
        USING nodes n, flexdb_relationship_types rt
        WHERE n.tenant_id = OLD.tenant_id AND n.node_type_id = OLD.id
          AND r.tenant_id = OLD.tenant_id AND r.target_node_id = n.id
          AND rt.tenant_id = OLD.tenant_id AND rt.name = r.relationship_type
          AND rt.on_delete = 'restrict';
    END IF;
    RETURN OLD;
END $$;

CREATE OR REPLACE TRIGGER flexdb_forget_node_type BEFORE DELETE ON node_types
FOR EACH ROW EXECUTE FUNCTION flexdb_forget_node_type();

-- A node of a type that says x-user, and has the id of a user, stands for that member, and goes along.
CREATE OR REPLACE FUNCTION flexdb_forget_member() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named constant text := current_setting('flexdb.tenant_id', true);
BEGIN
    -- Who deletes a user names no tenant, and row security shows its nodes to who does.
    PERFORM set_config('flexdb.tenant_id', OLD.tenant_id::text, true);
    DELETE FROM nodes n
    USING node_types nt
    WHERE n.tenant_id = OLD.tenant_id AND n.id = OLD.user_id
      AND nt.tenant_id = OLD.tenant_id AND nt.id = n.node_type_id
      AND nt.schema -> 'x-user' = 'true';
    PERFORM set_config('flexdb.tenant_id', coalesce(named, ''), true);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_forget_member AFTER DELETE ON tenant_users
FOR EACH ROW EXECUTE FUNCTION flexdb_forget_member();

-- Where this runs again, the triggers that a later migration puts in the place of some of these stay.
DO $$
BEGIN
    IF to_regprocedure('flexdb_follow_rows()') IS NOT NULL THEN
        PERFORM flexdb_follow_rows();
    END IF;
END $$;
