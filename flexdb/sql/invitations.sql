-- object: invitation i
id, tenant_id, email, role, created_by, created_at time, expires_at time

-- write: begin_invitation -> locked
-- A user who is created meanwhile waits for the lock; see the trigger flexdb_join_invited.
WITH ended AS (
    DELETE FROM flexdb_invitations i
    WHERE i.tenant_id = %(tenant_id)s AND i.expires_at <= statement_timestamp()
)
SELECT true AS locked
FROM pg_advisory_xact_lock(hashtextextended('invited ' || flexdb_email_key(%(email)s), 0))

-- write: create_invitation -> object, missing, taken, denied, full
WITH tenant AS (
    SELECT t.id FROM tenants t WHERE t.id = %(tenant_id)s
), invited AS (
    -- Of several users from before addresses had one form, none is sure to be meant.
    SELECT CASE WHEN count(*) = 1 THEN min(u.id::text)::uuid END AS user_id
    FROM users u
    WHERE flexdb_email_key(u.email) = ANY (ARRAY(
        SELECT flexdb_email_key(spelling.email)
        FROM json_array_elements_text(%(email_spellings)s::json) AS spelling (email)))
), others AS (
    SELECT count(*) >= %(most)s::integer AS full, coalesce(bool_or(i.id = %(id)s), false) AS taken
    FROM flexdb_invitations i
    WHERE i.tenant_id = %(tenant_id)s AND i.email <> %(email)s
), held AS (
    SELECT i.role
    FROM flexdb_invitations i
    WHERE i.tenant_id = %(tenant_id)s AND i.email = %(email)s
), asked AS (
    SELECT invited.user_id, others.full,
           CASE WHEN NOT EXISTS (SELECT FROM tenant) THEN 'tenant_id' END AS missing,
           CASE WHEN others.taken THEN 'id' END AS taken,
           EXISTS (SELECT FROM held WHERE held.role = ANY(%(above)s::text[])) AS denied
    FROM invited, others
), made AS (
    -- What is told is the same whether there is such a user or not.
    SELECT asked.user_id, %(id)s::uuid AS id, tenant.id AS tenant_id, %(email)s::text AS email,
           %(role)s::text AS role, %(created_by)s::text AS created_by,
           statement_timestamp() AS created_at,
           statement_timestamp() + make_interval(days => %(days)s::integer) AS expires_at
    FROM tenant, asked
    WHERE asked.missing IS NULL AND asked.taken IS NULL AND NOT asked.denied AND NOT asked.full
), joined AS (
    INSERT INTO tenant_users (tenant_id, user_id, role)
    SELECT made.tenant_id, made.user_id, made.role
    FROM made
    WHERE made.user_id IS NOT NULL
    ON CONFLICT (tenant_id, user_id) DO NOTHING
), kept AS (
    INSERT INTO flexdb_invitations AS i
        (id, tenant_id, email, role, created_by, created_at, expires_at)
    SELECT made.id, made.tenant_id, made.email, made.role, made.created_by, made.created_at,
           made.expires_at
    FROM made
    WHERE made.user_id IS NULL
    ON CONFLICT (tenant_id, email) DO UPDATE
    SET id = excluded.id, role = excluded.role, created_by = excluded.created_by,
        created_at = excluded.created_at, expires_at = excluded.expires_at
)
SELECT (SELECT {invitation} FROM made i) AS object, asked.missing, asked.taken, asked.denied,
       asked.full
FROM asked

-- write: delete_invitation -> object, denied
WITH found AS (
    SELECT i.id, i.role = ANY(%(above)s::text[]) AS denied
    FROM flexdb_invitations i
    WHERE i.tenant_id = %(tenant_id)s AND i.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM flexdb_invitations i
    USING found
    WHERE i.tenant_id = %(tenant_id)s AND i.id = found.id AND NOT found.denied
)
SELECT '{}'::json AS object, found.denied
FROM found

-- list: list_invitations of invitation i
SELECT i.id, i.tenant_id, i.email, i.role, i.created_by, i.created_at, i.expires_at,
       octet_length(concat(i.email, i.role, i.created_by)) AS size
FROM flexdb_invitations i
WHERE i.tenant_id = %(tenant_id)s AND i.expires_at > statement_timestamp()
