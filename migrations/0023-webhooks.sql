-- Webhooks: what of a tenant's changes is posted where, and each delivery until it is done or dead.
-- depends: 0022-idempotency

CREATE TABLE IF NOT EXISTS flexdb_webhooks (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    url text NOT NULL,
    -- [{"secret": text, "until": time}], the newest first, which alone has no end; encrypted where
    -- the service has a SECRET_KEY.
    secrets jsonb NOT NULL,
    -- Of each of these three NULL stands for all.
    events text[],
    node_type_ids uuid[],
    relationship_types text[],
    -- As it was given, in that order.
    filter json,
    -- 'record': a delivery waits for earlier ones of its object; 'all': for all earlier ones.
    ordering text NOT NULL DEFAULT 'record',
    -- 'active'; 'paused' by a caller, 'disabled' by who delivers, for a reason: then nothing is
    -- entered and nothing sent, and it goes on from its position when it is active again.
    status text NOT NULL DEFAULT 'active',
    reason text,
    -- In which epoch of the tenant's feed up to which change it has its deliveries.
    epoch text NOT NULL,
    position bigint NOT NULL,
    -- How many attempts failed behind the last that did not, and since when.
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    paused_until timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- An id that another tenant has is free.
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX IF NOT EXISTS flexdb_webhooks_page
ON flexdb_webhooks (tenant_id, created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS flexdb_deliveries (
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    -- That of the change. Of a test it is below 0; it precedes no other delivery, and there is one
    -- attempt at it.
    position bigint NOT NULL,
    -- Of a test, the webhook itself.
    object_id uuid NOT NULL,
    -- 'waiting', 'done' or 'dead'.
    status text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    due timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz,
    last_status integer,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    PRIMARY KEY (tenant_id, webhook_id, position),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES flexdb_webhooks (tenant_id, id)
    ON DELETE CASCADE
);

-- What is to be sent next, and what precedes it.
CREATE INDEX IF NOT EXISTS flexdb_deliveries_due
ON flexdb_deliveries (due) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS flexdb_deliveries_of_object
ON flexdb_deliveries (tenant_id, webhook_id, object_id, position) WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS flexdb_deliveries_page
ON flexdb_deliveries (tenant_id, webhook_id, created_at DESC, position DESC);
CREATE INDEX IF NOT EXISTS flexdb_deliveries_dead
ON flexdb_deliveries (tenant_id, webhook_id, created_at DESC, position DESC)
WHERE status = 'dead';
