-- object: webhook w
id, tenant_id, url, events, node_type_ids, relationship_types, filter json nullable, ordering, status,
reason nullable, failures, failing_since time, version, created_at time, updated_at time

-- frame: webhook_tag
-- Of what is told of it: who delivers writes to its row all the time.
concat(w.version, '-', to_hex(hash_record_extended(
    (w.created_at, w.status, w.reason, w.failures, w.failing_since), 0)))

-- write: create_webhook -> object, version, tag, refused
WITH tenant AS (
    SELECT t.id,
           (SELECT count(*) FROM flexdb_webhooks w
            WHERE w.tenant_id = %(tenant_id)s) < %(most)s AS has_room
    FROM tenants t
    WHERE t.id = %(tenant_id)s
), created AS (
    INSERT INTO flexdb_webhooks AS w
        (tenant_id, id, url, secrets, events, node_type_ids, relationship_types, filter, ordering,
         epoch, position, created_at, updated_at)
    SELECT tenant.id, %(id)s::uuid, %(url)s,
           jsonb_build_array(jsonb_build_object('secret', %(secret)s::text, 'until', NULL)),
           %(events)s::text[], %(node_type_ids)s::uuid[], %(relationship_types)s::text[],
           %(filter)s::json, %(ordering)s, coalesce(h.epoch, '0'),
           coalesce(%(position)s::bigint, h.position, 0), statement_timestamp(),
           statement_timestamp()
    FROM tenant
    LEFT JOIN flexdb_change_heads h ON h.tenant_id = %(tenant_id)s
    WHERE tenant.has_room
    RETURNING w.id, w.tenant_id, w.url, w.events, w.node_type_ids, w.relationship_types, w.filter,
              w.ordering, w.status, w.reason, w.failures, w.failing_since, w.version, w.created_at,
              w.updated_at
)
SELECT created.object, created.version, created.tag,
       CASE WHEN NOT tenant.has_room THEN 'url' END AS refused
FROM tenant
LEFT JOIN (
    SELECT {webhook} AS object, w.version, {webhook_tag} AS tag
    FROM created w
) created ON true

-- read: get_webhook -> object, version, tag
SELECT {webhook} AS object, w.version, {webhook_tag} AS tag
FROM flexdb_webhooks w
WHERE w.tenant_id = %(tenant_id)s AND w.id = %(id)s

-- write: update_webhook -> object, version, tag
WITH found AS (
    SELECT w.version, {webhook_tag} AS tag,
           coalesce(%(status)s = 'active' OR %(url)s <> w.url, false) AS is_fresh
    FROM flexdb_webhooks w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(id)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE flexdb_webhooks w
    SET url = coalesce(%(url)s, w.url),
        events = CASE WHEN %(has_events)s THEN %(events)s::text[] ELSE w.events END,
        node_type_ids = CASE WHEN %(has_node_type_ids)s THEN %(node_type_ids)s::uuid[]
                             ELSE w.node_type_ids END,
        relationship_types = CASE WHEN %(has_relationship_types)s
                                  THEN %(relationship_types)s::text[]
                                  ELSE w.relationship_types END,
        filter = CASE WHEN %(has_filter)s THEN %(filter)s::json ELSE w.filter END,
        ordering = coalesce(%(ordering)s, w.ordering),
        status = coalesce(%(status)s, w.status),
        reason = CASE WHEN %(status)s IS NULL THEN w.reason END,
        failures = CASE WHEN found.is_fresh THEN 0 ELSE w.failures END,
        failing_since = CASE WHEN NOT found.is_fresh THEN w.failing_since END,
        paused_until = CASE WHEN NOT found.is_fresh THEN w.paused_until END,
        version = w.version + 1, updated_at = greatest(w.updated_at, statement_timestamp())
    FROM found
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING w.id, w.tenant_id, w.url, w.events, w.node_type_ids, w.relationship_types, w.filter,
              w.ordering, w.status, w.reason, w.failures, w.failing_since, w.version, w.created_at,
              w.updated_at
)
SELECT changed.object, coalesce(changed.version, found.version) AS version,
       coalesce(changed.tag, found.tag) AS tag
FROM found
LEFT JOIN (
    SELECT {webhook} AS object, w.version, {webhook_tag} AS tag
    FROM changed w
) changed ON true

-- write: rotate_webhook_secret -> object, version, tag
WITH changed AS (
    UPDATE flexdb_webhooks w
    SET secrets = jsonb_build_array(jsonb_build_object('secret', %(secret)s::text, 'until', NULL))
            || CASE WHEN %(overlap)s::integer = 0 THEN '[]'
                    ELSE jsonb_build_array(jsonb_build_object(
                        'secret', w.secrets -> 0 -> 'secret',
                        'until',
                        statement_timestamp() + make_interval(secs => %(overlap)s::integer))) END,
        version = w.version + 1, updated_at = greatest(w.updated_at, statement_timestamp())
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(id)s
    RETURNING w.id, w.tenant_id, w.url, w.events, w.node_type_ids, w.relationship_types, w.filter,
              w.ordering, w.status, w.reason, w.failures, w.failing_since, w.version, w.created_at,
              w.updated_at
)
SELECT {webhook} AS object, w.version, {webhook_tag} AS tag
FROM changed w

-- write: delete_webhook -> object, version, tag
WITH found AS (
    SELECT w.version, {webhook_tag} AS tag
    FROM flexdb_webhooks w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(id)s
    FOR UPDATE
), deleted AS (
    DELETE FROM flexdb_webhooks w
    USING found
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(id)s
      AND found.version = coalesce(%(version)s, found.version) AND {is_wanted}
    RETURNING w.id
)
SELECT CASE WHEN deleted.id IS NOT NULL THEN '{}'::json END AS object, found.version, found.tag
FROM found
LEFT JOIN deleted ON true

-- lock: before_webhooks -> object
SELECT {webhook} AS object
FROM flexdb_webhooks w
WHERE w.tenant_id = %(tenant_id)s AND w.id = %(id)s
FOR NO KEY UPDATE

-- list: list_webhooks of webhook w
SELECT w.tenant_id, w.id, w.url, w.events, w.node_type_ids, w.relationship_types, w.filter,
       w.ordering, w.status, w.reason, w.failures, w.failing_since, w.version, w.created_at,
       w.updated_at,
       octet_length(concat(w.url, w.events, w.node_type_ids, w.relationship_types, w.filter,
                           w.reason)) AS size
FROM flexdb_webhooks w
WHERE w.tenant_id = %(tenant_id)s

-- object: delivery d
tenant_id, webhook_id, position, object_id, status, attempts, due time, last_status,
last_error nullable, created_at time, done_at time

-- list: list_deliveries of delivery d
SELECT d.tenant_id, d.webhook_id, d.position, d.object_id, d.status, d.attempts, d.due,
       d.last_status, d.last_error, d.created_at, d.done_at,
       200 + octet_length(concat(d.last_error)) AS size
FROM flexdb_deliveries d
WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s

-- read: count_deliveries -> object
-- Up to 10,000 of each; and for how many seconds the oldest has waited for its end, be it entered
-- yet or not.
SELECT json_build_object(
           'waiting', waiting.deliveries, 'dead', dead.deliveries,
           'lag', coalesce(floor(greatest(0, extract(
               epoch FROM statement_timestamp() - least(waiting.oldest, missing.at)))), 0)::bigint)
       AS object
FROM flexdb_webhooks w
CROSS JOIN (
    SELECT count(*) AS deliveries, min(d.created_at) AS oldest
    FROM (
        SELECT d.created_at
        FROM flexdb_deliveries d
        WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s
          AND d.status = 'waiting'
        LIMIT 10000
    ) d
) waiting
CROSS JOIN (
    SELECT count(*) AS deliveries
    FROM (
        SELECT d.status
        FROM flexdb_deliveries d
        WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s AND d.status = 'dead'
        LIMIT 10000
    ) d
) dead
LEFT JOIN LATERAL (
    SELECT c.at
    FROM flexdb_changes c
    LEFT JOIN flexdb_change_positions p ON p.tenant_id = c.tenant_id AND p.seq = c.seq
    WHERE c.tenant_id = %(tenant_id)s AND c.seq > coalesce((
            SELECT behind.seq
            FROM flexdb_change_positions behind
            WHERE behind.tenant_id = %(tenant_id)s AND behind.position = w.position), 0)
      AND (p.position IS NULL OR p.position > w.position)
    ORDER BY c.seq
    LIMIT 1
) missing ON true
WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s

-- write: test_webhook -> object, refused
WITH webhook AS (
    SELECT w.tenant_id, w.id, (
        SELECT count(*)
        FROM flexdb_deliveries d
        WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = w.id AND d.object_id = w.id
          AND d.status = 'waiting'
    ) < %(most)s AS has_room
    FROM flexdb_webhooks w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s
), made AS (
    INSERT INTO flexdb_deliveries AS d (tenant_id, webhook_id, position, object_id)
    SELECT webhook.tenant_id, webhook.id,
           -(extract(epoch FROM statement_timestamp()) * 1000000)::bigint, webhook.id
    FROM webhook
    WHERE webhook.has_room
    RETURNING d.tenant_id, d.webhook_id, d.position, d.object_id, d.status, d.attempts, d.due,
              d.last_status, d.last_error, d.created_at, d.done_at
)
SELECT made.object, CASE WHEN NOT webhook.has_room THEN 'webhook_id' END AS refused
FROM webhook
LEFT JOIN (SELECT {delivery} AS object FROM made d) made ON true

-- write: redeliver -> object
-- What is being sent at this moment is left alone.
WITH webhook AS (
    SELECT w.id
    FROM flexdb_webhooks w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s
), named AS (
    SELECT d.position
    FROM flexdb_deliveries d
    WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s
      AND d.position = ANY (%(positions)s::bigint[])
      AND (d.leased_until IS NULL OR d.leased_until < statement_timestamp())
    ORDER BY d.created_at, d.position
    FOR NO KEY UPDATE
), dead AS (
    SELECT d.position
    FROM flexdb_deliveries d
    WHERE %(positions)s::bigint[] IS NULL
      AND d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s AND d.status = 'dead'
      AND d.created_at >= coalesce(%(since)s::timestamptz, '-infinity')
      AND d.created_at < coalesce(%(until)s::timestamptz, 'infinity')
    ORDER BY d.created_at, d.position
    LIMIT %(most)s
    FOR NO KEY UPDATE
), changed AS (
    UPDATE flexdb_deliveries d
    SET status = 'waiting', attempts = 0, due = statement_timestamp(), leased_until = NULL,
        done_at = NULL
    FROM (SELECT named.position FROM named UNION ALL SELECT dead.position FROM dead) chosen
    WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s
      AND d.position = chosen.position
    RETURNING d.position
)
SELECT json_build_object('count', (SELECT count(*) FROM changed)) AS object
FROM webhook

-- read: webhook_figures -> object
-- Of all tenants, up to 10,000 of each and of 1,000 webhooks: how many deliveries wait or are dead, and
-- for how many seconds the oldest has waited for its end, be it entered yet or not.
SELECT json_build_object('waiting', waiting.deliveries, 'dead', dead.deliveries, 'lag', greatest(
           0, extract(epoch FROM statement_timestamp() - least(waiting.oldest, missing.oldest))))
       AS object
FROM (
    SELECT count(*) AS deliveries, min(d.created_at) FILTER (WHERE d.is_active) AS oldest
    FROM (
        SELECT d.created_at, w.status = 'active' AS is_active
        FROM flexdb_deliveries d
        JOIN flexdb_webhooks w ON w.tenant_id = d.tenant_id AND w.id = d.webhook_id
        WHERE d.status = 'waiting'
        ORDER BY d.due
        LIMIT 10000
    ) d
) waiting, (
    SELECT count(*) AS deliveries
    FROM (SELECT d.status FROM flexdb_deliveries d WHERE d.status = 'dead' LIMIT 10000) d
) dead, (
    SELECT min(missing.at) AS oldest
    FROM (
        SELECT w.tenant_id, w.position
        FROM flexdb_webhooks w
        WHERE w.status = 'active'
        LIMIT 1000
    ) w
    CROSS JOIN LATERAL (
        SELECT c.at
        FROM flexdb_changes c
        LEFT JOIN flexdb_change_positions p ON p.tenant_id = c.tenant_id AND p.seq = c.seq
        WHERE c.tenant_id = w.tenant_id AND c.seq > coalesce((
                SELECT behind.seq
                FROM flexdb_change_positions behind
                WHERE behind.tenant_id = w.tenant_id AND behind.position = w.position), 0)
          AND (p.position IS NULL OR p.position > w.position)
        ORDER BY c.seq
        LIMIT 1
    ) missing
) missing
