-- What each tenant asked for in each hour, so that the loud ones are known.
-- depends: 0014-rate-usage

CREATE TABLE IF NOT EXISTS flexdb_usage (
    tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
    hour timestamptz,
    calls bigint NOT NULL,
    errors bigint NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    database_ms double precision NOT NULL,
    PRIMARY KEY (tenant_id, hour)
) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS flexdb_usage_hour ON flexdb_usage (hour);
