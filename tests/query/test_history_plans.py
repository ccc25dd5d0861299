"""The log of changes: whatever is asked of it, indexes serve, however long it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from flexdb.config import Settings
from flexdb.context import Context
from flexdb.operations.changes import MEMBERS
from flexdb.plan import Statement
from flexdb.query.changes import _page
from flexdb.query.positions import Position
from tests.support.plans import nodes_of, pages_read, run_plan, run_statement
from tests.support.postgres import connect
from tests.support.service import Service

pytestmark = pytest.mark.long

MANY = 1000


class Logged(NamedTuple):
    """A tenant with a long log, and one of its nodes."""

    service: Service
    key: dict[str, str]
    feed: str


@pytest.fixture(scope="module")
def logged(new_database: Callable[..., Settings]) -> Iterator[Logged]:
    service = Service.of(new_database())
    node_type = service.node_type(service.tenant())
    other = service.node_type(service.tenant())
    node = service.node(node_type, data={"n": 0})
    gone = service.node(node_type)
    key = {"tenant_id": node["tenant_id"], "id": node["id"]}
    with connect(service.settings) as connection:
        for of in (node_type, other):
            connection.execute("INSERT INTO nodes (tenant_id, id, node_type_id, data) "
                               "SELECT %s, gen_random_uuid(), %s, '{\"n\": 1}' "
                               "FROM generate_series(1, %s)", [of["tenant_id"], of["id"], MANY])
        connection.execute("UPDATE nodes SET data = '{\"n\": 2}'")
    for number in range(3):
        service.call("update_node", **key, data={"n": number})
    service.call("delete_node", tenant_id=gone["tenant_id"], id=gone["id"])
    page: Any = {"more": True}
    while page["more"]:
        page = service.call("list_changes", tenant_id=key["tenant_id"])
    with connect(service.settings) as connection:
        connection.execute("VACUUM ANALYZE")
    yield Logged(service, key, page["position"].rpartition(".")[0])
    service.close()


def indexes(plan: dict[str, Any]) -> set[str]:
    """Return the indexes that a plan read by, in which no log and no record is read through."""
    run = [one for one in nodes_of(plan) if one["Actual Loops"]]
    scanned = {one["Relation Name"] for one in run if one["Node Type"] == "Seq Scan"}
    assert not scanned & {"flexdb_changes", "flexdb_change_positions", "nodes", "relationships"}
    return {one["Index Name"] for one in run if "Index Name" in one}


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("asked, most", [
    ({"limit": 10}, 150), ({"limit": 10, "filter": {"data.n": 2}}, 900)])
def test_a_page_of_changes_is_read_from_where_it_begins(
        logged: Logged, asked: dict[str, Any], most: int, generic: bool) -> None:
    params = {"tenant_id": logged.key["tenant_id"], "old": False,
              "since": Position(logged.feed, MANY)} | asked
    page = _page(Context(), params, MEMBERS)
    plan, row = run_statement(logged.service, Statement(page.query, page.arguments), generic)
    assert row[4] == 10
    assert {"flexdb_change_positions_pkey", "flexdb_changes_order", "flexdb_changes_pkey"
            } <= indexes(plan)
    assert pages_read(plan) < most


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("method, asked, used", [
    ("get_node", {"version": 2}, "flexdb_changes_pkey"),
    ("get_node", {"as_of": "2100-01-01T00:00:00Z"}, "nodes_pkey"),
    ("get_node_history", {"diff": True}, "flexdb_changes_pkey"),
    ("list_deleted_nodes", {}, "flexdb_changes_deleted")])
def test_what_was_is_found_by_an_index(logged: Logged, method: str, asked: dict[str, Any],
                                       used: str, generic: bool) -> None:
    params = (logged.key | asked if method.startswith("get_") else
              {"tenant_id": logged.key["tenant_id"]})
    plan, row = run_plan(logged.service, method, params, generic)
    assert row[0] is not None
    assert used in indexes(plan)
    assert pages_read(plan) < 150
