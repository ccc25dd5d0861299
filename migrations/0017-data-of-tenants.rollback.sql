-- Go back to indexes whose keys begin with a member's name. Writers wait meanwhile. It is also what
-- yoyo runs where the migration fails half way.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['nodes', 'relationships'] LOOP
        EXECUTE format('DROP INDEX IF EXISTS %I', name || '_by_data_next');
        IF NOT EXISTS (SELECT FROM pg_index i
                       WHERE i.indexrelid = to_regclass(name || '_by_data') AND i.indkey[0] > 0) THEN
            EXECUTE format('DROP INDEX IF EXISTS %I', name || '_by_data');
            EXECUTE format('CREATE INDEX %I ON %I USING gin (data jsonb_path_ops)',
                           name || '_by_data', name);
        END IF;
    END LOOP;
END $$;
