-- How many calls of each tenant every instance was asked for a moment ago, so that they share its
-- rate. Of no use after a crash, so nothing of it is written ahead.
-- depends: 0013-invitations

CREATE UNLOGGED TABLE IF NOT EXISTS flexdb_rate_usage (
    -- One that there may be; in passing, so nothing refers to it.
    tenant_id uuid,
    instance uuid,
    asked double precision NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, instance)
) WITH (fillfactor = 50);
