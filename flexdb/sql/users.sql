-- object: user u
id, email, display_name, created_at time, updated_at time

-- write: create_user -> object
INSERT INTO users AS u (id, email, display_name, created_at, updated_at)
SELECT %(id)s::uuid, %(email)s, %(display_name)s, clock.now, clock.now
FROM clock_timestamp() AS clock (now)
RETURNING {user} AS object

-- read: get_user -> object
SELECT {user} AS object
FROM users u
WHERE u.id = %(id)s

-- write: update_user -> object
UPDATE users u
SET email = coalesce(%(email)s, u.email),
    display_name = coalesce(%(display_name)s, u.display_name), updated_at = clock_timestamp()
WHERE u.id = %(id)s
RETURNING {user} AS object

-- write: delete_user -> object
DELETE FROM users u
WHERE u.id = %(id)s
RETURNING '{}'::json AS object

-- list: list_users of user u
SELECT u.id, u.email, u.display_name, u.created_at, u.updated_at,
       octet_length(concat(u.email, u.display_name)) AS size
FROM users u
