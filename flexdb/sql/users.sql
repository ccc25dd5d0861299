-- object: user u
id, email, display_name, created_at time, updated_at time

-- frame: user_tag
to_hex(hash_record_extended((u.created_at, u.updated_at, u.xmin), 0))

-- frame: email_is_held
-- Whether another user has the same address in another spelling, from before there was one form or
-- by the original. New ones have it, so that their key decides.
EXISTS (SELECT FROM users other
        WHERE flexdb_email_key(other.email) = ANY (ARRAY(
                  SELECT flexdb_email_key(spelling.email)
                  FROM json_array_elements_text(%(email_spellings)s::json) AS spelling (email)))
          AND other.id <> %(id)s::uuid)

-- write: create_user -> object, tag, taken
WITH asked AS (
    SELECT CASE WHEN {email_is_held} THEN 'email' END AS taken
), created AS (
    INSERT INTO users AS u (id, email, display_name, created_at, updated_at)
    SELECT %(id)s::uuid, %(email)s, %(display_name)s, statement_timestamp(), statement_timestamp()
    FROM asked
    WHERE asked.taken IS NULL
    RETURNING u.id, u.email, u.display_name, u.created_at, u.updated_at, u.xmin
)
SELECT created.object, created.tag, asked.taken
FROM asked
LEFT JOIN (
    SELECT {user} AS object, {user_tag} AS tag
    FROM created u
) created ON true

-- read: get_user -> object, tag
SELECT {user} AS object, {user_tag} AS tag
FROM users u
WHERE u.id = %(id)s

-- frame: has_email
(u.email = %(email_given)s OR flexdb_email_key(u.email) = ANY (ARRAY(
     SELECT flexdb_email_key(spelling.email)
     FROM json_array_elements_text(%(email_spellings)s::json) AS spelling (email))))

-- read: get_user_by_email -> object, tag
-- Of those that have it in several spellings, the one that is written so.
SELECT {user} AS object, {user_tag} AS tag
FROM users u
WHERE {has_email}
ORDER BY u.email = %(email_given)s DESC, u.id
LIMIT 1

-- write: update_user -> object, tag, refused, taken
WITH found AS (
    SELECT u.id, {user_tag} AS tag, coalesce(u.email = %(email_given)s, true) AS stays
    FROM users u
    WHERE u.id = %(id)s
    FOR NO KEY UPDATE
), asked AS (
    -- What would be refused whatever state it is in, is that (RFC 9110, section 13.2.1).
    SELECT found.id, found.stays, {is_wanted} AS wanted,
           CASE WHEN NOT found.stays AND %(email)s::text IS NULL THEN 'email' END AS refused,
           CASE WHEN NOT found.stays AND {email_is_held} THEN 'email' END AS taken
    FROM found
), changed AS (
    UPDATE users u
    SET email = CASE WHEN asked.stays THEN u.email ELSE %(email)s END,
        display_name = coalesce(%(display_name)s, u.display_name),
        updated_at = greatest(u.updated_at, statement_timestamp())
    FROM asked
    WHERE u.id = asked.id AND asked.wanted AND asked.refused IS NULL AND asked.taken IS NULL
    RETURNING u.id, u.email, u.display_name, u.created_at, u.updated_at, u.xmin
)
SELECT changed.object, coalesce(changed.tag, found.tag) AS tag, asked.refused, asked.taken
FROM found
LEFT JOIN asked ON true
LEFT JOIN (
    SELECT {user} AS object, {user_tag} AS tag
    FROM changed u
) changed ON true

-- write: delete_user -> object, tag
WITH found AS (
    SELECT u.id, {user_tag} AS tag
    FROM users u, {set_caller}
    WHERE u.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM users u
    USING found
    WHERE u.id = found.id AND {is_wanted}
    RETURNING u.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.tag
FROM found
LEFT JOIN deleted ON true

-- list: list_users of user u
SELECT u.id, u.email, u.display_name, u.created_at, u.updated_at,
       octet_length(concat(u.email, u.display_name)) AS size
FROM users u
WHERE TRUE
