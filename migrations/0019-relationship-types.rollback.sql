-- Without their contracts relationships would be free that were not meant to be.
DO $$
BEGIN
    IF to_regclass('flexdb_relationship_types') IS NOT NULL THEN
        LOCK TABLE tenant_users, node_types, relationships IN SHARE ROW EXCLUSIVE MODE;
        IF EXISTS (SELECT FROM flexdb_relationship_types) THEN
            RAISE EXCEPTION 'flexdb_relationship_types has rows: delete the relationship types first';
        END IF;
        DROP TRIGGER IF EXISTS flexdb_hold_contracts ON relationships;
        DROP TRIGGER IF EXISTS flexdb_hold_contract ON relationships;
        DROP TRIGGER IF EXISTS flexdb_forget_keys ON relationships;
        DROP TRIGGER IF EXISTS flexdb_forget_keys_truncated ON relationships;
        DROP TRIGGER IF EXISTS flexdb_restrict_deletion ON relationships;
        DROP TRIGGER IF EXISTS flexdb_forget_node_type ON node_types;
        DROP TRIGGER IF EXISTS flexdb_forget_member ON tenant_users;
        DROP FUNCTION IF EXISTS flexdb_hold_contracts(), flexdb_hold_contract(),
            flexdb_forget_keys(), flexdb_restrict_deletion(), flexdb_forget_node_type(), flexdb_forget_member();
        DROP TABLE IF EXISTS flexdb_relationship_keys;
        DROP TRIGGER IF EXISTS flexdb_bind_contract ON flexdb_relationship_types;
        DROP TRIGGER IF EXISTS flexdb_bind_changed_contract ON flexdb_relationship_types;
        DROP FUNCTION IF EXISTS flexdb_bind_contract(), flexdb_relationship_schema(uuid, text),
            flexdb_leads_to(uuid, text, uuid, uuid),
            flexdb_refuse_breach(flexdb_relationship_types, uuid, uuid, uuid, text),
            flexdb_contract_breach(flexdb_relationship_types, uuid, uuid, uuid),
            flexdb_lock_acyclic(flexdb_relationship_types), flexdb_contracts_lock(uuid);
        DROP TABLE flexdb_relationship_types;
    END IF;
END $$;
