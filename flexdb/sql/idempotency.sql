-- read: take_key -> fingerprint, status, headers, reply
-- Others with the same key wait until the transaction ends; there is a row where the key was used.
SELECT k.fingerprint, k.status, k.headers, k.reply
FROM flexdb_take_key(%(tenant_id)s::uuid, %(caller)s, %(key)s, %(hours)s::integer) k

-- write: keep_reply -> key
-- One request in sixteen, as chance has it, takes along what is too old; of one such with the same
-- key it takes the place.
INSERT INTO flexdb_idempotency_keys AS k
    (tenant_id, caller, key, fingerprint, status, headers, reply)
SELECT %(tenant_id)s::uuid, %(caller)s, %(key)s, %(fingerprint)s::bytea, %(status)s::integer,
       %(headers)s::jsonb, %(reply)s::bytea
FROM (SELECT CASE WHEN get_byte(%(fingerprint)s::bytea, 0) < 16
             THEN flexdb_forget_keys(%(hours)s::integer, 200) END AS forgotten) f
ON CONFLICT (tenant_id, caller, key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
    reply = excluded.reply, created_at = clock_timestamp()
WHERE k.created_at <= clock_timestamp() - make_interval(hours => %(hours)s::integer)
RETURNING k.key
