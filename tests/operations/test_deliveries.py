"""Deliveries of webhooks: what is listed of them, tests, and sending again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from flexdb.context import Context
from flexdb.operations.deliveries import MOST_POSITIONS, MOST_TESTS, redeliver
from flexdb.plan import Statement
from tests.support import postgres
from tests.support.plans import nodes_of, run_plan, run_statement
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors
DAY = "2026-01-0{}T00:00:00.000000+00:00"

Webhook = dict[str, str]


def make(service: Service) -> Webhook:
    """Make a webhook, and return its name to those who ask of its deliveries."""
    tenant = service.tenant()
    made = service.call("create_webhook", tenant_id=tenant["id"], url="https://example.com/")
    return {"tenant_id": tenant["id"], "webhook_id": made["webhook"]["id"]}


def enter(connection: psycopg.Connection, webhook: Webhook, **columns: Any) -> None:
    """Enter a delivery, as who delivers does."""
    row = {**webhook, "object_id": uuid4(), **columns}
    connection.execute(
        f"INSERT INTO flexdb_deliveries ({', '.join(row)}) VALUES "
        f"({', '.join('%s' for _ in row)})".encode(), [*row.values()])


def four(connection: psycopg.Connection, webhook: Webhook) -> None:
    """Enter one that is done, two that are dead and one that waits."""
    for position, status in enumerate(("done", "dead", "dead", "waiting"), 1):
        enter(connection, webhook, position=position, status=status, attempts=position,
              created_at=DAY.format(position), last_status=503, last_error="it answered with 503",
              done_at=None if status == "waiting" else DAY.format(9), due=DAY.format(position))


def listed(service: Service, webhook: Webhook, **asked: Any) -> list[int]:
    found = service.call("list_deliveries", webhook | asked)["deliveries"]
    return [delivery["position"] for delivery in found]


def states(connection: psycopg.Connection, webhook: Webhook) -> dict[int, str]:
    return dict(connection.execute(
        "SELECT d.position, d.status FROM flexdb_deliveries d WHERE d.webhook_id = %s",
        [webhook["webhook_id"]]).fetchall())


def test_deliveries_are_listed_newest_first_by_pages_and_by_their_status(service: Service) -> None:
    webhook = make(service)
    with postgres.connect(service.settings) as connection:
        four(connection, webhook)
    assert listed(service, webhook) == [4, 3, 2, 1]
    assert listed(service, webhook, status="dead") == [3, 2]
    assert listed(service, webhook, status="waiting") == [4]
    first = service.call("list_deliveries", webhook | {"pagination": {"page_size": 3}})
    assert first["pagination"]["total_count"] == 4
    assert listed(service, webhook, pagination={
        "page_size": 3, "page_token": first["pagination"]["next_page_token"]}) == [1]
    shown = first["deliveries"][2]
    assert shown == webhook | {
        "position": 2, "object_id": shown["object_id"], "status": "dead", "attempts": 2,
        "due": DAY.format(2), "last_status": 503, "last_error": "it answered with 503",
        "created_at": DAY.format(2), "done_at": DAY.format(9)}
    assert listed(service, make(service)) == []
    for other in (webhook | {"webhook_id": str(uuid4())},
                  webhook | {"tenant_id": make(service)["tenant_id"]}):
        with pytest.raises(RpcError) as refused:
            listed(service, other)
        assert refused.value.fields == {"webhook_id": ["names no webhook"]}


def test_a_test_is_entered_as_a_delivery_that_no_change_is_behind(service: Service) -> None:
    webhook = make(service)
    entered = [service.call("test_webhook", webhook)["delivery"] for _ in range(MOST_TESTS)]
    assert [delivery["position"] for delivery in entered] == listed(service, webhook)[::-1]
    assert all(delivery["position"] < 0 for delivery in entered)
    assert entered[0] | {"position": 0} == webhook | {
        "position": 0, "object_id": webhook["webhook_id"], "status": "waiting", "attempts": 0,
        "due": entered[0]["due"], "last_status": None, "last_error": None,
        "created_at": entered[0]["created_at"], "done_at": None}
    with pytest.raises(RpcError, match=f"has {MOST_TESTS} tests that wait"):
        service.call("test_webhook", webhook)
    with pytest.raises(RpcError) as refused:
        service.call("test_webhook", webhook | {"webhook_id": str(uuid4())})
    assert refused.value.reason == "NOT_FOUND"


@pytest.mark.parametrize("asked, again", [
    ({}, {2, 3}), ({"since": DAY.format(3)}, {3}), ({"until": DAY.format(3)}, {2}),
    ({"since": DAY.format(4)}, set()), ({"positions": [1, 3, 99]}, {1, 3}),
    ({"positions": [4]}, {4})])
def test_what_is_named_or_dead_is_sent_again_as_if_it_were_new(
        service: Service, asked: Any, again: set[int]) -> None:
    webhook, other = make(service), make(service)
    with postgres.connect(service.settings) as connection:
        for one in (webhook, other):
            four(connection, one)
        before = states(connection, webhook)
        assert service.call("redeliver", webhook | asked) == {"count": len(again)}
        assert states(connection, webhook) == before | dict.fromkeys(again, "waiting")
        assert states(connection, other) == before
    for delivery in service.call("list_deliveries", webhook)["deliveries"]:
        is_fresh = delivery["attempts"] == 0 and delivery["done_at"] is None
        assert is_fresh is (delivery["position"] in again)
        assert (delivery["due"] > DAY.format(9)) is is_fresh


def test_what_is_being_sent_is_left_alone(service: Service) -> None:
    webhook = make(service)
    with postgres.connect(service.settings) as connection:
        for position, leased_until in ((1, "infinity"), (2, "-infinity")):
            enter(connection, webhook, position=position, attempts=1, leased_until=leased_until)
    assert service.call("redeliver", webhook | {"positions": [1, 2]}) == {"count": 1}


@pytest.mark.parametrize("asked, places", [
    ({"positions": []}, ["positions"]), ({"positions": [1] * (MOST_POSITIONS + 1)}, ["positions"]),
    ({"positions": ["1"]}, ["positions.0"]), ({"positions": [2**63]}, ["positions.0"]),
    ({"positions": [1], "since": DAY.format(1)}, ["positions"]), ({"since": "now"}, ["since"]),
    ({"webhook_id": str(uuid4())}, ["webhook_id"])])
def test_what_is_wrong_about_sending_again_is_named(
        service: Service, asked: Any, places: list[str]) -> None:
    with pytest.raises(RpcError) as refused:
        service.call("redeliver", make(service) | asked)
    assert list(refused.value.fields) == places


def test_it_is_counted_what_waits_and_for_how_long_be_it_entered_or_not(service: Service) -> None:
    webhook, other = make(service), make(service)
    assert service.call("count_deliveries", webhook) == {"waiting": 0, "dead": 0, "lag": 0}
    service.call("create_node_type", tenant_id=webhook["tenant_id"], name="A type")
    with postgres.connect(service.settings) as connection:
        # Nobody delivers, so what changed is not even entered.
        connection.execute("UPDATE flexdb_changes SET at = at - interval '100 seconds' "
                           "WHERE tenant_id = %s", [webhook["tenant_id"]])
        found = service.call("count_deliveries", webhook)
        assert (found["waiting"], found["dead"]) == (0, 0) and 100 <= found["lag"] < 900
        last = service.call("list_changes", tenant_id=webhook["tenant_id"])["position"]
        connection.execute("UPDATE flexdb_webhooks SET position = %s WHERE id = %s",
                           [last.rpartition(".")[2], webhook["webhook_id"]])
        assert service.call("count_deliveries", webhook)["lag"] == 0
        four(connection, webhook)
    found = service.call("count_deliveries", webhook)
    assert (found["waiting"], found["dead"]) == (1, 2) and found["lag"] > 900
    assert service.call("count_deliveries", other) == {"waiting": 0, "dead": 0, "lag": 0}
    with pytest.raises(RpcError) as refused:
        service.call("count_deliveries", webhook | {"webhook_id": other["webhook_id"]})
    assert refused.value.reason == "NOT_FOUND" and list(refused.value.fields) == ["webhook_id"]


@pytest.mark.parametrize("generic", [False, True])
def test_pages_and_what_is_dead_are_read_by_indexes(service: Service, generic: bool) -> None:
    webhook = make(service)
    with postgres.connect(service.settings) as connection:
        connection.execute("""
            INSERT INTO flexdb_deliveries (tenant_id, webhook_id, position, object_id, status,
                                           created_at)
            SELECT w.tenant_id, w.id, g, w.id, CASE mod(g, 1000) WHEN 0 THEN 'dead' ELSE 'done' END,
                   now() + make_interval(secs => g)
            FROM flexdb_webhooks w, generate_series(1, 20000) g WHERE w.id = %s""",
            [webhook["webhook_id"]])
        connection.execute("ANALYZE flexdb_deliveries")
    plan, row = run_plan(service, "list_deliveries", webhook, generic)
    assert row[1] == 10 and [node["Actual Rows"] for node in nodes_of(plan)
                             if node.get("Index Name") == "flexdb_deliveries_page"] == [11]
    again = redeliver(Context(), webhook | {"positions": None, "since": None, "until": None})
    assert isinstance(again, Statement)
    plan, row = run_statement(service, again, generic)
    assert row == ({"count": 20},) and "flexdb_deliveries_dead" in {
        node.get("Index Name") for node in nodes_of(plan)}
