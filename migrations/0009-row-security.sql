-- What the command row-security switches on: that PostgreSQL itself shows a tenant's rows to whoever
-- names the tenant alone. Until then these policies do nothing and cost nothing.
-- depends: 0007-keys

-- In a subquery it is read once a statement. Behind the transaction that set it, it is empty and
-- not unset.
DO $$
DECLARE
    named constant text := $named$(SELECT nullif(current_setting('flexdb.tenant_id', true), '')::uuid)$named$;
    fenced record;
BEGIN
    FOR fenced IN
        SELECT list.name, list.unnamed FROM (VALUES
            ('node_types', false),
            ('nodes', false),
            ('relationships', false),
            -- These the service also reads to learn which tenant it is about.
            ('tenant_users', true),
            ('flexdb_keys', true))
        AS list (name, unnamed)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS flexdb_tenant ON %I', fenced.name);
        EXECUTE format('CREATE POLICY flexdb_tenant ON %I USING (tenant_id = %s%s)', fenced.name, named,
                       CASE WHEN fenced.unnamed THEN format(' OR %s IS NULL', named) ELSE '' END);
    END LOOP;
END $$;
