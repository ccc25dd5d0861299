"""A stand-in for Citus's functions, which notes that they were called and with what.

It shows in which order the statements go and that they are one transaction, and nothing of what
Citus itself does: for that there is ``make test-citus``.
"""

from __future__ import annotations

from flexdb.config import Settings
from tests.support import postgres

_MADE = """
    SET allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (99999, 'citus', 10, 'public'::regnamespace, false, '13.2-1');
    CREATE SCHEMA citus;
    CREATE TYPE citus.shard_transfer_mode AS ENUM ('auto', 'force_logical', 'block_writes');
    CREATE TABLE called (place integer GENERATED ALWAYS AS IDENTITY, what text);
    CREATE TABLE pg_dist_local_group (groupid integer);
    INSERT INTO pg_dist_local_group VALUES (0);
    CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char", repmodel "char");
    CREATE TABLE pg_dist_node (groupid integer, nodename text, nodeport integer, noderole text);
    INSERT INTO pg_dist_node VALUES (1, 'one', 5432, 'primary'), (2, 'two', 5432, 'primary');
    CREATE TABLE pg_dist_shard (logicalrelid regclass, shardid bigint, shardminvalue text,
                                shardmaxvalue text);
    CREATE TABLE pg_dist_placement (shardid bigint, groupid integer);
    CREATE VIEW citus_shards AS
    SELECT s.logicalrelid AS table_name, s.shardid, 1 AS colocation_id, n.nodename, n.nodeport,
           1000 AS shard_size
    FROM pg_dist_shard s
    JOIN pg_dist_placement p USING (shardid)
    JOIN pg_dist_node n USING (groupid);
    -- So many of all values, half of them below 0.
    CREATE FUNCTION worker_hash(of_value uuid) RETURNS integer LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashtext(of_value::text) $$;
    CREATE FUNCTION citus_get_active_worker_nodes() RETURNS TABLE (node_name text, node_port bigint)
    LANGUAGE sql AS $$ SELECT n.nodename, n.nodeport::bigint FROM pg_dist_node n $$;
    CREATE FUNCTION run_command_on_workers(command text) RETURNS TABLE (nodename text, result text)
    LANGUAGE sql AS $$ SELECT n.nodename, 'replica' FROM pg_dist_node n $$;
    CREATE FUNCTION create_reference_table(t regclass) RETURNS void LANGUAGE sql AS $$
        INSERT INTO called (what) VALUES ('reference ' || t);
        INSERT INTO pg_dist_partition VALUES (t, 'n', 't');
    $$;
    CREATE FUNCTION create_distributed_table(
        t regclass, by text, colocate_with text DEFAULT 'default', shard_count integer DEFAULT NULL)
    RETURNS void LANGUAGE sql AS $$
        INSERT INTO called (what)
        VALUES (concat_ws(' ', 'distributed', t, by, colocate_with, shard_count));
        INSERT INTO pg_dist_partition VALUES (t, 'h', 's');
        INSERT INTO pg_dist_shard
        SELECT t, t::oid::bigint * 10 + g, CASE g WHEN 1 THEN '-2147483648' ELSE '0' END,
               CASE g WHEN 1 THEN '-1' ELSE '2147483647' END
        FROM generate_series(1, 2) g;
        INSERT INTO pg_dist_placement
        SELECT t::oid::bigint * 10 + g, g FROM generate_series(1, 2) g;
    $$;
    CREATE FUNCTION undistribute_table(t regclass) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        gone regprocedure;
    BEGIN
        INSERT INTO called (what) VALUES ('local ' || t);
        DELETE FROM pg_dist_partition p WHERE p.logicalrelid = t;
        DELETE FROM pg_dist_shard s WHERE s.logicalrelid = t;
        -- Another table is put in the place of the old one, which is dropped with CASCADE.
        FOR gone IN SELECT DISTINCT d.objid FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_type'::regclass
                      AND d.refobjid = (SELECT c.reltype FROM pg_class c WHERE c.oid = t) LOOP
            EXECUTE 'DROP FUNCTION ' || gone;
        END LOOP;
    END $$;
    CREATE FUNCTION create_distributed_function(f regprocedure) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO called (what) VALUES ('function ' || f) $$;
    CREATE FUNCTION truncate_local_data_after_distributing_table(t regclass) RETURNS void
    LANGUAGE sql AS $$ INSERT INTO called (what) VALUES ('truncated ' || t) $$;
    CREATE FUNCTION get_rebalance_table_shards_plan()
    RETURNS TABLE (shardid bigint, shard_size bigint, sourcename text, sourceport integer,
                   targetname text, targetport integer)
    LANGUAGE sql AS $$ SELECT 7::bigint, 3000000::bigint, 'one', 5432, 'two', 5432
                       WHERE NOT EXISTS (SELECT FROM called c WHERE c.what LIKE 'moved%') $$;
    CREATE FUNCTION citus_rebalance_start(shard_transfer_mode citus.shard_transfer_mode)
    RETURNS bigint LANGUAGE sql AS
    $$ INSERT INTO called (what) VALUES ('moved ' || shard_transfer_mode); SELECT 1::bigint $$;
    CREATE FUNCTION citus_job_wait(job bigint) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO called (what) VALUES ('waited') $$;
    CREATE FUNCTION get_shard_id_for_distribution_column(t regclass, value uuid) RETURNS bigint
    LANGUAGE sql AS $$ SELECT t::oid::bigint * 10 + 1 $$;
    CREATE FUNCTION isolate_tenant_to_new_shard(
        t regclass, value uuid, cascade_option text, shard_transfer_mode citus.shard_transfer_mode)
    RETURNS bigint LANGUAGE sql AS $$
        INSERT INTO called (what) VALUES (concat_ws(' ', 'isolated', t, value, cascade_option));
        UPDATE pg_dist_shard s SET shardmaxvalue = s.shardminvalue
        WHERE s.shardid = t::oid::bigint * 10 + 1;
        SELECT t::oid::bigint * 10 + 1
    $$;
"""


def stand_in(settings: Settings) -> None:
    """Put the stand-in into a database."""
    with postgres.connect(settings) as connection:
        connection.execute(_MADE.encode())


def called(settings: Settings, *kinds: str) -> list[str]:
    """Return which functions were called, in their order.

    :param kinds: with which word their notes begin; all when there is none
    """
    with postgres.connect(settings) as connection:
        return [what for what, in connection.execute("SELECT c.what FROM called c ORDER BY c.place")
                if not kinds or what.split()[0] in kinds]
