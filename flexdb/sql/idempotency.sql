-- read: take_key -> patience, taken, usual_patience
-- Others with the same key wait until the transaction ends, for five seconds at most.
SELECT set_config('lock_timeout', '5s', true) AS patience,
       pg_advisory_xact_lock(hashtextextended(
           concat_ws(' ', 'idempotency', %(tenant_id)s::uuid, %(caller)s::text, %(key)s::text),
           0))::text AS taken,
       set_config('lock_timeout', NULL, true) AS usual_patience

-- read: get_reply -> fingerprint, status, headers, reply
-- There is a row where the key was used. It stands behind take_key and not in it, so that it sees what
-- that waited for.
SELECT k.fingerprint, k.status, k.headers::json AS headers, k.reply
FROM flexdb_idempotency_keys k
WHERE k.tenant_id = %(tenant_id)s::uuid AND k.caller = %(caller)s AND k.key = %(key)s
  AND k.created_at > statement_timestamp() - make_interval(hours => %(hours)s::integer)

-- write: keep_reply -> key
-- One request in sixteen, as chance has it, takes along what is too old; of one such with the same
-- key it takes the place. Of one that is not, it fails: a reply has a status.
INSERT INTO flexdb_idempotency_keys AS k
    (tenant_id, caller, key, fingerprint, status, headers, reply)
SELECT %(tenant_id)s::uuid, %(caller)s, %(key)s, %(fingerprint)s::bytea, %(status)s::integer,
       %(headers)s::jsonb, %(reply)s::bytea
FROM (SELECT CASE WHEN get_byte(%(fingerprint)s::bytea, 0) < 16
             THEN flexdb_forget_keys(%(hours)s::integer, 200) END AS forgotten) f
ON CONFLICT (tenant_id, caller, key) DO UPDATE
SET fingerprint = excluded.fingerprint,
    status = CASE WHEN k.created_at
                       <= statement_timestamp() - make_interval(hours => %(hours)s::integer)
             THEN excluded.status END,
    headers = excluded.headers, reply = excluded.reply, created_at = statement_timestamp()
RETURNING k.key
