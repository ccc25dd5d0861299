-- Without keys nobody could call any more, and made anew they would be others.
DO $$
BEGIN
    IF to_regclass('flexdb_keys') IS NOT NULL THEN
        IF EXISTS (SELECT FROM flexdb_keys) THEN
            RAISE EXCEPTION 'flexdb_keys has rows: delete the keys first';
        END IF;
        DROP TABLE flexdb_keys;
    END IF;
END $$;
