"""What rules cost PostgreSQL: a rule finds by the index by which the same filter finds."""

from __future__ import annotations

import tracemalloc
from typing import Any
from uuid import uuid4

import orjson
import pytest

from flexdb.access.callers import Caller
from flexdb.access.rules import Rules
from flexdb.operations import nodes
from flexdb.query.rules import sights_of
from tests.support.plans import nodes_of, pages_read, run_plan
from tests.support.postgres import connect
from tests.support.service import Service

NODES, EVERY = 20_000, 2_000


@pytest.fixture(scope="module")
def tenant(service: Service) -> Any:
    """A tenant with many nodes, of which few are the caller's, and relationships between these."""
    tenant = service.tenant()
    node_type = service.node_type(tenant)
    with connect(service.settings) as database:
        database.execute(
            "INSERT INTO nodes (tenant_id, id, node_type_id, data, created_at) "
            "SELECT %(tenant)s, gen_random_uuid(), %(type)s,"
            " jsonb_build_object('owner', 'u' || n %% %(every)s::int), now() - n * interval '1 s' "
            "FROM generate_series(1, %(nodes)s::int) n",
            {"tenant": tenant["id"], "type": node_type["id"], "every": EVERY, "nodes": NODES})
        database.execute("ANALYZE nodes")
    return tenant


def caller(tenant: dict[str, Any], read: Any, **attributes: Any) -> Caller:
    grants = [{"node_type_id": None, "read": read, "write": False}]
    return Caller("key:k", "member", tenant["id"], rules=Rules(
        "r", orjson.dumps(grants).decode(), "k", orjson.dumps(attributes).decode()))


@pytest.mark.parametrize("read, attributes, filter", [
    ({"data.owner": {"$caller": "attributes.me"}}, {"me": "u7"}, {"data.owner": "u7"}),
    ({"data.owner": {"$in": {"$caller": "attributes.us"}}}, {"us": ["u7", "u9"]},
     {"data.owner": {"$in": ["u7", "u9"]}})])
def test_a_list_under_a_rule_finds_by_the_index_as_the_same_filter_does(
        service: Service, tenant: dict[str, Any], read: Any, attributes: Any, filter: Any) -> None:
    given = {"tenant_id": tenant["id"], "pagination": {"page_size": 20}}
    by_rule, found = run_plan(service, "list_nodes", given, False, caller(tenant, read,
                                                                        **attributes))
    by_filter, wanted = run_plan(service, "list_nodes", given | {"filter": filter}, False)
    assert found[:2] == wanted[:2] and found[1] in (10, 20)
    for plan in (by_rule, by_filter):
        assert "nodes_by_data" in {node.get("Index Name") for node in nodes_of(plan)}
    assert pages_read(by_rule) <= 1.5 * pages_read(by_filter)


def test_one_node_under_a_rule_is_found_by_its_id(service: Service, tenant: dict[str, Any]) -> None:
    (node,) = service.call("list_nodes", tenant_id=tenant["id"], filter={"data.owner": "u7"},
                           pagination={"page_size": 1})["nodes"]
    asked = {"tenant_id": tenant["id"], "id": node["id"]}
    rule = {"data.owner": {"$caller": "attributes.me"}}
    by_rule, found = run_plan(service, "get_node", asked, False, caller(tenant, rule, me="u7"))
    plain, wanted = run_plan(service, "get_node", asked, False)
    assert found == wanted and pages_read(by_rule) <= pages_read(plain) + 1


def test_what_is_remembered_of_a_caller_weighs_what_it_takes() -> None:
    reads = {"data.team": {"$in": {"$caller": "attributes.teams"}}}
    grants = [{"node_type_id": str(uuid4()), "read": reads, "write": reads} for _ in range(100)]
    rules = Rules("r", orjson.dumps(grants).decode(), "k", orjson.dumps(
        {"teams": list(range(200))}).decode())
    sights_of(rules, nodes.MEMBERS)
    tracemalloc.start()
    sights = sights_of(rules, nodes.MEMBERS)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / 2 < sights.weight < 2 * taken
