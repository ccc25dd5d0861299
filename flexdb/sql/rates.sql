-- write: exchange_rates -> object
WITH mine AS (
    SELECT m.tenant_id, m.asked
    FROM unnest(%(tenants)s::uuid[], %(asked)s::float8[]) AS m (tenant_id, asked)
), told AS (
    INSERT INTO flexdb_rate_usage AS u (tenant_id, instance, asked, at)
    SELECT m.tenant_id, %(instance)s, m.asked, statement_timestamp()
    FROM mine m
    ON CONFLICT (tenant_id, instance) DO UPDATE
    SET asked = excluded.asked, at = excluded.at
), old AS (
    -- Those that another instance is deleting are not waited for.
    SELECT u.tenant_id, u.instance
    FROM flexdb_rate_usage u
    WHERE u.at < statement_timestamp() - interval '1 minute'
      AND (u.instance <> %(instance)s OR u.tenant_id <> ALL (%(tenants)s::uuid[]))
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM flexdb_rate_usage u
    USING old o
    WHERE u.tenant_id = o.tenant_id AND u.instance = o.instance
)
SELECT coalesce(json_object_agg(o.tenant_id, o.asked), '{}') AS object
FROM (
    SELECT u.tenant_id, sum(u.asked) AS asked
    FROM mine m
    JOIN flexdb_rate_usage u ON u.tenant_id = m.tenant_id
    WHERE u.instance <> %(instance)s AND u.at > statement_timestamp() - interval '3 seconds'
    GROUP BY u.tenant_id
) o
