-- Count no more.

DROP TRIGGER IF EXISTS flexdb_forget_tenant ON tenants;
DROP TRIGGER IF EXISTS flexdb_forget_tenant_late ON tenants;
DROP FUNCTION IF EXISTS flexdb_forget_tenant();
DROP FUNCTION IF EXISTS flexdb_count_tenants, flexdb_count_users, flexdb_count_tenant_users,
    flexdb_count_node_types, flexdb_count_nodes, flexdb_count_relationships,
    flexdb_move_tenant_users, flexdb_move_node_types, flexdb_move_nodes,
    flexdb_move_relationships CASCADE;
DROP FUNCTION IF EXISTS flexdb_forget_counts(uuid);
DROP FUNCTION IF EXISTS flexdb_fold_counts(uuid, text);
DROP FUNCTION IF EXISTS flexdb_total_count(uuid, text, uuid);
DROP FUNCTION IF EXISTS flexdb_list_key(text);
DROP FUNCTION IF EXISTS flexdb_nil();
DROP TABLE IF EXISTS flexdb_counts, flexdb_count_changes;

-- So that an earlier version, if it is started now, makes its own ledger again.
DELETE FROM _yoyo_migration WHERE migration_id = '0003-counts';
