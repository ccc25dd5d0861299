-- Who waits for what changes would hear of it no more.
DO $$
BEGIN
    IF to_regclass('flexdb_webhooks') IS NOT NULL THEN
        IF EXISTS (SELECT FROM flexdb_webhooks) THEN
            RAISE EXCEPTION 'flexdb_webhooks has rows: delete the webhooks first';
        END IF;
        DROP TABLE IF EXISTS flexdb_deliveries;
        DROP TABLE flexdb_webhooks;
    END IF;
END $$;
