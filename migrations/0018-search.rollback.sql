-- What was derived can be derived again: nothing of anyone's is lost.
DROP TRIGGER IF EXISTS flexdb_forget_search ON nodes;
DO $$
BEGIN
    IF to_regclass('flexdb_declarations') IS NOT NULL THEN
        DELETE FROM flexdb_declarations d WHERE d.kind = 'search';
    END IF;
END $$;
DROP FUNCTION IF EXISTS flexdb_forget_search();
DROP FUNCTION IF EXISTS flexdb_fill_search(uuid, uuid, text[]);
DROP FUNCTION IF EXISTS flexdb_derive_search(uuid, uuid, uuid, jsonb);
DROP FUNCTION IF EXISTS flexdb_search_highlights(uuid, uuid, jsonb, tsquery);
DROP FUNCTION IF EXISTS flexdb_search_query(regconfig, text, jsonb);
DROP FUNCTION IF EXISTS flexdb_search_texts(uuid, uuid, jsonb);
DROP FUNCTION IF EXISTS flexdb_search_vector(regconfig, text, text);
DROP FUNCTION IF EXISTS flexdb_search_words(text);
DROP FUNCTION IF EXISTS flexdb_search_split(text);
DROP FUNCTION IF EXISTS flexdb_search_fold(text);
DROP FUNCTION IF EXISTS flexdb_search_language(jsonb);
DROP FUNCTION IF EXISTS flexdb_search_code(uuid, uuid);
DROP TABLE IF EXISTS flexdb_search;
