-- Drop the six tables, unless one of them holds a row.

DO $$
DECLARE
    kept text;
    holds_rows boolean;
BEGIN
    FOREACH kept IN ARRAY
        ARRAY['relationships', 'nodes', 'node_types', 'tenant_users', 'users', 'tenants']
    LOOP
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', kept);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', kept) INTO holds_rows;
        IF holds_rows THEN
            RAISE EXCEPTION 'the table % holds rows and is not dropped: empty it first', kept;
        END IF;
    END LOOP;
END $$;

DROP TABLE relationships, nodes, node_types, tenant_users, users, tenants, schema_migrations;
