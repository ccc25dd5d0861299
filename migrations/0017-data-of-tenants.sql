-- Find rows by what their data holds without a look at another tenant's: each key of these indexes
-- begins with the tenant, since the data is nested in an object under the tenant's id. They take the
-- names of those of 0004, and their place. Writers go on meanwhile.
-- depends: 0016-declarations
-- transactional: false

-- What a killed process began may still run. This waits for its end, without the snapshot for which
-- that would wait in turn.
BEGIN; LOCK TABLE nodes, relationships IN SHARE UPDATE EXCLUSIVE MODE; COMMIT;

DROP INDEX CONCURRENTLY IF EXISTS nodes_by_data_next;
DROP INDEX CONCURRENTLY IF EXISTS relationships_by_data_next;

-- Searches read what is not yet sorted in, of all tenants, from end to end: this is its limit in kB.
CREATE INDEX CONCURRENTLY nodes_by_data_next ON nodes
    USING gin (jsonb_set('{}', ARRAY[tenant_id::text], data) jsonb_path_ops)
    WITH (gin_pending_list_limit = 1024);
CREATE INDEX CONCURRENTLY relationships_by_data_next ON relationships
    USING gin (jsonb_set('{}', ARRAY[tenant_id::text], data) jsonb_path_ops)
    WITH (gin_pending_list_limit = 1024);

DROP INDEX CONCURRENTLY IF EXISTS nodes_by_data;
DROP INDEX CONCURRENTLY IF EXISTS relationships_by_data;

ALTER INDEX nodes_by_data_next RENAME TO nodes_by_data;
ALTER INDEX relationships_by_data_next RENAME TO relationships_by_data;
