-- name: list_migrations
SELECT coalesce(json_agg(m.migration_id), '[]'::json)
FROM _yoyo_migration m
