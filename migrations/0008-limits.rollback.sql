-- What the ledger weighs besides stays as it is, and does no harm.

DO $$
BEGIN
    IF to_regclass('flexdb_limits') IS NOT NULL THEN
        IF EXISTS (SELECT FROM flexdb_limits) THEN
            RAISE EXCEPTION 'flexdb_limits has rows: delete them first';
        END IF;
        DROP TABLE flexdb_limits;
    END IF;
END $$;
DROP FUNCTION IF EXISTS flexdb_check_quota(uuid, bigint, bigint, bigint), flexdb_weigh_rows(),
    flexdb_total_bytes(uuid);
