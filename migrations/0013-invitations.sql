-- Invitations into a tenant, for people who are no users yet, by their e-mail address.
-- depends: 0010-roles 0011-events 0012-bytes

CREATE TABLE IF NOT EXISTS flexdb_invitations (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    -- In the one form that flexdb keeps of an address.
    email text NOT NULL,
    role text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT flexdb_invitations_email UNIQUE (tenant_id, email)
);

CREATE INDEX IF NOT EXISTS flexdb_invitations_page
ON flexdb_invitations (tenant_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS flexdb_invitations_by_email
ON flexdb_invitations (flexdb_email_key(email));

-- Make new users members where they were invited, whoever creates them.
CREATE OR REPLACE FUNCTION flexdb_join_invited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Who invites has the same lock while looking for the user, so that one of the two finds the
    -- other. Whoever loads many users takes none, as each is a place in memory.
    IF NOT EXISTS (SELECT FROM added u OFFSET 100) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('invited ' || address.key, 0))
        FROM (SELECT DISTINCT flexdb_email_key(u.email) AS key FROM added u ORDER BY 1) address;
    END IF;
    INSERT INTO tenant_users (tenant_id, user_id, role)
    SELECT i.tenant_id, u.id, i.role
    FROM added u
    JOIN flexdb_invitations i ON flexdb_email_key(i.email) = flexdb_email_key(u.email)
    WHERE i.expires_at > clock_timestamp()
    ON CONFLICT (tenant_id, user_id) DO NOTHING;
    DELETE FROM flexdb_invitations i
    USING added u
    WHERE flexdb_email_key(i.email) = flexdb_email_key(u.email);
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS flexdb_join_invited ON users;
CREATE TRIGGER flexdb_join_invited AFTER INSERT ON users
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION flexdb_join_invited();
