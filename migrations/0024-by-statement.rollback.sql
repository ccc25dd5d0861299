-- Go back to a trigger for each thing that follows from nodes that are inserted or updated.
LOCK TABLE nodes IN ACCESS EXCLUSIVE MODE;

CREATE OR REPLACE TRIGGER flexdb_count_inserted AFTER INSERT ON nodes
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_count_nodes();
CREATE OR REPLACE TRIGGER flexdb_derive_inserted AFTER INSERT ON nodes
REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION flexdb_derive_inserted();
CREATE OR REPLACE TRIGGER flexdb_log_inserted AFTER INSERT ON nodes
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION flexdb_log_nodes();
CREATE OR REPLACE TRIGGER flexdb_derive_updated AFTER UPDATE ON nodes FOR EACH ROW
WHEN ((OLD.tenant_id, OLD.node_type_id, OLD.id, OLD.data)
      IS DISTINCT FROM (NEW.tenant_id, NEW.node_type_id, NEW.id, NEW.data))
EXECUTE FUNCTION flexdb_derive_updated();
CREATE OR REPLACE TRIGGER flexdb_log_updated AFTER UPDATE ON nodes
FOR EACH ROW EXECUTE FUNCTION flexdb_log_node();
DROP TRIGGER IF EXISTS flexdb_follow_inserted ON nodes;
DROP TRIGGER IF EXISTS flexdb_follow_updated ON nodes;
DROP FUNCTION IF EXISTS flexdb_follow_nodes(), flexdb_follow_updated(), flexdb_follow_inserted(),
    flexdb_derive_changed(uuid, uuid, uuid, jsonb, uuid, jsonb);
CREATE INDEX IF NOT EXISTS flexdb_changes_at ON flexdb_changes USING brin (at);
