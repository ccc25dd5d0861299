-- The six tables as the original flex-db makes them. On a database of its own they are there
-- already and nothing happens; what differs is altered by the next migration, for both alike.

-- The newest original keeps each tenant in a database of its own and only lists them in another,
-- the control database. Over either flexdb would start with tenants that have nothing.
DO $$
DECLARE
    is_control boolean := false;
    has_tenants boolean := false;
BEGIN
    IF to_regclass('tenants') IS NOT NULL AND to_regclass('nodes') IS NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM tenants)' INTO has_tenants;
        is_control := has_tenants
            OR to_regclass('tenant_databases') IS NOT NULL
            OR to_regclass('tenant_migrations') IS NOT NULL
            OR EXISTS (SELECT FROM pg_attribute a
                       WHERE a.attrelid = to_regclass('tenants') AND NOT a.attisdropped
                         AND a.attname ~ '(database|connection|dsn|^db)');
    END IF;
    IF is_control THEN
        RAISE EXCEPTION 'this database lists tenants and has no table of nodes: it is the control database of a flex-db that keeps each tenant in a database of its own, which flexdb cannot adopt. Nothing was changed. Set DB_NAME to an empty database, and load each tenant there with the import command';
    END IF;
    IF to_regclass('nodes') IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute a
        WHERE a.attrelid = to_regclass('nodes') AND a.attname = 'tenant_id' AND NOT a.attisdropped)
    THEN
        RAISE EXCEPTION 'the nodes of this database have no tenant_id: it is one tenant''s database of a flex-db that keeps each tenant in a database of its own, which flexdb cannot adopt. Nothing was changed. Set DB_NAME to an empty database, and load each tenant there with the import command';
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS schema_migrations (
    version text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS tenants (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    display_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS tenant_users (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member',
    status text NOT NULL DEFAULT 'active',
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE IF NOT EXISTS node_types (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    description text,
    schema jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, name)
);

CREATE TABLE IF NOT EXISTS nodes (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    node_type_id uuid NOT NULL REFERENCES node_types (id) ON DELETE CASCADE,
    data jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS relationships (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    source_node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    target_node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    relationship_type text NOT NULL,
    data jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The original looks here for what it has still to do: with these rows it changes nothing.
INSERT INTO schema_migrations (version)
VALUES ('001_create_tenants'), ('002_create_users'), ('003_create_node_types'),
       ('004_create_nodes'), ('005_create_relationships')
ON CONFLICT (version) DO NOTHING;
