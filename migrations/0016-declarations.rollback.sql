-- What is dropped follows from schemas and nodes, which stay, and is made of them again.

DROP TRIGGER IF EXISTS flexdb_declare_created ON node_types;
DROP TRIGGER IF EXISTS flexdb_declare_changed ON node_types;
DROP TRIGGER IF EXISTS flexdb_declare_deleted ON node_types;
DROP TRIGGER IF EXISTS flexdb_derive_inserted ON nodes;
DROP TRIGGER IF EXISTS flexdb_derive_updated ON nodes;
DROP TRIGGER IF EXISTS flexdb_derive_deleted ON nodes;
DROP TRIGGER IF EXISTS flexdb_derive_truncated ON nodes;
DROP FUNCTION IF EXISTS flexdb_declare_types(text), flexdb_declare_type(),
    flexdb_declare(uuid, uuid, jsonb),
    flexdb_derive_inserted(), flexdb_derive_updated(), flexdb_derive_deleted(),
    flexdb_derive_truncated(), flexdb_derive_gone(uuid, uuid, uuid, jsonb),
    flexdb_leave(uuid, uuid, text, uuid, uuid), flexdb_enter(uuid, uuid, text, uuid, uuid),
    flexdb_fill_unique(uuid, uuid, text[]), flexdb_refuse(jsonb),
    flexdb_unique_hash(jsonb, text[]), flexdb_declared(jsonb), flexdb_members(text),
    flexdb_parts(text);
DROP FUNCTION IF EXISTS flexdb_entries(uuid, uuid, uuid, jsonb);
DROP TABLE IF EXISTS flexdb_unique, flexdb_declarations;
