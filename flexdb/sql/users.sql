-- object: user
(SELECT row_to_json(o) FROM (
    SELECT u.id, u.email, u.display_name, {time u.created_at} AS created_at,
           {time u.updated_at} AS updated_at
) o)

-- name: create_user
INSERT INTO users AS u (id, email, display_name, created_at, updated_at)
SELECT %(id)s::uuid, %(email)s, %(display_name)s, clock.now, clock.now
FROM clock_timestamp() AS clock (now)
RETURNING {user}

-- name: get_user
SELECT {user}
FROM users u
WHERE u.id = %(id)s

-- name: update_user
UPDATE users u
SET email = coalesce(%(email)s, u.email),
    display_name = coalesce(%(display_name)s, u.display_name), updated_at = clock_timestamp()
WHERE u.id = %(id)s
RETURNING {user}

-- name: delete_user
DELETE FROM users u
WHERE u.id = %(id)s
RETURNING '{}'::json

-- list: list_users of user u
SELECT u.id, u.email, u.display_name, u.created_at, u.updated_at,
       octet_length(concat(u.email, u.display_name)) AS size
FROM users u
