-- Let no slug and no e-mail address be taken that another one is but for its spelling. Rows that are
-- there stay as they are, whatever they hold, and so does what the original writes.
-- depends: 0005-ledger

LOCK TABLE tenants, users IN ACCESS EXCLUSIVE MODE;

-- A slug that flexdb took by its rule, and the digest of what it is compared by. Where another
-- program has changed the slug since, the first is another one, and the claim no longer holds.
ALTER TABLE tenants ADD COLUMN IF NOT EXISTS slug_claim text[];
CREATE UNIQUE INDEX IF NOT EXISTS flexdb_tenants_slug_key ON tenants ((slug_claim[2]))
WHERE slug_claim[1] = slug;

-- What slugs from before the rule are compared by: without case, without what is not seen and
-- without white space at the ends. Case is that of the database's locale. No new slug is as long as
-- what is left of it.
CREATE OR REPLACE FUNCTION flexdb_slug_key(slug text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF getdatabaseencoding() = 'UTF8' THEN
        slug := regexp_replace(normalize(slug, NFKC),
            '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160'
            '\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164'
            '\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]', '', 'g');
        slug := regexp_replace(slug, '[\s\u0085\u1680\u2028\u2029]+', ' ', 'g');
    END IF;
    RETURN left(lower(btrim(regexp_replace(slug, '\s+', ' ', 'g'))), 500);
END $$;
CREATE INDEX IF NOT EXISTS flexdb_tenants_by_slug ON tenants (flexdb_slug_key(slug));

-- What addresses are compared by: domains have no case (RFC 4343).
CREATE OR REPLACE FUNCTION flexdb_email_key(email text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT left(coalesce(substring(btrim(email) FROM '^.*@'), '')
                || lower(substring(btrim(email) FROM '[^@]*$')), 500)
$$;
CREATE INDEX IF NOT EXISTS flexdb_users_by_email ON users (flexdb_email_key(email));
