-- object: event e
id, at time, tenant_id, caller, operation, request_id, about, changed, before json nullable,
after json nullable

-- list: list_events of event e
SELECT e.id, e.at, e.tenant_id, e.caller, e.operation, e.request_id, e.about, e.changed, e.before,
       e.after, octet_length(concat(e.caller, e.operation, e.request_id, e.changed, e.before,
                                    e.after)) AS size
FROM flexdb_events e
WHERE e.at >= coalesce(%(since)s::timestamptz, '-infinity')
  AND e.at < coalesce(%(until)s::timestamptz, 'infinity')

-- write: note_event -> id
WITH old AS (
    DELETE FROM flexdb_events e
    USING (
        SELECT o.id
        FROM flexdb_events o
        WHERE o.at < statement_timestamp() - make_interval(days => %(days)s::integer)
        ORDER BY o.at
        LIMIT 10
        FOR UPDATE SKIP LOCKED
    ) o
    WHERE e.id = o.id
)
INSERT INTO flexdb_events AS e
    (id, tenant_id, caller, operation, request_id, about, changed, before, after)
VALUES (%(id)s::uuid, %(tenant_id)s::uuid, %(caller)s, %(operation)s, %(request_id)s,
        %(about)s::uuid, ARRAY(SELECT json_array_elements_text(%(changed)s::json)),
        %(before)s::jsonb, %(after)s::jsonb)
RETURNING e.id

-- lock: before_tenants -> object
SELECT {tenant} AS object
FROM tenants t
WHERE t.id = %(id)s
FOR NO KEY UPDATE

-- lock: before_users -> object
SELECT {user} AS object
FROM users u
WHERE u.id = %(id)s
FOR NO KEY UPDATE

-- lock: before_tenant_users -> object
SELECT {tenant_user} AS object
FROM tenant_users tu
WHERE tu.tenant_id = %(tenant_id)s AND tu.user_id = %(user_id)s
FOR NO KEY UPDATE

-- lock: before_keys -> object
SELECT {key} AS object
FROM flexdb_keys k
WHERE k.id = %(id)s AND k.tenant_id IS NOT DISTINCT FROM %(tenant_id)s::uuid
FOR NO KEY UPDATE

-- lock: before_invitations -> object
SELECT {invitation} AS object
FROM flexdb_invitations i
WHERE i.tenant_id = %(tenant_id)s AND i.id = %(id)s
FOR NO KEY UPDATE
