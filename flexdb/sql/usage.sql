-- object: usage u
tenant_id, since time, calls, errors, rows, bytes, database_ms

-- frame: first_hour
date_trunc('hour', coalesce(%(since)s::timestamptz,
                            date_trunc('day', statement_timestamp(), 'UTC')), 'UTC')

-- frame: amounts
{first_hour} AS since,
coalesce(sum(d.calls), 0) AS calls, coalesce(sum(d.errors), 0) AS errors,
coalesce(sum(d.rows), 0) AS rows, coalesce(sum(d.bytes), 0) AS bytes,
round(coalesce(sum(d.database_ms), 0))::bigint AS database_ms

-- read: get_usage -> object
SELECT {usage} AS object
FROM (
    SELECT t.id AS tenant_id, {amounts}
    FROM tenants t
    LEFT JOIN flexdb_usage d ON d.tenant_id = t.id AND d.hour >= {first_hour}
    WHERE t.id = %(tenant_id)s
    GROUP BY t.id
) u

-- frame: loudness
CASE %(by)s
    WHEN 'calls' THEN u.calls
    WHEN 'errors' THEN u.errors
    WHEN 'rows' THEN u.rows
    WHEN 'bytes' THEN u.bytes
    ELSE u.database_ms
END DESC, u.tenant_id

-- read: list_usage -> usages
SELECT coalesce(json_agg({usage}::json ORDER BY {loudness}), '[]'::json) AS usages
FROM (
    SELECT u.tenant_id, u.since, u.calls, u.errors, u.rows, u.bytes, u.database_ms
    FROM (
        SELECT d.tenant_id, {amounts}
        FROM flexdb_usage d
        WHERE d.hour >= {first_hour}
        GROUP BY d.tenant_id
    ) u
    ORDER BY {loudness}
    LIMIT %(limit)s
) u

-- write: add_usage -> object
WITH added AS (
    INSERT INTO flexdb_usage AS u (tenant_id, hour, calls, errors, rows, bytes, database_ms)
    SELECT a.tenant_id, date_trunc('hour', statement_timestamp(), 'UTC'), a.calls, a.errors, a.rows,
           a.bytes, a.database_ms
    FROM unnest(%(tenants)s::uuid[], %(calls)s::bigint[], %(errors)s::bigint[], %(rows)s::bigint[],
                %(bytes)s::bigint[], %(database_ms)s::float8[])
         AS a (tenant_id, calls, errors, rows, bytes, database_ms)
    -- What was asked of a tenant that there is not is nobody's.
    JOIN tenants t ON t.id = a.tenant_id
    -- One order for all workers, so that none waits for one that waits for it.
    ORDER BY a.tenant_id
    ON CONFLICT (tenant_id, hour) DO UPDATE
    SET calls = u.calls + excluded.calls, errors = u.errors + excluded.errors,
        rows = u.rows + excluded.rows, bytes = u.bytes + excluded.bytes,
        database_ms = u.database_ms + excluded.database_ms
    RETURNING u.tenant_id
), old AS (
    -- Those that another worker is deleting are not waited for.
    SELECT u.tenant_id, u.hour
    FROM flexdb_usage u
    WHERE u.hour < statement_timestamp() - interval '90 days'
    ORDER BY u.hour
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM flexdb_usage u
    USING old o
    WHERE u.tenant_id = o.tenant_id AND u.hour = o.hour
)
SELECT to_json(count(*)) AS object
FROM added
