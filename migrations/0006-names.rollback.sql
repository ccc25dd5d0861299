-- Drop what compares slugs and e-mail addresses; the rows stay.

LOCK TABLE tenants, users IN ACCESS EXCLUSIVE MODE;

DROP INDEX IF EXISTS flexdb_users_by_email, flexdb_tenants_by_slug, flexdb_tenants_slug_key;
DROP FUNCTION IF EXISTS flexdb_slug_key(text), flexdb_email_key(text);
ALTER TABLE tenants DROP COLUMN IF EXISTS slug_claim;
