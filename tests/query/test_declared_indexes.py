"""Indexes that types declare give what a scan gives, and read less."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from flexdb.config import Settings
from flexdb.server.indexes import fill_indexes
from tests.support.callers import closed, with_key
from tests.support.documents import Pool
from tests.support.locks import waiting
from tests.support.plans import nodes_of, run_plan
from tests.support.postgres import connect
from tests.support.service import Service
from tests.support.writers import Writers

SCHEMA = {"properties": {"a": {"x-index": True, "properties": {"b": {"x-index": True}}},
                         "0": {"x-index": True}}}
PATHS = ["data.a", "data.a.b", "data.0"]


class Pools:
    """Many nodes, of a type that declares its members or not."""

    def __init__(self, service: Service) -> None:
        self.plain = Pool(service, rows=120)
        self.type = service.call("list_node_types", tenant_id=self.plain.tenant_id)[
            "node_types"][0]["id"]

    def declare(self, schema: Any) -> None:
        self.plain.service.call("update_node_type", tenant_id=self.plain.tenant_id, id=self.type,
                                schema=schema)

    def walk(self, size: int, **asked: Any) -> tuple[list[list[str]], set[Any], list[str]]:
        """Return the ids of the pages of a list, the totals they tell, and the first's indexes."""
        found: list[list[str]] = []
        totals = set()
        indexes: list[str] = []
        token = ""
        while token or not found:
            page = self.plain.listed(node_type_id=self.type, explain=not found, **asked,
                                     pagination={"page_size": size, "page_token": token})
            if not found:
                indexes = page["explain"]["page"]["indexes"]
            totals.add(page["pagination"].get("total_count"))
            found.append([node["id"] for node in page["nodes"]])
            token = page["pagination"]["next_page_token"]
        return found, totals, indexes


@pytest.fixture(scope="module")
def pools(service: Service) -> Pools:
    return Pools(service)


VALUES = [0, 1, -1, 1.5, 2**63, "", "a", "ab", "\U0001f600", "z" * 200]


def queries(seed: int) -> Iterator[tuple[Any, int]]:
    """Give queries, and the size of their pages."""
    chance = random.Random(seed)
    for _ in range(12):
        query: dict[str, Any] = {"count": chance.choice(["exact", "none"])}
        if chance.random() < 0.6:
            query["filter"] = {path: {
                operator: chance.choice(VALUES)
                for operator in chance.sample(["$gt", "$gte", "$lt", "$lte"], chance.choice([1, 2]))
            } for path in chance.sample(PATHS, chance.choice([1, 1, 2]))}
        if "filter" not in query or chance.random() < 0.7:
            paths = chance.sample([*PATHS, "data.b", "created_at", "id"], chance.randint(1, 3))
            query["sort"] = [chance.choice(["", "-"]) + path for path in paths]
        yield query, chance.randint(20, 60)


def is_served(query: Any) -> bool:
    """Tell whether an index is to serve a query."""
    return "filter" in query or query["sort"][0].removeprefix("-") in PATHS


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_a_list_is_the_same_with_the_index_and_without(pools: Pools, seed: int) -> None:
    found = []
    for schema in (None, SCHEMA):
        pools.declare(schema)
        walks = []
        for query, size in queries(seed):
            pages, totals, indexes = pools.walk(size, **query)
            # No value is a number and a text, which PostgreSQL knows without looking.
            assert not any(pages) or (
                any(name in PATHS for name in indexes) == bool(schema and is_served(query)))
            walks.append((query, pages, totals))
        found.append(walks)
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def filled(new_database: Callable[..., Settings]) -> Iterator[Service]:
    """A database of its own, which no other test fills."""
    service = Service.of(new_database())
    yield service
    service.close()


def many(service: Service, nodes: int = 12_000) -> dict[str, Any]:
    """Return a type with so many nodes, by default too many to fill at once, declared only then."""
    node_type: dict[str, Any] = service.node_type(service.tenant())
    with connect(service.settings) as connection:
        connection.execute(
            "INSERT INTO nodes (tenant_id, id, node_type_id, data) SELECT %s, gen_random_uuid(), "
            "%s, jsonb_build_object('a', i) FROM generate_series(1, %s) i",
            [node_type["tenant_id"], node_type["id"], nodes])
    service.call("update_node_type", tenant_id=node_type["tenant_id"], id=node_type["id"],
                 schema=SCHEMA)
    return node_type


def listed(service: Service, node_type: Any, **asked: Any) -> tuple[list[Any], list[str]]:
    page = service.call("list_nodes", tenant_id=node_type["tenant_id"], explain=True,
                        node_type_id=node_type["id"], **asked)
    return [node["data"].get("a") for node in page["nodes"]], page["explain"]["page"]["indexes"]


def build(service: Service, node_type: Any, most: int) -> int:
    """Fill one batch of the index of data.a."""
    with connect(service.settings) as connection:
        row = connection.execute(
            "SELECT flexdb_build_index(%s, %s, '[[\"a\"]]', %s)",
            [node_type["tenant_id"], node_type["id"], most]).fetchone()
    assert row
    return int(row[0])


@pytest.mark.long
def test_an_index_of_many_nodes_serves_once_it_is_filled_however_often_that_was_ended(
        filled: Service) -> None:
    node_type = many(filled)
    assert listed(filled, node_type, sort=["data.a"]) == (list(range(1, 11)), ["node_type_id"])
    assert build(filled, node_type, 5000) == 5000
    # What is written meanwhile is in it.
    filled.node(node_type, data={"a": 0.5})
    with connect(filled.settings) as connection:
        connection.execute("UPDATE nodes SET data = '{\"a\": 20000}' WHERE data = '{\"a\": 1}'")
        connection.execute("DELETE FROM nodes WHERE data = '{\"a\": 2}'")
    assert listed(filled, node_type, sort=["data.a"])[1] == ["node_type_id"]
    first, second = (list(fill_indexes(filled.settings, node_type["tenant_id"])) for _ in range(2))
    assert len(first) == 3 and all(line.endswith(" nodes filled") for line in first)
    assert len(second) == 3 and all(line.endswith("  ready") for line in second)
    orders = {"data.a": [0.5, *range(3, 12)], "-data.a": [20_000, *range(12_000, 11_991, -1)]}
    for sort, order in orders.items():
        assert listed(filled, node_type, sort=[sort]) == (order, ["data.a"])
    with connect(filled.settings) as connection:
        check_rows(connection)


@pytest.mark.long
@pytest.mark.parametrize("sort", ["data.a", "-data.a"])
def test_a_page_reads_its_own_rows_and_sorts_none(filled: Service, sort: str) -> None:
    node_type = many(filled, 5000)
    asked = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"],
             "sort": [sort], "pagination": {"page_size": 10}}
    middle = filled.call("list_nodes", **asked)["pagination"]["next_page_token"]
    for analyzed in (False, True):
        if analyzed:
            with connect(filled.settings) as connection:
                connection.execute("ANALYZE")
        for token in ("", middle):
            plan, _ = run_plan(filled, "list_nodes", asked | {
                "pagination": {"page_size": 10, "page_token": token}}, generic=False)
            steps = [step for step in nodes_of(plan) if step["Actual Loops"]]
            (read,) = [step for step in steps if step.get("Relation Name") == "flexdb_index"]
            assert read["Node Type"] in ("Index Scan", "Index Only Scan")
            assert read["Actual Rows"] <= 12 and not any(
                step["Node Type"] == "Sort" and step["Actual Rows"] > 12 for step in steps)


ROWS = """
    SELECT i.node_type_id, i.rule, i.node_id, i.rank, i.number, i.text FROM flexdb_index i"""
EXPECTED = """
    SELECT n.node_type_id, flexdb_index_code(r.rule), n.id, k.rank, k.number, k.text
    FROM nodes n
    JOIN node_types nt ON nt.tenant_id = n.tenant_id AND nt.id = n.node_type_id
    CROSS JOIN flexdb_declared(nt.schema) r
    CROSS JOIN flexdb_index_keys(n.data, r.paths[1]::text[]) k
    WHERE r.kind = 'index'"""


def check_rows(connection: psycopg.Connection[Any]) -> None:
    """Hold what is in the index against what nodes and schemas say."""
    found, expected = (connection.execute(text.encode()).fetchall() for text in (ROWS, EXPECTED))
    assert sorted(found) == sorted(expected)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_the_rows_are_those_of_the_nodes_after_any_writes(
        new_database: Callable[..., Settings], seed: int) -> None:
    service = Service.of(new_database())
    chance = random.Random(seed)
    writers = Writers(service, chance, "x-index")
    with connect(service.settings) as connection:
        for _ in range(60):
            writers.write(connection)
            check_rows(connection)
        service.call("delete_tenant", id=writers.tenant["id"])
        for table in ("flexdb_index", "flexdb_index_builds"):
            assert connection.execute(f"SELECT FROM {table}".encode()).fetchone() is None
    service.close()


def test_who_changes_a_node_while_its_type_declares_is_in_the_index(filled: Service) -> None:
    node_type = filled.node_type(filled.tenant())
    node = filled.node(node_type, data={"a": 1})
    with connect(filled.settings) as connection, ThreadPoolExecutor(1) as others:
        with connection.transaction():
            connection.execute("UPDATE nodes SET data = '{\"a\": 2}' WHERE id = %s", [node["id"]])
            declared = others.submit(
                filled.call, "update_node_type", tenant_id=node_type["tenant_id"],
                id=node_type["id"], schema=SCHEMA)
            waiting(filled, 1)
        declared.result()
        check_rows(connection)
    assert listed(filled, node_type, sort=["data.a"]) == ([2], ["data.a"])


def test_who_has_rules_is_given_the_own_nodes_by_the_index(filled: Service) -> None:
    tenant = filled.tenant()
    node_type = filled.node_type(tenant, schema=SCHEMA)
    for number in range(5):
        filled.node(node_type, data={"a": number})
    filled.call("create_role", tenant_id=tenant["id"], name="few", based_on="viewer", grants=[
        {"read": {"data.a": {"$in": [1, 3]}}, "write": False}])
    key = filled.call("create_key", tenant_id=tenant["id"], name="K", role="few")["key"]
    service = closed(filled.settings)
    for asked in ({"sort": ["-data.a"]}, {"filter": {"data.a": {"$gt": 0}}}):
        page = with_key(service, key["secret"]).call(
            "list_nodes", tenant_id=tenant["id"], node_type_id=node_type["id"], **asked)
        assert [node["data"]["a"] for node in page["nodes"]] == [3, 1]
        assert page["pagination"]["total_count"] == 2
    service.close()
