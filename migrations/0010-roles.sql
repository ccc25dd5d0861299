-- Roles that a tenant makes: what they let read and write of its records.
-- depends: 0007-keys

CREATE TABLE IF NOT EXISTS flexdb_roles (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    -- Where a key or a member has a role, it is this.
    name text NOT NULL,
    based_on text NOT NULL,
    -- As it was given, in that order.
    grants json NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- An id that another tenant has is free.
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT flexdb_roles_name UNIQUE (tenant_id, name)
);

CREATE INDEX IF NOT EXISTS flexdb_roles_page
ON flexdb_roles (tenant_id, created_at DESC, id DESC);

-- What the grants of its role may ask of who has a key.
ALTER TABLE flexdb_keys ADD COLUMN IF NOT EXISTS attributes jsonb;
