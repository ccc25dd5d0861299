"""Rows that a shard follows one by one: what comes of them is what a whole table makes of all."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

# What writes many rows at once, of nodes and of relationships; the tenant and a table are given.
WRITES = [
    "INSERT INTO {nodes} (tenant_id, id, node_type_id, data) SELECT '{tenant}', md5(i::text)::uuid,"
    " '{type}', jsonb_build_object('title', concat('Task ', i), 'n', i)"
    " FROM generate_series(1, 20) i",
    "UPDATE {nodes} SET version = version + 1, data = data || '{{\"more\": true}}'"
    " WHERE tenant_id = '{tenant}' AND (data ->> 'n')::int < 15",
    "UPDATE {nodes} SET version = version + 1, node_type_id = '{free}', data = '{{}}'"
    " WHERE tenant_id = '{tenant}' AND (data ->> 'n')::int < 5",
    "INSERT INTO {relationships} (tenant_id, id, relationship_type, source_node_id, target_node_id)"
    " SELECT '{tenant}', md5(concat('r', i))::uuid, CASE WHEN i < 15 THEN 'blocks' ELSE 'owns' END,"
    " md5(i::text)::uuid, md5((i + 1)::text)::uuid FROM generate_series(13, 19) i",
    "UPDATE {relationships} SET version = version + 1, data = '{{\"n\": 1}}'"
    " WHERE tenant_id = '{tenant}' AND relationship_type = 'owns'",
    "DELETE FROM {relationships} WHERE tenant_id = '{tenant}' AND relationship_type = 'blocks'",
    "DELETE FROM {nodes} WHERE tenant_id = '{tenant}' AND (data ->> 'n')::int BETWEEN 5 AND 12",
]
FOLLOWED = {
    "log": "SELECT kind, op, object_id, version, type_id, relationship_type, source_node_id,"
           " target_node_id, old_data, old_type FROM flexdb_changes WHERE tenant_id = %s"
           " AND kind <> 't' ORDER BY object_id, version",
    "ledger": "SELECT k.list, k.key, flexdb_total_count(t.id, k.list, k.key),"
              " flexdb_total_bytes(t.id) FROM tenants t CROSS JOIN (SELECT DISTINCT d.list, k.key"
              " FROM flexdb_count_changes d CROSS JOIN LATERAL (VALUES (d.key), (flexdb_nil()))"
              " k (key)) k WHERE t.id = %s ORDER BY 1, 2",
    "unique": "SELECT node_type_id, rule, hash, node_id FROM flexdb_unique WHERE tenant_id = %s"
              " ORDER BY node_id, rule",
    "search": "SELECT node_type_id, node_id FROM flexdb_search WHERE tenant_id = %s"
              " ORDER BY node_id",
    "index": "SELECT node_type_id, node_id, rule, rank, number FROM flexdb_index"
             " WHERE tenant_id = %s ORDER BY node_id, rule",
    "keys": "SELECT relationship_id, only_source FROM flexdb_relationship_keys"
            " WHERE tenant_id = %s ORDER BY relationship_id",
}


@pytest.fixture(scope="module")
def shards(connection: psycopg.Connection) -> dict[str, str]:
    """Tables with the names and the triggers of shards, by those that they are shards of."""
    made = {table: f"{table}_102040" for table in ("nodes", "relationships")}
    for table, shard in made.items():
        connection.execute(f"CREATE TABLE {shard} (LIKE {table} INCLUDING ALL)".encode())
        for trigger, in connection.execute(
                "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE t.tgrelid = %s::regclass"
                " AND NOT t.tgisinternal AND t.tgtype & 32 = 0", [table]).fetchall():
            connection.execute(trigger.replace(f"ON public.{table} ", f"ON {shard} ").encode())
    return made


def test_a_shard_follows_its_rows_one_by_one_to_what_a_whole_table_makes_of_all(
        connection: psycopg.Connection, shards: dict[str, str]) -> None:
    of_type, free = uuid4(), uuid4()
    schema = json.dumps({"type": "object", "properties": {
        "title": {"type": "string", "x-unique": True, "x-search": True},
        "n": {"type": "integer", "x-index": True}}})

    def followed(tables: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
        tenant = uuid4()
        _prepare(connection, tenant, {of_type: schema, free: None})
        for write in WRITES:
            connection.execute(
                write.format(**tables, tenant=tenant, type=of_type, free=free).encode())
        return {what: connection.execute(asked.encode(), [tenant]).fetchall()
                for what, asked in FOLLOWED.items()}

    whole, by_row = followed({table: table for table in shards}), followed(shards)
    assert whole == by_row
    assert len(whole["log"]) == 20 + 14 + 4 + 7 + 5 + 2 + 8 and len(whole["unique"]) == 8
    assert min(map(len, whole.values())) > 2


def test_what_a_shard_holds_to_be_unique_is_refused(
        connection: psycopg.Connection, shards: dict[str, str]) -> None:
    tenant, of_type = uuid4(), uuid4()
    schema = json.dumps({"properties": {"title": {"x-unique": True}}})
    _prepare(connection, tenant, {of_type: schema})
    with pytest.raises(psycopg.errors.UniqueViolation) as refused:
        connection.execute(
            f"INSERT INTO {shards['nodes']} (tenant_id, id, node_type_id, data) SELECT %s,"
            " gen_random_uuid(), %s, '{\"title\": \"one\"}' FROM generate_series(1, 3)".encode(),
            [tenant, of_type])
    assert len(json.loads(refused.value.diag.message_detail or "")) == 2


def _prepare(connection: psycopg.Connection, tenant: UUID, types: dict[UUID, str | None]) -> None:
    connection.execute("INSERT INTO tenants (id, name, slug) VALUES (%s, 'Some', %s)",
                       [tenant, str(tenant)])
    for of_type, schema in types.items():
        connection.execute("INSERT INTO node_types (tenant_id, id, name, schema)"
                           " VALUES (%s, %s, %s, %s)", [tenant, of_type, str(of_type), schema])
    connection.execute("INSERT INTO flexdb_relationship_types (tenant_id, id, name, cardinality)"
                       " VALUES (%s, gen_random_uuid(), 'owns', 'n:1')", [tenant])
