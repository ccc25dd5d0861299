-- Without its role a key would be let do nothing, and made anew the roles would be others.
DO $$
BEGIN
    IF to_regclass('flexdb_roles') IS NOT NULL THEN
        IF EXISTS (SELECT FROM flexdb_roles) THEN
            RAISE EXCEPTION 'flexdb_roles has rows: delete the roles first';
        END IF;
        DROP TABLE flexdb_roles;
    END IF;
    ALTER TABLE IF EXISTS flexdb_keys DROP COLUMN IF EXISTS attributes;
END $$;
