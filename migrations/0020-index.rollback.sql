-- What was derived can be derived again: nothing of anyone's is lost.
DROP TRIGGER IF EXISTS flexdb_forget_index ON nodes;
DO $$
BEGIN
    IF to_regclass('flexdb_declarations') IS NOT NULL THEN
        DELETE FROM flexdb_declarations d WHERE d.kind = 'index';
    END IF;
END $$;
DROP FUNCTION IF EXISTS flexdb_forget_index();
DROP FUNCTION IF EXISTS flexdb_fill_index(uuid, uuid, text[]);
DROP FUNCTION IF EXISTS flexdb_build_index(uuid, uuid, text, integer);
DROP FUNCTION IF EXISTS flexdb_derive_index(uuid, uuid, uuid, jsonb);
DROP FUNCTION IF EXISTS flexdb_index_rows(uuid, uuid, uuid, jsonb);
DROP FUNCTION IF EXISTS flexdb_index_keys(jsonb, text[]);
DROP FUNCTION IF EXISTS flexdb_index_code(text);
DROP TABLE IF EXISTS flexdb_index, flexdb_index_builds;
