-- Go back to the triggers of 0005, 0008, 0019, 0021, 0024 and 0025. What 0026 made of their functions
-- stays, which earlier versions call alike.
LOCK TABLE tenant_users, node_types, nodes, relationships IN ACCESS EXCLUSIVE MODE;

DO $$
BEGIN
    IF to_regprocedure('flexdb_follow_created()') IS NULL THEN
        RETURN;
    END IF;
    CREATE OR REPLACE TRIGGER flexdb_follow_inserted AFTER INSERT ON nodes
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_created();
    CREATE OR REPLACE TRIGGER flexdb_follow_updated AFTER UPDATE ON nodes
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_updated();
    CREATE OR REPLACE TRIGGER flexdb_count_deleted AFTER DELETE ON nodes
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_nodes();
    CREATE OR REPLACE TRIGGER flexdb_count_moved AFTER UPDATE ON nodes FOR EACH ROW
    WHEN ((OLD.size, OLD.tenant_id, OLD.node_type_id)
          IS DISTINCT FROM (NEW.size, NEW.tenant_id, NEW.node_type_id))
    EXECUTE FUNCTION flexdb_move_nodes();
    CREATE OR REPLACE TRIGGER flexdb_derive_deleted AFTER DELETE ON nodes
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION flexdb_derive_deleted();
    CREATE OR REPLACE TRIGGER flexdb_log_deleted AFTER DELETE ON nodes
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_log_nodes();
    CREATE OR REPLACE TRIGGER flexdb_count_inserted AFTER INSERT ON relationships
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_relationships();
    CREATE OR REPLACE TRIGGER flexdb_count_deleted AFTER DELETE ON relationships
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_relationships();
    CREATE OR REPLACE TRIGGER flexdb_count_moved AFTER UPDATE ON relationships FOR EACH ROW
    WHEN ((OLD.size, OLD.tenant_id, OLD.relationship_type)
          IS DISTINCT FROM (NEW.size, NEW.tenant_id, NEW.relationship_type))
    EXECUTE FUNCTION flexdb_move_relationships();
    CREATE OR REPLACE TRIGGER flexdb_hold_contracts AFTER INSERT ON relationships
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_hold_contracts();
    CREATE OR REPLACE TRIGGER flexdb_log_inserted AFTER INSERT ON relationships
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_log_relationships();
    CREATE OR REPLACE TRIGGER flexdb_log_deleted AFTER DELETE ON relationships
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_log_relationships();
    CREATE OR REPLACE TRIGGER flexdb_log_updated AFTER UPDATE ON relationships
    FOR EACH ROW EXECUTE FUNCTION flexdb_log_relationship();
    CREATE OR REPLACE TRIGGER flexdb_count_inserted AFTER INSERT ON node_types
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_node_types();
    CREATE OR REPLACE TRIGGER flexdb_count_deleted AFTER DELETE ON node_types
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_node_types();
    CREATE OR REPLACE TRIGGER flexdb_count_moved AFTER UPDATE ON node_types FOR EACH ROW
    WHEN ((OLD.size, OLD.tenant_id) IS DISTINCT FROM (NEW.size, NEW.tenant_id))
    EXECUTE FUNCTION flexdb_move_node_types();
    CREATE OR REPLACE TRIGGER flexdb_log_changed AFTER INSERT OR UPDATE OR DELETE ON node_types
    FOR EACH ROW EXECUTE FUNCTION flexdb_log_node_type();
    CREATE OR REPLACE TRIGGER flexdb_count_inserted AFTER INSERT ON tenant_users
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_tenant_users();
    CREATE OR REPLACE TRIGGER flexdb_count_deleted AFTER DELETE ON tenant_users
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_tenant_users();
    CREATE OR REPLACE TRIGGER flexdb_count_moved AFTER UPDATE ON tenant_users FOR EACH ROW
    WHEN ((OLD.tenant_id) IS DISTINCT FROM (NEW.tenant_id))
    EXECUTE FUNCTION flexdb_move_tenant_users();
END $$;
DROP TRIGGER IF EXISTS flexdb_follow_new ON nodes;
DROP TRIGGER IF EXISTS flexdb_follow_changed ON nodes;
DROP TRIGGER IF EXISTS flexdb_follow_deleted ON nodes;
DROP TRIGGER IF EXISTS flexdb_follow_new ON relationships;
DROP TRIGGER IF EXISTS flexdb_follow_changed ON relationships;
DROP TRIGGER IF EXISTS flexdb_follow_deleted ON relationships;
DROP TRIGGER IF EXISTS flexdb_follow_row ON node_types;
DROP TRIGGER IF EXISTS flexdb_follow_new ON tenant_users;
DROP TRIGGER IF EXISTS flexdb_follow_deleted ON tenant_users;
DROP TRIGGER IF EXISTS flexdb_follow_moved ON tenant_users;
DROP FUNCTION IF EXISTS flexdb_follow_rows(), flexdb_follow_moved_member(), flexdb_follow_members(),
    flexdb_follow_node_type(), flexdb_follow_changed_relationship(),
    flexdb_follow_deleted_relationships(), flexdb_follow_new_relationships(),
    flexdb_follow_deleted_nodes(), flexdb_follow_changed_nodes(), flexdb_follow_new_nodes(),
    flexdb_count(uuid, text, uuid, bigint, bigint);
