-- frame: key_number
-- By which who wants a key waits for whoever has it.
hashtextextended(concat_ws(' ', 'idempotency', %(tenant_id)s::uuid, a.caller, a.key), 0)

-- read: take_key -> patience, taken, usual_patience, by_index
-- Others with the same key wait until the transaction ends, for five seconds at most. What follows
-- is looked for by the index of keys: of a table that was empty when it was vacuumed PostgreSQL
-- plans to read all, until it is analyzed again.
SELECT set_config('lock_timeout', '5s', true) AS patience,
       pg_advisory_xact_lock({key_number})::text AS taken,
       set_config('lock_timeout', NULL, true) AS usual_patience,
       set_config('enable_seqscan', 'off', true) AS by_index
FROM (SELECT %(caller)s::text AS caller, %(key)s::text AS key) a

-- read: get_reply -> fingerprint, status, headers, reply, usual_plans
-- There is a fingerprint where the key was used. It stands behind take_key and not in it, so that it
-- sees what that waited for.
SELECT k.fingerprint, k.status, k.headers::json AS headers, k.reply, a.usual_plans
FROM (SELECT set_config('enable_seqscan', NULL, true) AS usual_plans) a
LEFT JOIN flexdb_idempotency_keys k
    ON k.tenant_id = %(tenant_id)s::uuid AND k.caller = %(caller)s AND k.key = %(key)s
   AND k.created_at > statement_timestamp() - make_interval(hours => %(hours)s::integer)

-- read: begin_keys -> patience, by_index
-- Nothing that several requests do in one transaction holds them up for more than 100 ms.
SELECT set_config('lock_timeout', '100', true) AS patience,
       set_config('enable_seqscan', 'off', true) AS by_index

-- read: take_free_keys -> free, usual_plans
-- "t" or "f" for each, as they are given: those that nobody uses or used are taken, and the others
-- not waited for. It does not see what is kept at this very moment, which keep_replies meets.
SELECT string_agg(CASE WHEN (
           -- Not joined, so that each is looked for by the whole of its key.
           SELECT k.key
           FROM flexdb_idempotency_keys k
           WHERE k.tenant_id = %(tenant_id)s::uuid AND k.caller = a.caller AND k.key = a.key
       ) IS NULL AND pg_try_advisory_xact_lock({key_number}) THEN 't' ELSE 'f' END, ''
       ORDER BY a.place) AS free,
       set_config('enable_seqscan', NULL, true) AS usual_plans
FROM unnest(%(callers)s::text[], %(keys)s::text[]) WITH ORDINALITY a (caller, key, place)

-- write: keep_reply -> key
-- One request in sixteen, as chance has it, takes along what is too old; of one such with the same
-- key it takes the place. Of one that is not, it fails: a reply has a status.
INSERT INTO flexdb_idempotency_keys AS k
    (tenant_id, caller, key, fingerprint, status, headers, reply)
SELECT %(tenant_id)s::uuid, %(caller)s, %(key)s, %(fingerprint)s::bytea, %(status)s::integer,
       %(headers)s::jsonb, %(reply)s::bytea
FROM (SELECT CASE WHEN get_byte(%(fingerprint)s::bytea, 0) < 16
             AND set_config('enable_seqscan', 'off', true) = 'off'
             THEN flexdb_forget_keys(%(hours)s::integer, 200) END AS forgotten) f
ON CONFLICT (tenant_id, caller, key) DO UPDATE
SET fingerprint = excluded.fingerprint,
    status = CASE WHEN k.created_at
                       <= statement_timestamp() - make_interval(hours => %(hours)s::integer)
             THEN excluded.status END,
    headers = excluded.headers, reply = excluded.reply, created_at = statement_timestamp()
RETURNING k.key

-- write: keep_replies
-- Of keys that take_free_keys took; it fails where one is used all the same.
WITH f AS (
    SELECT CASE WHEN get_byte((%(fingerprints)s::bytea[])[1], 0)
                     < 16 * cardinality(%(keys)s::text[])
           AND set_config('enable_seqscan', 'off', true) = 'off'
           THEN flexdb_forget_keys(%(hours)s::integer, 200) END AS forgotten
)
INSERT INTO flexdb_idempotency_keys
    (tenant_id, caller, key, fingerprint, status, headers, reply)
SELECT %(tenant_id)s::uuid, a.caller, a.key, a.fingerprint, a.status, a.headers, a.reply
FROM unnest(%(callers)s::text[], %(keys)s::text[], %(fingerprints)s::bytea[],
            %(statuses)s::integer[], %(headers)s::jsonb[], %(replies)s::bytea[])
     a (caller, key, fingerprint, status, headers, reply)
CROSS JOIN f
