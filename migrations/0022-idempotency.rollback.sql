-- What is in it is good for a day: without it, a request that comes again is done again.
DROP TRIGGER IF EXISTS flexdb_forget_keys_of_tenant ON tenants;
DROP FUNCTION IF EXISTS flexdb_forget_keys_of_tenant();
DROP FUNCTION IF EXISTS flexdb_forget_replies(uuid, uuid);
DROP FUNCTION IF EXISTS flexdb_forget_keys(integer, integer);
DROP FUNCTION IF EXISTS flexdb_take_key(uuid, text, text, integer);
DROP TABLE IF EXISTS flexdb_idempotency_keys;
