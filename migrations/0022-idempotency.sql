-- What requests were answered that came with a key of their own, so that each is done once, however
-- often it is sent, and answered alike.
-- depends: 0021-changes

-- A row is there when what it tells of is: it is written in the same transaction, and as a whole.
CREATE TABLE IF NOT EXISTS flexdb_idempotency_keys (
    -- The nil tenant where the calls are of several or of none.
    tenant_id uuid NOT NULL,
    caller text NOT NULL,
    key text NOT NULL,
    -- The SHA-256 of the request.
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    -- NULL where the answer is not kept: it is large, holds a secret, or was to be forgotten.
    reply bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT flexdb_idempotency_keys_pkey PRIMARY KEY (tenant_id, caller, key)
);
CREATE INDEX IF NOT EXISTS flexdb_idempotency_keys_age ON flexdb_idempotency_keys (created_at);

-- Delete so many of the keys that are older, the oldest first, and return how many there were.
CREATE OR REPLACE FUNCTION flexdb_forget_keys(hours integer, most integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    -- As a constant: an index finds nothing by what each row asks the clock for.
    until constant timestamptz := clock_timestamp() - make_interval(hours => hours);
    found integer;
BEGIN
    DELETE FROM flexdb_idempotency_keys k
    USING (
        SELECT o.tenant_id, o.caller, o.key
        FROM flexdb_idempotency_keys o
        WHERE o.created_at < until
        ORDER BY o.created_at
        LIMIT most
        FOR UPDATE SKIP LOCKED
    ) o
    WHERE k.tenant_id = o.tenant_id AND k.caller = o.caller AND k.key = o.key;
    GET DIAGNOSTICS found = ROW_COUNT;
    RETURN found;
END $$;

-- Forget the answers that may hold an object of a tenant: all of that tenant, and of those that are
-- of several the ones that name it. That they were given stays known.
CREATE OR REPLACE FUNCTION flexdb_forget_replies(of_tenant uuid, of_object uuid) RETURNS void
LANGUAGE sql AS $$
    UPDATE flexdb_idempotency_keys k
    SET reply = NULL
    WHERE k.tenant_id = of_tenant AND k.reply IS NOT NULL;
    UPDATE flexdb_idempotency_keys k
    SET reply = NULL
    WHERE k.tenant_id = flexdb_nil() AND k.reply IS NOT NULL
      AND position(convert_to(of_object::text, 'UTF8') IN k.reply) > 0;
$$;

-- What its calls were answered goes with a tenant; behind this comes what its deletion was answered.
-- The cascades, which wait for who writes to it, have gone before: their triggers' names do.
CREATE OR REPLACE FUNCTION flexdb_forget_keys_of_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM flexdb_idempotency_keys k WHERE k.tenant_id = OLD.id;
    -- And the answers of what made it, or was about others too.
    PERFORM flexdb_forget_replies(OLD.id, OLD.id);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER flexdb_forget_keys_of_tenant AFTER DELETE ON tenants
FOR EACH ROW EXECUTE FUNCTION flexdb_forget_keys_of_tenant();
