-- Who was invited could not become a member any more.
DO $$
BEGIN
    IF to_regclass('flexdb_invitations') IS NOT NULL THEN
        IF EXISTS (SELECT FROM flexdb_invitations) THEN
            RAISE EXCEPTION 'flexdb_invitations has rows: delete the invitations first';
        END IF;
        DROP TRIGGER IF EXISTS flexdb_join_invited ON users;
        DROP FUNCTION IF EXISTS flexdb_join_invited();
        DROP TABLE flexdb_invitations;
    END IF;
END $$;
