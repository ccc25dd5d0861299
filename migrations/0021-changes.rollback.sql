-- Log no more. What records were stands nowhere else, so the log has to be empty.
DROP FUNCTION IF EXISTS flexdb_keeps_deleted, flexdb_prune_changes, flexdb_erase_history,
    flexdb_restart_changes;
DO $$
BEGIN
    IF to_regclass('flexdb_changes') IS NOT NULL THEN
        IF EXISTS (SELECT FROM flexdb_changes) THEN
            RAISE EXCEPTION 'flexdb_changes has rows, the history of records: delete them first';
        END IF;
        DROP TABLE flexdb_changes;
    END IF;
END $$;
DROP FUNCTION IF EXISTS flexdb_log_nodes, flexdb_log_node, flexdb_log_relationships,
    flexdb_log_relationship, flexdb_log_node_type, flexdb_begin_changes, flexdb_end_changes,
    flexdb_break_feed CASCADE;
DROP FUNCTION IF EXISTS flexdb_heed_history(uuid, uuid, jsonb), flexdb_forget_changes(uuid),
    flexdb_number_changes(uuid, integer), flexdb_rename_feed(boolean);
DROP TRIGGER IF EXISTS flexdb_raise_older_version ON node_types;
DROP TRIGGER IF EXISTS flexdb_raise_older_version ON nodes;
DROP TRIGGER IF EXISTS flexdb_raise_older_version ON relationships;
DROP TABLE IF EXISTS flexdb_change_positions, flexdb_change_heads, flexdb_feed, flexdb_histories;
