-- What the ledger weighs besides stays as it is, and does no harm.

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['flexdb_limits', 'flexdb_usage'] LOOP
        IF to_regclass(kept) IS NOT NULL THEN
            EXECUTE format('DO $body$ BEGIN IF EXISTS (SELECT FROM %1$I) THEN RAISE EXCEPTION '
                           '''%1$s has rows: delete them first''; END IF; END $body$', kept);
            EXECUTE format('DROP TABLE %I', kept);
        END IF;
    END LOOP;
END $$;
DROP FUNCTION IF EXISTS flexdb_check_quota(uuid, bigint, bigint, bigint), flexdb_weigh_rows(),
    flexdb_total_bytes(uuid);
