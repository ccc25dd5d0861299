"""What a list tells of how it finds its rows, held against the plan that PostgreSQL runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support.callers import closed, with_key
from tests.support.postgres import connect
from tests.support.service import RpcError, Service

TENANT = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"


@pytest.fixture(scope="module")
def filled(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = Service.of(new_database())
    with connect(service.settings) as connection:
        for tenant in (TENANT, OTHER):
            connection.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, %s, 'T')",
                               [tenant, tenant[-2:]])
            connection.execute(
                "INSERT INTO node_types (tenant_id, id, name) "
                "SELECT %s, format('00000000-0000-4000-8000-0000000000%%s', i)::uuid, 'T' || i "
                "FROM generate_series(10, 29) i", [tenant])
            connection.execute(
                "INSERT INTO nodes (tenant_id, id, node_type_id, created_at, data) SELECT %s, "
                "gen_random_uuid(), format('00000000-0000-4000-8000-0000000000%%s', "
                "10 + i %% 20)::uuid, now() - i * interval '1 s', jsonb_build_object('n', i) "
                "FROM generate_series(1, 3000) i", [tenant])
            connection.execute(
                "INSERT INTO relationships (tenant_id, id, source_node_id, target_node_id, "
                "relationship_type, created_at, data) SELECT n.tenant_id, gen_random_uuid(), n.id, "
                "n.id, 'r' || (n.data->>'n')::int %% 20, n.created_at, n.data "
                "FROM nodes n WHERE n.tenant_id = %s", [tenant])
        connection.execute("VACUUM ANALYZE")
    yield service
    service.close()


def told(service: Service, thing: str = "nodes", **asked: Any) -> Any:
    found = service.call(f"list_{thing}", tenant_id=TENANT, explain=True, **asked)
    plain = service.call(f"list_{thing}", tenant_id=TENANT, **asked)
    explanation = found.pop("explain")
    assert found == plain
    return explanation


def page(indexes: list[str], scans: bool, sorts: bool) -> dict[str, Any]:
    return {"indexes": indexes, "scans": scans, "sorts": sorts}


@pytest.mark.parametrize("asked, indexes, scans, sorts", [
    ({}, [], False, False), ({"sort": ["data.n"]}, [], False, True),
    ({"filter": {"data.n": 7}}, ["data"], False, True),
    ({"filter": {"data.n": {"$in": [7, 8]}}}, ["data"], False, True),
    ({"filter": {"data.n": 7, "version": 1}}, ["data"], True, True),
    # Whether what is scanned is sorted too, PostgreSQL decides by how much it expects to fit.
    ({"filter": {"data.n": {"$gt": 7}}}, [], True, None),
    ({"filter": {"data.n.0": 7}}, [], True, None), ({"filter": {"version": 2}}, [], True, None)])
@pytest.mark.parametrize("thing", ["nodes", "relationships"])
def test_an_explanation_names_the_index_that_finds_the_rows(
        filled: Service, thing: str, asked: Any, indexes: list[str], scans: bool,
        sorts: bool | None) -> None:
    explanation = told(filled, thing, **asked)
    if sorts is None:
        sorts = explanation["page"]["sorts"]
    assert explanation == {"page": page(indexes, scans, sorts),
                           "total": {"indexes": indexes, "scans": scans}}


@pytest.mark.parametrize("thing, narrowed", [
    ("nodes", {"node_type_id": "00000000-0000-4000-8000-000000000012"}),
    ("relationships", {"relationship_type": "r3"})])
def test_what_an_index_narrows_and_a_filter_scans_is_told_as_both(
        filled: Service, thing: str, narrowed: dict[str, str]) -> None:
    (name,) = narrowed
    assert told(filled, thing, **narrowed)["page"] == page([name], False, False)
    explanation = told(filled, thing, filter={"data.n": {"$lt": 99}}, **narrowed)
    assert explanation["page"]["indexes"] == [name] and explanation["page"]["scans"]
    assert explanation["total"] == {"indexes": [name], "scans": True}


def test_without_a_count_no_total_is_explained(filled: Service) -> None:
    explanation = told(filled, count="none", filter={"data.n": 7})
    assert explanation == {"page": page(["data"], False, True), "total": None}


def test_an_explanation_goes_along_with_every_page_and_changes_no_token(filled: Service) -> None:
    first = filled.call("list_nodes", tenant_id=TENANT, explain=True)
    token = first["pagination"]["next_page_token"]
    for explain in (True, False):
        second = filled.call("list_nodes", tenant_id=TENANT, explain=explain,
                             pagination={"page_token": token})
        assert ("explain" in second) == explain
        assert not {node["id"] for node in second["nodes"]} & {
            node["id"] for node in first["nodes"]}


def test_a_list_that_is_not_there_is_not_explained(filled: Service) -> None:
    with pytest.raises(RpcError) as raised:
        filled.call("list_nodes", tenant_id="00000000-0000-4000-8000-00000000000f", explain=True)
    assert raised.value.reason == "NOT_FOUND"


def test_a_search_finds_by_its_own_index(filled: Service) -> None:
    tenant = filled.tenant()
    node_type = filled.node_type(tenant, schema={"properties": {"title": {"x-search": True}}})
    filled.node(node_type, data={"title": "a red fox"})
    found = filled.call("list_nodes", tenant_id=tenant["id"], explain=True, search="fox")
    assert len(found["nodes"]) == 1 and found["explain"]["page"]["indexes"] == ["search"]
    assert found["explain"]["total"] == {"indexes": ["search"], "scans": False}


def test_who_has_rules_is_told_the_same_of_the_rows_that_are_seen(filled: Service) -> None:
    filled.call("create_role", tenant_id=TENANT, name="few", based_on="viewer", grants=[
        {"read": {"data.n": {"$in": [7, 8]}}, "write": False}])
    key = filled.call("create_key", tenant_id=TENANT, name="K", role="few")["key"]
    service = closed(filled.settings)
    for thing in ("nodes", "relationships"):
        found = with_key(service, key["secret"]).call(
            f"list_{thing}", tenant_id=TENANT, explain=True, filter={"data.n": 7})
        assert len(found[thing]) == 1
        assert found["explain"]["page"]["indexes"] == found["explain"]["total"]["indexes"] == [
            "data"]
    service.close()


@pytest.mark.parametrize("word, taken", [("true", True), ("false", False), ("yes", None)])
def test_over_rest_it_is_a_word_of_the_query(filled: Service, word: str, taken: bool | None
                                             ) -> None:
    reply = filled.client().get(f"/tenants/{TENANT}/nodes", query_string={"explain": word})
    if taken is None:
        assert reply.status_code == 400 and "explain must be a boolean" in reply.text
    else:
        assert reply.json and ("explain" in reply.json) == taken


def test_what_would_make_a_large_plan_is_not_explained(filled: Service) -> None:
    with pytest.raises(RpcError) as raised:
        told(filled, filter={"data.n": "x" * 100_000})
    assert "at most 100,000 characters" in raised.value.fields["explain"][0]
    assert told(filled, filter={"data.n": "x" * 40_000})["page"]["indexes"] == ["data"]


def test_an_explanation_tells_nothing_of_values_rows_or_the_database(filled: Service) -> None:
    explanation = told(filled, filter={"data.n": {"$in": [7, 8]}, "version": 1,
                                       "data.version": "id node_type_id ' created_at"})
    assert set(explanation) == {"page", "total"}
    assert explanation["page"]["indexes"] == explanation["total"]["indexes"] == ["data"]
    # Of what stands in values nothing is taken for a member.
    assert explanation["page"]["scans"] is True


def test_a_list_that_takes_too_long_tells_of_its_indexes_all_the_same(
        new_database: Callable[..., Settings]) -> None:
    service = Service.of(new_database(statement_timeout=0.5))
    try:
        with connect(service.settings) as connection:
            connection.execute("INSERT INTO tenants (id, slug, name) VALUES (%s, 't', 'T')",
                               [TENANT])
            connection.execute("INSERT INTO flexdb_counts (tenant_id, list, key, total) "
                               "VALUES (%s, 'nodes', flexdb_nil(), 0)", [TENANT])
            # The total's key; what is volatile is not asked while a plan is made.
            connection.execute("CREATE OR REPLACE FUNCTION flexdb_nil() RETURNS uuid LANGUAGE "
                               "plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'")
        for explain in (False, True):
            with pytest.raises(RpcError) as raised:
                service.call("list_nodes", tenant_id=TENANT, explain=explain)
            assert raised.value.reason == "DEADLINE_EXCEEDED"
            assert "STATEMENT_TIMEOUT" in str(raised.value) and "explain" in str(raised.value)
            told = raised.value.error["data"].get("explain")
            assert told == ({"page": page([], False, False),
                             "total": {"indexes": [], "scans": False}} if explain else None)
    finally:
        service.close()
