-- Go back to the function of 0024 for nodes that are inserted. The triggers that raise versions stay, and
-- the keys of lists, which earlier versions ask alike.
LOCK TABLE nodes IN ACCESS EXCLUSIVE MODE;

DO $$
BEGIN
    IF to_regprocedure('flexdb_follow_inserted()') IS NOT NULL THEN
        CREATE OR REPLACE TRIGGER flexdb_follow_inserted AFTER INSERT ON nodes
        REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION flexdb_follow_inserted();
    END IF;
END $$;
DROP FUNCTION IF EXISTS flexdb_follow_created();
