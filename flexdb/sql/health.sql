-- read: list_migrations -> ids, is_fenced, refuses_writes
SELECT coalesce(json_agg(m.migration_id), '[]'::json) AS ids,
       EXISTS (
           SELECT FROM pg_policy p
           WHERE p.polname = 'flexdb_tenant' AND pg_table_is_visible(p.polrelid)
             AND row_security_active(p.polrelid)
       ) AS is_fenced,
       CASE WHEN pg_is_in_recovery() THEN 'it is a standby'
            WHEN current_setting('default_transaction_read_only')::boolean
            THEN 'default_transaction_read_only is on'
       END AS refuses_writes
FROM _yoyo_migration m
