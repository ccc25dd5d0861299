-- Count no more.

DROP TRIGGER IF EXISTS forget_tenant ON tenants;
DROP TRIGGER IF EXISTS forget_tenant_late ON tenants;
DROP FUNCTION IF EXISTS forget_tenant();
DROP FUNCTION IF EXISTS count_tenants, count_users, count_tenant_users, count_node_types,
    count_nodes, count_relationships, move_tenant_users, move_node_types, move_nodes,
    move_relationships CASCADE;
DROP FUNCTION IF EXISTS forget_counts(uuid);
DROP FUNCTION IF EXISTS fold_counts(uuid, text);
DROP FUNCTION IF EXISTS total_count(uuid, text, uuid);
DROP FUNCTION IF EXISTS list_key(text);
DROP FUNCTION IF EXISTS nil();
DROP TABLE IF EXISTS counts, count_changes;
