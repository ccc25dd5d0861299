-- Begin every key of a tenant's row with tenant_id, so that the database itself refuses a node or
-- an edge that points into another tenant. A database of the original flex-db is adopted here.
-- depends: 0001-tables

LOCK TABLE tenants, users, tenant_users, node_types, nodes, relationships
IN ACCESS EXCLUSIVE MODE;

-- Name the rows that the keys below cannot accept and stop, before anything is changed.
DO $$
DECLARE
    total bigint;
    listed text;
BEGIN
    WITH stray (what) AS (
        SELECT format('node_type %s: tenant %s', nt.id, coalesce(nt.tenant_id::text, 'is null'))
        FROM node_types nt
        WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = nt.tenant_id)
        UNION ALL
        SELECT format('node %s of tenant %s: node_type_id %s is of tenant %s',
                      n.id, n.tenant_id, n.node_type_id,
                      (SELECT nt.tenant_id FROM node_types nt WHERE nt.id = n.node_type_id LIMIT 1))
        FROM nodes n
        WHERE NOT EXISTS (SELECT FROM node_types nt
                          WHERE nt.tenant_id = n.tenant_id AND nt.id = n.node_type_id)
        UNION ALL
        SELECT format('relationship %s of tenant %s: %s', r.id, r.tenant_id, string_agg(format(
                          '%s %s is of tenant %s', side.name, side.node_id,
                          (SELECT n.tenant_id FROM nodes n WHERE n.id = side.node_id LIMIT 1)),
                      ' and ' ORDER BY side.name))
        FROM relationships r
        CROSS JOIN LATERAL (VALUES ('source_node_id', r.source_node_id),
                                   ('target_node_id', r.target_node_id)) side (name, node_id)
        WHERE NOT EXISTS (SELECT FROM nodes n
                          WHERE n.tenant_id = r.tenant_id AND n.id = side.node_id)
        GROUP BY r.tenant_id, r.id
    )
    SELECT count(*), string_agg(numbered.what, '; ') FILTER (WHERE numbered.place <= 20)
    INTO total, listed
    FROM (SELECT stray.what, row_number() OVER (ORDER BY stray.what) AS place FROM stray) numbered;
    IF total > 0 THEN
        RAISE EXCEPTION 'this database cannot be adopted: % rows point across tenants; nothing was changed. The first %: %',
            total, least(total, 20), listed;
    END IF;
END $$;

-- Lists are ordered by these, so they are never null.
UPDATE tenants SET created_at = coalesce(created_at, updated_at, now()), updated_at = coalesce(updated_at, created_at, now())
WHERE created_at IS NULL OR updated_at IS NULL;
UPDATE users SET created_at = coalesce(created_at, updated_at, now()), updated_at = coalesce(updated_at, created_at, now())
WHERE created_at IS NULL OR updated_at IS NULL;
UPDATE node_types SET created_at = coalesce(created_at, updated_at, now()), updated_at = coalesce(updated_at, created_at, now())
WHERE created_at IS NULL OR updated_at IS NULL;
UPDATE nodes SET created_at = coalesce(created_at, updated_at, now()), updated_at = coalesce(updated_at, created_at, now())
WHERE created_at IS NULL OR updated_at IS NULL;
UPDATE relationships SET created_at = coalesce(created_at, updated_at, now()), updated_at = coalesce(updated_at, created_at, now())
WHERE created_at IS NULL OR updated_at IS NULL;
ALTER TABLE tenants ALTER COLUMN created_at SET NOT NULL, ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE users ALTER COLUMN created_at SET NOT NULL, ALTER COLUMN updated_at SET NOT NULL;

-- Take the keys away, whatever they are called, and the single-column indexes that no query of
-- ours uses: the ones made below begin with tenant_id and serve the lists.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.conrelid::regclass AS table_name, c.conname
        FROM pg_constraint c
        WHERE (c.contype = 'f'
               AND c.conrelid IN ('tenant_users'::regclass, 'node_types'::regclass,
                                  'nodes'::regclass, 'relationships'::regclass))
           OR (c.contype = 'p'
               AND c.conrelid IN ('node_types'::regclass, 'nodes'::regclass,
                                  'relationships'::regclass))
        ORDER BY c.contype
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.table_name, found.conname);
    END LOOP;
    FOR found IN
        SELECT i.indexrelid::regclass AS index_name
        FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid IN ('tenants'::regclass, 'users'::regclass, 'tenant_users'::regclass,
                             'node_types'::regclass, 'nodes'::regclass, 'relationships'::regclass)
          AND NOT i.indisunique AND i.indnatts = 1 AND i.indpred IS NULL
          AND a.attname IN ('tenant_id', 'user_id', 'node_type_id', 'source_node_id',
                            'target_node_id', 'slug', 'email', 'status', 'name',
                            'relationship_type', 'data')
          -- Ours, of a later migration, where this one is run again.
          AND i.indexrelid::regclass::text NOT IN ('nodes_by_data', 'relationships_by_data')
    LOOP
        EXECUTE format('DROP INDEX %s', found.index_name);
    END LOOP;
END $$;

-- Errors are told apart by the names of constraints, so those that stay get the usual ones.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.conrelid::regclass AS table_name, c.conname, wanted.name
        FROM (VALUES ('tenants', 'p', '{id}', 'tenants_pkey'),
                     ('tenants', 'u', '{slug}', 'tenants_slug_key'),
                     ('users', 'p', '{id}', 'users_pkey'),
                     ('users', 'u', '{email}', 'users_email_key'),
                     ('tenant_users', 'p', '{tenant_id,user_id}', 'tenant_users_pkey'),
                     ('node_types', 'u', '{tenant_id,name}', 'node_types_tenant_id_name_key'))
             wanted (table_name, type, columns, name)
        JOIN pg_constraint c
          ON c.conrelid = wanted.table_name::regclass AND c.contype = wanted.type::"char"
         AND (SELECT array_agg(a.attname ORDER BY key.place)::text
              FROM unnest(c.conkey) WITH ORDINALITY key (attnum, place)
              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = key.attnum)
             = wanted.columns
        WHERE c.conname <> wanted.name
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I',
                       found.table_name, found.conname, found.name);
    END LOOP;
END $$;

ALTER TABLE tenant_users
    ADD CONSTRAINT tenant_users_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    ADD CONSTRAINT tenant_users_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (id) ON DELETE CASCADE;

-- size is what the JSON weighs as text, in bytes: a page adds it up before it reads the JSON.
ALTER TABLE node_types
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL,
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS size integer NOT NULL
        GENERATED ALWAYS AS (coalesce(octet_length(schema::text), 0)) STORED,
    ADD CONSTRAINT node_types_pkey PRIMARY KEY (tenant_id, id),
    ADD CONSTRAINT node_types_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE;

ALTER TABLE nodes
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL,
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS size integer NOT NULL
        GENERATED ALWAYS AS (coalesce(octet_length(data::text), 0)) STORED,
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (tenant_id, id),
    ADD CONSTRAINT nodes_node_type_id_fkey FOREIGN KEY (tenant_id, node_type_id)
        REFERENCES node_types (tenant_id, id) ON DELETE CASCADE;

ALTER TABLE relationships
    ALTER COLUMN created_at SET NOT NULL,
    ALTER COLUMN updated_at SET NOT NULL,
    ADD COLUMN IF NOT EXISTS version bigint NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS size integer NOT NULL
        GENERATED ALWAYS AS (coalesce(octet_length(data::text), 0)) STORED,
    ADD CONSTRAINT relationships_pkey PRIMARY KEY (tenant_id, id),
    ADD CONSTRAINT relationships_source_node_id_fkey FOREIGN KEY (tenant_id, source_node_id)
        REFERENCES nodes (tenant_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT relationships_target_node_id_fkey FOREIGN KEY (tenant_id, target_node_id)
        REFERENCES nodes (tenant_id, id) ON DELETE CASCADE;

-- Newest first, whole lists and each filter alone; they also serve the foreign keys' cascades.
CREATE INDEX IF NOT EXISTS tenants_page ON tenants (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS users_page ON users (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS tenant_users_by_user ON tenant_users (user_id);
CREATE INDEX IF NOT EXISTS node_types_page ON node_types (tenant_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS nodes_page ON nodes (tenant_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS nodes_by_type
    ON nodes (tenant_id, node_type_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS relationships_page
    ON relationships (tenant_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS relationships_by_source
    ON relationships (tenant_id, source_node_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS relationships_by_target
    ON relationships (tenant_id, target_node_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS relationships_by_type
    ON relationships (tenant_id, relationship_type, created_at DESC, id DESC);

-- flexdb's statements raise the version themselves; this is for a writer that does not know it.
CREATE OR REPLACE FUNCTION flexdb_raise_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON node_types
FOR EACH ROW WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION flexdb_raise_version();
CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON nodes
FOR EACH ROW WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION flexdb_raise_version();
CREATE OR REPLACE TRIGGER flexdb_raise_version BEFORE UPDATE ON relationships
FOR EACH ROW WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION flexdb_raise_version();
