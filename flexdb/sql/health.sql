-- read: list_migrations -> ids, is_fenced
SELECT coalesce(json_agg(m.migration_id), '[]'::json) AS ids,
       EXISTS (
           SELECT FROM pg_policy p
           WHERE p.polname = 'flexdb_tenant' AND pg_table_is_visible(p.polrelid)
             AND row_security_active(p.polrelid)
       ) AS is_fenced
FROM _yoyo_migration m
