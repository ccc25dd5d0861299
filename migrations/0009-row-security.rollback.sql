-- Where row security is on, nobody would see a row any more.
DO $$
DECLARE
    fenced regclass;
BEGIN
    IF EXISTS (SELECT FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
               WHERE p.polname = 'flexdb_tenant' AND c.relrowsecurity) THEN
        RAISE EXCEPTION 'row security is on: switch it off first, with the command row-security off';
    END IF;
    FOR fenced IN SELECT p.polrelid FROM pg_policy p WHERE p.polname = 'flexdb_tenant' LOOP
        EXECUTE format('DROP POLICY flexdb_tenant ON %s', fenced);
    END LOOP;
END $$;
