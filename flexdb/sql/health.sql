-- read: list_migrations -> ids
SELECT coalesce(json_agg(m.migration_id), '[]'::json) AS ids
FROM _yoyo_migration m
