-- Go back to the original flex-db's keys and indexes; the rows stay.

LOCK TABLE tenants, users, tenant_users, node_types, nodes, relationships
IN ACCESS EXCLUSIVE MODE;

DROP TRIGGER IF EXISTS flexdb_raise_version ON node_types;
DROP TRIGGER IF EXISTS flexdb_raise_version ON nodes;
DROP TRIGGER IF EXISTS flexdb_raise_version ON relationships;
DROP FUNCTION IF EXISTS flexdb_raise_version();

DROP INDEX IF EXISTS tenants_page, users_page, tenant_users_by_user, node_types_page, nodes_page,
    nodes_by_type, relationships_page, relationships_by_source, relationships_by_target,
    relationships_by_type;

ALTER TABLE relationships
    DROP CONSTRAINT IF EXISTS relationships_source_node_id_fkey,
    DROP CONSTRAINT IF EXISTS relationships_target_node_id_fkey,
    DROP CONSTRAINT IF EXISTS relationships_pkey,
    DROP COLUMN IF EXISTS version,
    DROP COLUMN IF EXISTS size,
    ADD CONSTRAINT relationships_pkey PRIMARY KEY (id);
ALTER TABLE nodes
    DROP CONSTRAINT IF EXISTS nodes_node_type_id_fkey,
    DROP CONSTRAINT IF EXISTS nodes_pkey,
    DROP COLUMN IF EXISTS version,
    DROP COLUMN IF EXISTS size,
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (id);
ALTER TABLE node_types
    DROP CONSTRAINT IF EXISTS node_types_pkey,
    DROP COLUMN IF EXISTS version,
    DROP COLUMN IF EXISTS size,
    ADD CONSTRAINT node_types_pkey PRIMARY KEY (id);

ALTER TABLE nodes
    ADD CONSTRAINT nodes_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    ADD CONSTRAINT nodes_node_type_id_fkey FOREIGN KEY (node_type_id)
        REFERENCES node_types (id) ON DELETE CASCADE;
ALTER TABLE relationships
    ADD CONSTRAINT relationships_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenants (id) ON DELETE CASCADE,
    ADD CONSTRAINT relationships_source_node_id_fkey FOREIGN KEY (source_node_id)
        REFERENCES nodes (id) ON DELETE CASCADE,
    ADD CONSTRAINT relationships_target_node_id_fkey FOREIGN KEY (target_node_id)
        REFERENCES nodes (id) ON DELETE CASCADE;

CREATE INDEX ON tenants (slug);
CREATE INDEX ON tenants (status);
CREATE INDEX ON users (email);
CREATE INDEX ON tenant_users (tenant_id);
CREATE INDEX ON tenant_users (user_id);
CREATE INDEX ON node_types (tenant_id);
CREATE INDEX ON node_types (name);
CREATE INDEX ON nodes (tenant_id);
CREATE INDEX ON nodes (node_type_id);
CREATE INDEX ON nodes USING gin (data);
CREATE INDEX ON relationships (tenant_id);
CREATE INDEX ON relationships (source_node_id);
CREATE INDEX ON relationships (target_node_id);
CREATE INDEX ON relationships (relationship_type);
CREATE INDEX ON relationships USING gin (data);
