-- Who changed what the service or a tenant is: its name and status, members, keys.
-- depends: 0007-keys

CREATE TABLE IF NOT EXISTS flexdb_events (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- It outlives the tenant, whose end is an event too; so nothing refers to it.
    tenant_id uuid,
    caller text NOT NULL,
    operation text NOT NULL,
    request_id text NOT NULL,
    about uuid,
    changed text[] NOT NULL,
    before jsonb,
    after jsonb
);

CREATE INDEX IF NOT EXISTS flexdb_events_page
ON flexdb_events (tenant_id, at DESC, id DESC);

-- Of all tenants; and the oldest, which go.
CREATE INDEX IF NOT EXISTS flexdb_events_time
ON flexdb_events (at DESC, id DESC);
