-- Weigh what was there before the ledger did. Writers go on meanwhile.
-- depends: 0008-limits

DO $$ BEGIN
    PERFORM flexdb_weigh_rows();
END $$;
