-- frame: has_unnumbered
-- Whether there is something to be done before the position in a tenant's head h is the last one, at
-- a snapshot s: changes without a position, or a place from which to look for such that is to be moved
-- on, so that this looks at few.
(h.floor < h.next_floor AND (s.running >= h.next_xid OR h.next_xid >= s.ended)
 OR EXISTS (
     SELECT
     FROM flexdb_changes c
     WHERE c.tenant_id = h.tenant_id AND c.seq > h.floor
       AND (SELECT p.position
            FROM flexdb_change_positions p
            WHERE p.tenant_id = h.tenant_id AND p.seq = c.seq) IS NULL))

-- read: look_at_changes -> object
-- Of tenants that somebody listens to: the position of now, and whether it is to be asked for anew.
-- Where row security hides the changes, it is.
SELECT coalesce(json_object_agg(h.tenant_id, json_build_array(
           concat(f.name, '.', h.epoch, '.', h.position),
           %(is_blind)s OR {has_unnumbered})), '{}')::json AS object
FROM unnest(%(tenants)s::uuid[]) asked (id)
JOIN flexdb_change_heads h ON h.tenant_id = asked.id
CROSS JOIN flexdb_feed f
CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS running,
                   pg_snapshot_xmax(pg_current_snapshot()) AS ended) s
