-- object: user u
id, email, display_name, created_at time, updated_at time

-- frame: user_tag
to_hex(hash_record_extended((u.created_at, u.updated_at, u.xmin), 0))

-- write: create_user -> object, tag
INSERT INTO users AS u (id, email, display_name, created_at, updated_at)
SELECT %(id)s::uuid, %(email)s, %(display_name)s, clock.now, clock.now
FROM clock_timestamp() AS clock (now)
RETURNING {user} AS object, {user_tag} AS tag

-- read: get_user -> object, tag
SELECT {user} AS object, {user_tag} AS tag
FROM users u
WHERE u.id = %(id)s

-- write: update_user -> object, tag
WITH found AS (
    SELECT u.id, {user_tag} AS tag
    FROM users u
    WHERE u.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE users u
    SET email = coalesce(%(email)s, u.email),
        display_name = coalesce(%(display_name)s, u.display_name), updated_at = clock_timestamp()
    FROM found
    WHERE u.id = found.id AND {is_wanted}
    RETURNING {user} AS object, {user_tag} AS tag
)
SELECT changed.object, coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN changed ON true

-- write: delete_user -> object, tag
WITH found AS (
    SELECT u.id, {user_tag} AS tag
    FROM users u
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
