-- The keys by which callers are known: of an operator, or of one tenant.
-- depends: 0006-names

CREATE TABLE IF NOT EXISTS flexdb_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    role text NOT NULL,
    operations text[],
    -- SHA-256 of the secret, which has 256 random bits and so needs no slower one.
    hash bytea NOT NULL,
    hint text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    CONSTRAINT flexdb_keys_hash UNIQUE (hash),
    CONSTRAINT flexdb_keys_role CHECK ((tenant_id IS NULL) = (role = 'operator'))
);

CREATE INDEX IF NOT EXISTS flexdb_keys_page
ON flexdb_keys (tenant_id, created_at DESC, id DESC);
