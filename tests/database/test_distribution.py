"""Distributing a database, as far as it goes without Citus: what is refused, and the order test.

The order test runs the statements against functions with the names of Citus's, which only note that
they were called. What Citus makes of them is seen by ``make test-citus``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.db.citus.cluster import DistributionError, check_whole, nodes
from flexdb.db.citus.distribution import distribute, undo
from flexdb.db.citus.moves import isolate, rebalance
from flexdb.db.citus.tables import FORGOTTEN, Spread, tables_of
from flexdb.db.migrate import MigrationError, rollback
from flexdb.server.database import migrate_and_tell
from flexdb.server.status import look_at_status
from tests.support import citus, postgres
from tests.support.commands import failure, finish, flexdb
from tests.support.service import RpcError, Service

# All that a database is made of, but for what the order test adds.
_SCHEMA = """
    SELECT 'trigger', pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'constraint', concat(k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'policy', concat(p.polrelid::regclass, p.polname, pg_get_expr(p.polqual, p.polrelid))
    FROM pg_policy p
    UNION ALL
    SELECT 'column', concat_ws(' ', c.oid::regclass, a.attname, a.attidentity,
                               pg_get_expr(d.adbin, d.adrelid), c.relreplident)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S')
    UNION ALL
    SELECT 'function', pg_get_functiondef(p.oid) FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
"""


def schema(settings: Settings) -> set[tuple[str, str]]:
    """Return what there is, in whatever brackets PostgreSQL writes what was read once more."""
    with postgres.connect(settings) as connection:
        return {(kind, re.sub(r"[()\s]", "", made))
                for kind, made in connection.execute(_SCHEMA.encode())}


def run(settings: Settings, *statements: str) -> list[tuple[Any, ...]]:
    with postgres.connect(settings) as connection:
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        cursor = connection.execute(statements[-1].encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def plain(new_database: Callable[..., Settings]) -> Iterator[Settings]:
    """A migrated database without Citus."""
    settings = new_database()
    yield settings
    postgres.drop_database(settings)


@pytest.fixture
def standing_in(plain: Settings) -> Settings:
    """A migrated database with the stand-in."""
    citus.stand_in(plain)
    return plain


def refusal(settings: Settings, **arguments: object) -> str:
    """Return why a database is not distributed, having seen that nothing was changed."""
    before = schema(settings)
    with pytest.raises(DistributionError) as caught:
        list(distribute(settings, arguments.get("shards"), False))  # type: ignore[arg-type]
    assert schema(settings) == before
    return str(caught.value)


def test_without_citus_it_says_how_to_have_it(plain: Settings) -> None:
    assert "has no Citus: install Citus 13.2 or later" in refusal(plain)
    for told in (list, lambda lines: next(iter(lines))):
        with pytest.raises(DistributionError, match="has no Citus"):
            told(undo(plain, False))
        with pytest.raises(DistributionError, match="has no Citus"):
            told(rebalance(plain, False))
        with pytest.raises(DistributionError, match="has no Citus"):
            told(isolate(plain, "acme"))


@pytest.mark.long
def test_commands_tell_it_in_one_line(plain: Settings) -> None:
    for command in (("distribute",), ("distribute", "--check"), ("distribute", "--undo"),
                    ("rebalance",), ("isolate", "acme")):
        assert failure(flexdb(plain, *command)).startswith("flexdb: this database has no Citus")
    status, _, errors = finish(flexdb(plain, "distribute", "--undo", "--shards", "8"))
    assert status == 2 and "'--shards' is not for '--undo'" in errors


@pytest.mark.parametrize(("change", "why"), [
    ("UPDATE pg_extension SET extversion = '13.1-1' WHERE extname = 'citus'",
     "this is Citus 13.1-1: flexdb needs 13.2 or later"),
    ("UPDATE pg_dist_local_group SET groupid = 3", "this is a worker of Citus"),
    ("DELETE FROM pg_dist_node", "no worker that is active"),
    ("DELETE FROM _yoyo_migration WHERE migration_id LIKE '0023%'",
     "migrations are to be applied, 1 from 0023-webhooks on"),
    ("ALTER TABLE nodes ENABLE ROW LEVEL SECURITY", "row security is on"),
])
def test_it_refuses_and_changes_nothing(standing_in: Settings, change: str, why: str) -> None:
    run(standing_in, "SET allow_system_table_mods = on", change)
    assert why in refusal(standing_in)
    assert citus.called(standing_in) == []


@pytest.mark.parametrize(("table", "why"), [
    ("flexdb_webhooks", "delete the webhooks first"),
    ("flexdb_invitations", "delete the invitations first"),
    ("flexdb_limits", "take the quotas away first"),
])
def test_it_refuses_while_somebody_needs_what_it_cannot_do(standing_in: Settings, table: str,
                                                           why: str) -> None:
    made = {
        "flexdb_webhooks": "INSERT INTO flexdb_webhooks (tenant_id, id, url, secrets, epoch, "
                           "position) SELECT t.id, gen_random_uuid(), 'https://x', '[]', '', 0 "
                           "FROM tenants t",
        "flexdb_invitations": "INSERT INTO flexdb_invitations (tenant_id, id, email, role, "
                              "created_by, expires_at) SELECT t.id, gen_random_uuid(), 'a@b', "
                              "'reader', 'me', now() + interval '1 day' FROM tenants t",
        "flexdb_limits": "INSERT INTO flexdb_limits (tenant_id, max_nodes) SELECT t.id, 5 "
                         "FROM tenants t",
    }
    run(standing_in, "INSERT INTO tenants (id, slug, name) VALUES (gen_random_uuid(), 'a', 'a')",
        made[table])
    assert why in refusal(standing_in)


def test_it_refuses_settings_that_it_cannot_keep(standing_in: Settings) -> None:
    assert "DB_ROW_SECURITY=false" in refusal(replace(standing_in, db_row_security=True))
    assert "MAX_NODES" in refusal(replace(standing_in, max_nodes=5))


def test_it_refuses_triggers_that_no_shard_can_run(plain: Settings) -> None:
    citus.stand_in(plain)
    run(plain, """CREATE FUNCTION flexdb_unfit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO flexdb_usage SELECT r.tenant_id FROM rows r; RETURN NULL; END $$""",
        "CREATE TRIGGER flexdb_unfit AFTER INSERT ON nodes REFERENCING NEW TABLE AS rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION flexdb_unfit()")
    assert "flexdb_unfit" in refusal(plain)


def test_what_it_would_do_is_told_before_why_it_does_not(plain: Settings) -> None:
    citus.stand_in(plain)
    lines: list[str] = []
    with pytest.raises(DistributionError, match="MAX_NODES"):
        for line in distribute(replace(plain, max_nodes=1), None, True):
            lines.append(line)
    assert "SELECT create_reference_table('tenants');" in lines


def test_what_it_would_do_is_told_and_not_done(standing_in: Settings) -> None:
    before = schema(standing_in)
    lines = list(distribute(standing_in, 8, True))
    assert ("SELECT create_distributed_table('tenant_users', 'tenant_id', colocate_with => 'none', "
            "shard_count => 8);") in lines
    assert schema(standing_in) == before and citus.called(standing_in) == []


def test_tables_that_others_lead_to_come_first_and_all_beside_the_first(
        standing_in: Settings) -> None:
    assert list(distribute(standing_in, None, False))[-1].startswith("distributed users, tenants,")
    tables = citus.called(standing_in, "reference", "distributed", "truncated")
    reference, distributed = tables_of(Spread.REFERENCE), tables_of(Spread.DISTRIBUTED)
    assert tables == [
        *(f"reference {table}" for table in reference),
        "distributed tenant_users tenant_id none 32",
        *(f"distributed {table} tenant_id tenant_users" for table in distributed[1:]),
        *(f"truncated {table}" for table in [*reference, *distributed])]
    functions = citus.called(standing_in, "function")
    # What an index needs is there before the table is.
    assert functions[0] == "function flexdb_email_key(text)"
    assert (functions.index("function flexdb_nil()")
            < functions.index("function flexdb_total_count(uuid,text,uuid)"))


def test_tables_on_each_machine_have_no_triggers_and_foreign_keys_forget_a_tenant(
        standing_in: Settings) -> None:
    list(distribute(standing_in, None, False))
    assert run(standing_in, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND (tgrelid IN "
               "('tenants'::regclass, 'users'::regclass) OR tgtype & 32 <> 0)") == []
    assert run(standing_in, "SELECT polname FROM pg_policy") == []
    forgetting = run(standing_in, "SELECT conrelid::regclass::text FROM pg_constraint "
                     "WHERE confrelid = 'tenants'::regclass AND confdeltype = 'c'")
    assert {*FORGOTTEN} <= {table for table, in forgetting}


def test_a_failure_in_the_middle_leaves_all_as_it_was(standing_in: Settings) -> None:
    run(standing_in, """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the disk of a worker is full'; END $$""",
        "CREATE TRIGGER refuse BEFORE INSERT ON called FOR EACH ROW "
        "WHEN (NEW.what LIKE 'distributed flexdb_deliveries%') EXECUTE FUNCTION refuse()")
    before = schema(standing_in)
    with pytest.raises(MigrationError, match="^nothing was changed: the disk of a worker is full$"):
        list(distribute(standing_in, None, False))
    assert schema(standing_in) == before and citus.called(standing_in) == []


def test_a_second_run_does_what_a_later_migration_added_and_no_more(standing_in: Settings) -> None:
    list(distribute(standing_in, None, False))
    before, calls = schema(standing_in), citus.called(standing_in)
    assert list(distribute(standing_in, None, False))[-1].startswith("nothing to do")
    assert schema(standing_in) == before and citus.called(standing_in) == calls
    run(standing_in, "DELETE FROM pg_dist_partition WHERE logicalrelid = 'flexdb_usage'::regclass")
    assert "--shards is for the first time" in refusal(standing_in, shards=8)
    list(distribute(standing_in, None, False))
    more = [what for what in citus.called(standing_in)[len(calls):] if "function" not in what]
    assert more == ["distributed flexdb_usage tenant_id tenant_users", "truncated flexdb_usage"]
    assert schema(standing_in) == before


def test_undoing_it_makes_all_again(standing_in: Settings) -> None:
    before = schema(standing_in)
    assert list(undo(standing_in, False)) == ["nothing to do: the database is not distributed"]
    list(distribute(standing_in, None, False))
    assert any("undistribute_table('nodes')" in line for line in undo(standing_in, True))
    list(undo(standing_in, False))
    assert schema(standing_in) == before
    assert check_whole(standing_in) is None  # type: ignore[func-returns-value]


def states(found: dict[str, Any]) -> list[int]:
    return [change["version"] for change in found["history"]]


def test_totals_histories_and_followers_are_right_when_it_is_undone(standing_in: Settings) -> None:
    service = Service.of(standing_in)
    try:
        node = service.node(service.node_type(service.tenant()), data={"a": 0})
        named = {"tenant_id": node["tenant_id"], "id": node["id"]}
        feed = {"tenant_id": node["tenant_id"]}
        before = service.call("list_changes", feed)["position"]
        list(distribute(standing_in, None, False))
        for a in range(1, 4):
            service.call("update_node", **named, data={"a": a})
        late = service.tenant()
        service.call("create_user", email="ada@example.com", display_name="Ada")
        versions = states(service.call("get_node_history", named))
        list(undo(standing_in, False))
        assert versions == [4, 3, 2, 1] == states(service.call("get_node_history", named))
        assert [service.call(method)["pagination"]["total_count"]
                for method in ("list_tenants", "list_users")] == [2, 1]
        service.call("update_node", **named, data={"a": 9})
        with pytest.raises(RpcError):
            service.call("list_changes", **feed, since=before)
        assert service.call("list_changes", tenant_id=late["id"])["changes"] == []
        now = service.call("list_changes", feed)["position"]
        service.call("update_node", **named, data={"a": 10})
        assert [change["version"] for change in service.call(
            "list_changes", **feed, since=now)["changes"]] == [6]
    finally:
        service.close()


def test_what_it_cannot_do_is_refused_while_it_is_distributed(standing_in: Settings) -> None:
    service = Service.of(standing_in)
    try:
        tenant = service.tenant()
        service.node(service.node_type(tenant))
        list(distribute(standing_in, None, False))
        for method, arguments in (
                ("list_changes", {}),
                ("create_webhook", {"url": "https://example.com/"}),
                ("create_invitation", {"email": "ada@example.com", "role": "reader"})):
            with pytest.raises(RpcError, match="while the database is distributed") as caught:
                service.call(method, tenant_id=tenant["id"], **arguments)
            assert caught.value.reason == "PERMISSION_DENIED"
    finally:
        service.close()


@pytest.mark.long
def test_a_start_on_a_database_that_is_half_distributed_stops_and_names_the_command(
        plain: Settings) -> None:
    migrate_and_tell(plain)
    run(plain, 'CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char", '
        'repmodel "char")',
        "INSERT INTO pg_dist_partition VALUES ('nodes', 'h', 's'), ('tenants', 'n', 't')")
    with pytest.raises(MigrationError, match="in part, without users, flexdb_keys, .*: run the "
                                             "command `flexdb distribute`$"):
        migrate_and_tell(plain)
    assert "run the command `flexdb distribute`" in failure(flexdb(plain, "migrate"))
    status, _, errors = finish(flexdb(replace(plain), "serve"))
    assert status != 0 and "run the command `flexdb distribute`" in errors


def test_a_trigger_on_each_machine_is_half_distributed_too(standing_in: Settings) -> None:
    list(distribute(standing_in, None, False))
    check_whole(standing_in)
    run(standing_in, "CREATE TRIGGER again AFTER INSERT ON tenants FOR EACH ROW "
        "EXECUTE FUNCTION flexdb_begin_changes()")
    with pytest.raises(DistributionError, match="without 1 triggers"):
        check_whole(standing_in)
    list(distribute(standing_in, None, False))
    check_whole(standing_in)


def test_status_tells_which_machine_has_how_many_tenants(standing_in: Settings) -> None:
    assert nodes(standing_in) == [] == look_at_status(standing_in, 0)["nodes"]
    run(standing_in, "INSERT INTO tenants (id, slug, name) "
        "SELECT gen_random_uuid(), 't' || g, 't' FROM generate_series(1, 50) g")
    list(distribute(standing_in, None, False))
    one, two = nodes(standing_in)
    below = run(standing_in, "SELECT count(*) FROM tenants WHERE worker_hash(id) < 0")[0][0]
    assert (one.name, one.tenants, two.name, two.tenants) == (
        "one:5432", below, "two:5432", 50 - below)
    assert one.shards == 1 and one.bytes == 1000 * len(tables_of(Spread.DISTRIBUTED))
    assert look_at_status(standing_in, 0)["nodes"] == [one._asdict(), two._asdict()]
    assert "one:5432 has" in finish(flexdb(standing_in, "status"))[1]


def test_shards_are_moved_and_a_tenant_gets_its_own(standing_in: Settings) -> None:
    with pytest.raises(DistributionError, match="run `flexdb distribute` first"):
        list(rebalance(standing_in, False))
    run(standing_in, "INSERT INTO tenants (id, slug, name) VALUES (gen_random_uuid(), 'acme', 'A')")
    list(distribute(standing_in, None, False))
    assert list(rebalance(standing_in, True)) == [
        "shard 7 with 3.0 MB from one:5432 to two:5432"]
    assert citus.called(standing_in, "moved") == []
    assert list(rebalance(standing_in, False))[-1] == "moved"
    assert citus.called(standing_in, "moved", "waited") == ["moved block_writes", "waited"]
    assert list(rebalance(standing_in, False)) == [
        "nothing to do: all machines have about as much"]
    with pytest.raises(DistributionError, match="there is no tenant elsewhere"):
        list(isolate(standing_in, "elsewhere"))
    assert "acme has shards of its own, at one:5432" in next(isolate(standing_in, "acme"))
    assert next(isolate(standing_in, "acme")).startswith("nothing to do")
    assert len(citus.called(standing_in, "isolated")) == 1


def test_no_migration_is_taken_back_from_a_database_that_is_distributed(
        standing_in: Settings) -> None:
    list(distribute(standing_in, None, False))
    with pytest.raises(MigrationError, match="distribute --undo"):
        rollback(standing_in)
