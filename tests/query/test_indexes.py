"""What PostgreSQL reads for a filter: of a tenant among many, no row and no key of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flexdb.config import Settings
from tests.support.plans import nodes_of, run_plan
from tests.support.postgres import connect
from tests.support.service import Service

pytestmark = pytest.mark.long

OTHERS, SMALL, LARGE = 300, 1_000, 10_000
FIRST = "00000000-0000-4000-8000-{:012d}"
# Rows of all tenants lie between each other, and in each there is each status, day and tag.
FILL = """
    WITH owner AS (
        SELECT format('00000000-0000-4000-8000-%%s', lpad(CASE WHEN i <= %(large)s THEN 0
               WHEN i <= %(large)s + %(small)s THEN 1
               ELSE 2 + i %% %(others)s END::text, 12, '0'))::uuid AS id, i
        FROM generate_series(1, %(large)s + %(small)s + 40 * %(others)s) i
    )
    INSERT INTO {table} (tenant_id, id, created_at, data, {columns})
    SELECT owner.id, gen_random_uuid(), now() - hashint4(i) * interval '1 ms',
           jsonb_build_object('n', i, 'status', 's' || i %% 4, 'day', i %% 100,
                              'tags', array['t' || i %% 50, 'u'], 'of', jsonb_build_object('n', i)),
           {values}
    FROM owner
    ORDER BY hashint4(i)
"""


@pytest.fixture(scope="module")
def many(new_database: Callable[..., Settings]) -> Iterator[Service]:
    service = Service.of(new_database())
    with connect(service.settings) as connection:
        connection.execute(
            "INSERT INTO tenants (id, slug, name) SELECT format('00000000-0000-4000-8000-%%s', "
            "lpad(i::text, 12, '0'))::uuid, 't' || i, 'T' FROM generate_series(0, %s) i",
            [OTHERS + 1])
        connection.execute("INSERT INTO node_types (tenant_id, id, name) "
                           "SELECT t.id, t.id, 'Task' FROM tenants t")
        connection.execute("INSERT INTO nodes (tenant_id, id, node_type_id) "
                           "SELECT t.id, t.id, t.id FROM tenants t")
        for table, columns in [
                ("nodes", {"node_type_id": "owner.id"}),
                ("relationships", {"source_node_id": "owner.id", "target_node_id": "owner.id",
                                   "relationship_type": "'r'"})]:
            text = FILL.format(table=table, columns=", ".join(columns),
                               values=", ".join(columns.values()))
            connection.execute(text.encode(),
                               {"small": SMALL, "large": LARGE, "others": OTHERS})
        connection.execute("VACUUM ANALYZE")
    yield service
    service.close()


def scans(service: Service, thing: str, tenant: int, filter: dict[str, Any]
          ) -> tuple[int, dict[str | None, int]]:
    """Return how many fit, and how many rows each index gave, or none (None), at most at once."""
    params = {"tenant_id": FIRST.format(tenant), "filter": filter}
    total = service.call(f"list_{thing}", params)["pagination"]["total_count"]
    plan, _ = run_plan(service, f"list_{thing}", params, generic=False)
    read: dict[str | None, int] = {}
    for node in nodes_of(plan):
        if node.get("Relation Name") == thing or "Bitmap Index Scan" == node["Node Type"]:
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            name = node.get("Index Name")
            read[name] = max(read.get(name, 0), rows)
    return total, read


@pytest.mark.parametrize("thing", ["nodes", "relationships"])
@pytest.mark.parametrize("filter, fitting", [
    ({"data.n": LARGE + 7}, 1), ({"data.day": 7}, 10), ({"data.of": {"n": LARGE + 9}}, 1),
    ({"data.day": {"$in": [3, 5, 99]}}, 30), ({"data.tags": "t9"}, 20),
    ({"data.status": "s1", "data.day": {"$gt": 20}, "data.n": LARGE + 21}, 1)])
def test_of_a_small_tenant_among_many_the_index_gives_no_row_of_another(
        many: Service, thing: str, filter: dict[str, Any], fitting: int) -> None:
    total, read = scans(many, thing, 1, filter)
    assert total == fitting and f"{thing}_by_data" in read
    assert max(read.values()) <= SMALL + 1
    # What all tenants have is one tenant's there.
    assert read[f"{thing}_by_data"] <= SMALL // 4


@pytest.mark.parametrize("filter, fitting", [
    ({"data.n": 7}, 1), ({"data.day": 7}, 100), ({"data.n": {"$in": [7, 8, 9]}}, 3)])
def test_of_a_large_tenant_the_index_gives_what_fits_and_nothing_else(
        many: Service, filter: dict[str, Any], fitting: int) -> None:
    total, read = scans(many, "nodes", 0, filter)
    assert total == fitting == max(read.values()) and "nodes_by_data" in read


@pytest.mark.parametrize("filter", [
    {"data.n": {"$in": list(range(LARGE, LARGE + 200))}}, {"data.tags.0": "t9"},
    {"data.day": {"$gt": 98}}, {"data.status": {"$ne": "s1"}}, {"data.status": {"$gte": "s3"}}])
def test_what_finds_no_index_is_a_scan_of_the_tenant_alone(
        many: Service, filter: dict[str, Any]) -> None:
    for thing in ("nodes", "relationships"):
        _, read = scans(many, thing, 1, filter)
        assert max(read.values()) <= SMALL + 1


def test_a_deletion_and_a_walk_by_a_filter_read_one_tenant_too(many: Service) -> None:
    given = {"tenant_id": FIRST.format(1), "filter": {"data.n": -1, "data.status": "s1"}}
    for method, further in (("delete_nodes", {"max_affected": 1}),
                            ("traverse", {"start": FIRST.format(1)})):
        plan, _ = run_plan(many, method, given | further, generic=False)
        read = [node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                for node in nodes_of(plan) if node.get("Relation Name") == "nodes"]
        assert read and max(read) <= 1
