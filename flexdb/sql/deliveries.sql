-- What sends the deliveries of webhooks: for which there is something to do, taking one, ending it.

-- frame: is_free
-- Whether a delivery d is to be sent, as far as its webhook lets it.
d.status = 'waiting' AND d.due <= statement_timestamp()
AND (d.leased_until IS NULL OR d.leased_until <= statement_timestamp())

-- frame: serves
-- Whether a webhook w may be sent anything at this moment.
w.status = 'active' AND (w.paused_until IS NULL OR w.paused_until <= statement_timestamp())

-- frame: has_room
-- Whether more deliveries of a webhook w may wait, its tenant being named beside it.
(SELECT count(*)
 FROM (SELECT FROM flexdb_deliveries d
       WHERE d.tenant_id = its.tenant_id AND d.webhook_id = w.id AND d.status = 'waiting'
       LIMIT %(room)s) d) < %(room)s

-- read: find_due_webhooks -> webhooks
-- Of all tenants, at one look: those with deliveries to be sent, and those with room for more where
-- something changed; so that of what a receiver does not take no more waits here than that, and the
-- rest in the log. Where row security hides the changes, each tenant's have to be asked for.
SELECT coalesce(json_agg(json_build_array(due.tenant_id, due.id, due.has_news)), '[]') AS webhooks
FROM (
    SELECT w.tenant_id, w.id, news.has_news
    FROM flexdb_webhooks w
    JOIN flexdb_change_heads h ON h.tenant_id = w.tenant_id
    CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS running,
                       pg_snapshot_xmax(pg_current_snapshot()) AS ended) s
    CROSS JOIN LATERAL (SELECT w.tenant_id) its
    CROSS JOIN LATERAL (
        SELECT (%(is_blind)s OR h.position > w.position OR h.epoch <> w.epoch OR {has_unnumbered})
               AND {has_room} AS has_news
    ) news
    WHERE {serves}
      AND (news.has_news
           OR EXISTS (SELECT FROM flexdb_deliveries d
                      WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND {is_free}))
    -- So that those who have much to be sent do not always come first.
    ORDER BY random()
    LIMIT %(most)s
) due

-- lock: lock_webhook -> webhook, filter
-- Who cannot have it at once leaves it to who has it.
SELECT json_build_object(
           'feed', concat(f.name, '.', w.epoch), 'position', w.position, 'events', w.events,
           'node_type_ids', w.node_type_ids, 'relationship_types', w.relationship_types,
           'is_to_enter', coalesce(h.epoch <> w.epoch OR h.position > w.position, false)
                          AND {has_room}) AS webhook,
       w.filter::text AS filter
FROM flexdb_webhooks w
CROSS JOIN (SELECT %(tenant_id)s::uuid AS tenant_id) its
CROSS JOIN flexdb_feed f
LEFT JOIN flexdb_change_heads h ON h.tenant_id = %(tenant_id)s
WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s AND {serves}
FOR NO KEY UPDATE OF w SKIP LOCKED

-- write: enter_deliveries -> entered
WITH moved AS (
    UPDATE flexdb_webhooks w
    SET position = %(position)s::bigint
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s
    RETURNING w.tenant_id, w.id
), entered AS (
    INSERT INTO flexdb_deliveries (tenant_id, webhook_id, position, object_id)
    SELECT w.tenant_id, w.id, e.position, e.object_id
    FROM moved w
    CROSS JOIN unnest(%(positions)s::bigint[], %(objects)s::uuid[]) AS e (position, object_id)
    -- It was entered before where the database is one of yesterday.
    ON CONFLICT (tenant_id, webhook_id, position) DO NOTHING
    RETURNING position
)
SELECT count(*) AS entered
FROM entered

-- write: disable_webhook -> position
-- Where what it did not hear of is gone, it may go on from now; else where it was.
UPDATE flexdb_webhooks w
SET status = 'disabled', reason = %(reason)s, epoch = %(epoch)s, position = %(position)s::bigint
WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s
RETURNING w.position

-- write: claim_delivery -> delivery
-- Of those that no earlier one precedes, of the same object or of all, the one that waited longest.
-- The lease is an end to waiting for who took one and is no more.
WITH webhook AS MATERIALIZED (
    SELECT w.id, w.ordering, w.url, w.secrets, concat(f.name, '.', w.epoch) AS feed,
           CASE WHEN w.ordering = 'all' THEN (
               SELECT min(e.position)
               FROM flexdb_deliveries e
               WHERE e.tenant_id = %(tenant_id)s AND e.webhook_id = w.id AND e.status = 'waiting'
                 AND e.position > 0) END AS first,
           CASE WHEN w.failures >= %(probing)s THEN 1 ELSE %(places)s::integer END - (
               SELECT count(*)
               FROM flexdb_deliveries e
               WHERE e.tenant_id = %(tenant_id)s AND e.webhook_id = w.id AND e.status = 'waiting'
                 AND e.leased_until > statement_timestamp()) AS places
    FROM flexdb_webhooks w
    CROSS JOIN flexdb_feed f
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s
), next AS MATERIALIZED (
    SELECT d.position
    FROM webhook w
    JOIN flexdb_deliveries d ON d.tenant_id = %(tenant_id)s AND d.webhook_id = w.id
    WHERE w.places > 0 AND {is_free}
      AND (d.position < 0
           OR w.ordering = 'all' AND d.position = w.first
           OR w.ordering <> 'all' AND NOT EXISTS (
               SELECT
               FROM flexdb_deliveries e
               WHERE e.tenant_id = %(tenant_id)s AND e.webhook_id = w.id AND e.status = 'waiting'
                 AND e.object_id = d.object_id AND e.position < d.position))
    ORDER BY d.due, d.position
    LIMIT 1
    FOR NO KEY UPDATE OF d SKIP LOCKED
), claimed AS (
    UPDATE flexdb_deliveries d
    SET attempts = d.attempts + 1,
        leased_until = statement_timestamp() + make_interval(secs => %(lease)s::float8)
    FROM next
    WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s
      AND d.position = next.position
    RETURNING d.position, d.attempts
)
SELECT json_build_object(
           'position', c.position, 'attempts', c.attempts, 'feed', w.feed, 'url', w.url,
           'secrets', (SELECT json_agg(s.value -> 'secret')
                       FROM jsonb_array_elements(w.secrets) s
                       WHERE coalesce((s.value ->> 'until')::timestamptz, 'infinity')
                             > statement_timestamp()),
           'now', extract(epoch FROM statement_timestamp())) AS delivery
FROM claimed c
CROSS JOIN webhook w

-- frame: is_given_up
-- Whether a failure was one too many for a webhook w.
(NOT %(succeeded)s::boolean AND (
    %(last_status)s::integer = 410
    OR coalesce(w.failing_since
                < statement_timestamp() - make_interval(secs => %(patience)s::float8), false)))

-- write: end_attempt -> ended, disabled
-- Of who took it last alone. The webhook is locked first, as by who enters, and only where its row
-- has to tell of it: most attempts succeed, as the one before did.
WITH webhook AS MATERIALIZED (
    SELECT w.id
    FROM flexdb_webhooks w
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s
      AND %(counts)s::boolean AND (w.failures > 0 OR NOT %(succeeded)s::boolean)
    FOR NO KEY UPDATE
), ended AS (
    UPDATE flexdb_deliveries d
    SET status = %(status)s, leased_until = NULL, last_status = nullif(%(last_status)s::integer, 0),
        last_error = nullif(%(last_error)s, ''),
        due = statement_timestamp() + make_interval(secs => %(delay)s::float8),
        done_at = CASE WHEN %(status)s <> 'waiting' THEN statement_timestamp() END
    FROM (SELECT count(*) FROM webhook) locked
    WHERE d.tenant_id = %(tenant_id)s AND d.webhook_id = %(webhook_id)s
      AND d.position = %(position)s::bigint AND d.status = 'waiting'
      AND d.attempts = %(attempts)s::integer AND d.leased_until IS NOT NULL
    RETURNING d.position
), told AS (
    UPDATE flexdb_webhooks w
    SET failures = CASE WHEN %(succeeded)s::boolean THEN 0 ELSE w.failures + 1 END,
        failing_since = CASE WHEN NOT %(succeeded)s::boolean
                             THEN coalesce(w.failing_since, statement_timestamp()) END,
        paused_until = CASE WHEN NOT %(succeeded)s::boolean THEN greatest(
            w.paused_until, statement_timestamp() + make_interval(secs => CASE
                WHEN w.failures + 1 >= %(probing)s THEN greatest(%(pause)s::float8, %(probe)s::float8)
                ELSE %(pause)s::float8 END)) END,
        status = CASE WHEN {is_given_up} THEN 'disabled' ELSE w.status END,
        reason = CASE WHEN NOT {is_given_up} THEN w.reason
                      WHEN %(last_status)s::integer = 410 THEN 'it answered with 410'
                      ELSE concat('there were nothing but failures since ', w.failing_since) END
    FROM webhook, ended
    WHERE w.tenant_id = %(tenant_id)s AND w.id = %(webhook_id)s
    RETURNING CASE WHEN w.status = 'disabled' THEN w.reason END AS disabled
)
SELECT (SELECT count(*) FROM ended) AS ended, (SELECT told.disabled FROM told) AS disabled

-- write: remove_ended_deliveries -> removed
WITH old AS (
    SELECT d.tenant_id, d.webhook_id, d.position
    FROM flexdb_webhooks w
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.webhook_id, d.position
        FROM flexdb_deliveries d
        WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.status <> 'waiting'
          AND d.created_at < statement_timestamp() - make_interval(days => %(days)s::integer)
          AND d.done_at < statement_timestamp() - make_interval(days => %(days)s::integer)
        LIMIT %(most)s
    ) d
    LIMIT %(most)s
), gone AS (
    DELETE FROM flexdb_deliveries d
    USING old o
    WHERE d.tenant_id = o.tenant_id AND d.webhook_id = o.webhook_id AND d.position = o.position
    RETURNING d.position
)
SELECT count(*) AS removed
FROM gone
