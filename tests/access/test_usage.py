"""How much each tenant asks for: counted by the workers, added up in the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from flexdb.api.usage import Usage
from flexdb.config import Settings
from flexdb.errors import Unavailable
from flexdb.operations.usage import MEASURES
from flexdb.telemetry.watch import Watch
from tests.support.callers import closed, secrets_of, with_key
from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.served import Served, variables_of
from tests.support.service import Service, request, rest_request

LONG_AGO = "2020-01-01T00:00:00+00:00"


def usage_of(service: Service) -> Usage:
    """Return what counts in the app."""
    counts = service.app.extensions["flexdb_usage"]
    assert isinstance(counts, Usage)
    return counts


def used(service: Service, tenant: dict[str, Any], **since: str) -> Any:
    """Return what a tenant asked for, but when it was and how long it took."""
    usage_of(service).flush()
    told = service.call("get_usage", tenant_id=tenant["id"], **since)["usage"]
    return {name: told[name] for name in ("calls", "errors", "rows", "bytes")}


def ask(counts: Usage, tenant_id: str, rows: int = 1, ms: float = 2.0) -> None:
    """Count one call of a tenant."""
    watched = Watch()
    watched.tenant, watched.rows, watched.database = tenant_id, rows, ms / 1000
    counts.add(watched, 1, 0, 10)


@pytest.mark.parametrize("door", ["jsonrpc", "rest"])
def test_calls_errors_rows_and_bytes_are_counted_by_the_tenant(service: Service, door: str) -> None:
    tenant, other = service.tenant(), service.tenant()
    node_type = service.node_type(tenant)
    service.node_type(other)
    before, beside = used(service, tenant), used(service, other)
    of, weight = {"tenant_id": tenant["id"]}, 0
    calls: list[tuple[str, Any]] = [
        ("create_nodes", of | {"nodes": [{"node_type_id": node_type["id"]}] * 3}),
        ("create_node", of | {"node_type_id": node_type["id"]}),
        ("list_nodes", of | {"pagination": {"page_size": 2}}),
        ("list_nodes", of | {"filter": {"version": 1}}),
        ("get_node", of | {"id": str(uuid4())}),
        ("delete_nodes", of | {"filter": {"version": 1}, "max_affected": 9}),
    ]
    for method, params in calls:
        said = rest_request(method, params) if door == "rest" else {
            "method": "POST", "path": "/jsonrpc", "json": request(method, params)}
        assert said
        weight += len(service.client().open(**said).data)
    after = used(service, tenant)
    # The first question was counted when it had been answered.
    assert after["calls"] - before["calls"] == len(calls) + 1
    assert after["errors"] - before["errors"] == 1
    assert after["rows"] - before["rows"] == 3 + 1 + 2 + 4 + 0 + 4 + 1
    assert weight < after["bytes"] - before["bytes"] < weight + 300
    assert used(service, other)["calls"] == beside["calls"] + 1


def test_each_call_of_a_batch_and_each_row_of_a_transaction_counts(service: Service) -> None:
    tenant = service.tenant()
    of = {"tenant_id": tenant["id"]}
    node_type = service.node_type(tenant)
    params = of | {"node_type_id": node_type["id"]}
    before = used(service, tenant)
    service.batch([request("create_node", params), request("get_node", of | {"id": str(uuid4())}),
                   request("transaction", {
                       "calls": [{"method": "create_node", "params": params}] * 5})])
    after = used(service, tenant)
    assert {name: after[name] - before[name] for name in ("calls", "errors", "rows")} == {
        "calls": 4, "errors": 1, "rows": 1 + 5 + 1}


def test_it_is_added_up_every_few_seconds_by_the_calls_themselves(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = service.tenant()
    service.node_type(tenant)
    read = {"tenant_id": tenant["id"]}
    assert service.call("get_usage", read)["usage"]["calls"] == 0
    monkeypatch.setattr("flexdb.api.usage._PERIOD", 0.0)
    service.call("get_tenant", id=tenant["id"])
    # The tenant's making, its type's, and two questions.
    assert service.call("get_usage", read)["usage"]["calls"] >= 3


def test_workers_that_add_up_at_once_lose_nothing_and_wait_for_none_that_waits(
        service: Service) -> None:
    tenants = [service.tenant() for _ in range(20)]

    def work(turn: int) -> None:
        counts = Usage(usage_of(service)._runner)
        for _ in range(5):
            for tenant in tenants if turn % 2 else tenants[::-1]:
                ask(counts, tenant["id"])
            counts.flush()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    for tenant in tenants:
        told = service.call("get_usage", tenant_id=tenant["id"])["usage"]
        assert (told["calls"], told["database_ms"]) == (40, 80)


def test_what_cannot_be_told_now_is_told_later(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant, counts = service.tenant(), Usage(usage_of(service)._runner)
    ask(counts, tenant["id"])
    with monkeypatch.context() as away:
        away.setattr(counts, "_runner", Away())
        counts.flush()
        ask(counts, tenant["id"])
    counts.flush()
    assert service.call("get_usage", tenant_id=tenant["id"])["usage"]["calls"] == 2


class Away:
    """A runner whose database is away."""

    def result(self, *arguments: Any) -> None:
        raise Unavailable()


def test_what_is_remembered_is_bounded_and_of_no_tenant_nothing_is_kept(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexdb.api.usage._MOST", 2)
    first, second, third = [service.tenant() for _ in range(3)]
    counts = Usage(usage_of(service)._runner)
    for id in (first["id"], str(uuid4()), third["id"], first["id"]):
        ask(counts, id)
    counts.flush()
    told = [service.call("get_usage", tenant_id=one["id"])["usage"]["calls"]
            for one in (first, second, third)]
    assert told == [2, 0, 0]


def test_hours_are_told_from_one_on_and_kept_for_ninety_days(service: Service) -> None:
    tenant, counts = service.tenant(), Usage(usage_of(service)._runner)
    with connect(service.settings) as connection:
        for days in (91, 89, 2):
            connection.execute(
                "INSERT INTO flexdb_usage VALUES"
                " (%s, clock_timestamp() - make_interval(days => %s), 1, 0, 0, 0, 0)",
                (tenant["id"], days))
        ask(counts, tenant["id"])
        counts.flush()
        (kept,), = connection.execute(
            "SELECT count(*) FROM flexdb_usage WHERE tenant_id = %s", (tenant["id"],)).fetchall()
    assert kept == 3
    read = {"tenant_id": tenant["id"]}
    assert service.call("get_usage", read)["usage"]["calls"] == 1
    told = service.call("get_usage", read | {"since": LONG_AGO})["usage"]
    assert told["calls"] == 3 and told["since"][:16] == LONG_AGO[:16]


@pytest.mark.parametrize("by", MEASURES)
def test_an_operator_sees_who_is_loud(new_database: Callable[..., Settings], by: str) -> None:
    service = Service.of(new_database())
    tenants = [service.tenant() for _ in range(3)]
    with connect(service.settings) as connection:
        for tenant, much in zip(tenants, (2, 3, 1)):
            amounts = {name: 5 for name in MEASURES} | {by: much}
            connection.execute(
                "INSERT INTO flexdb_usage"
                " (tenant_id, hour, calls, errors, rows, bytes, database_ms)"
                " VALUES (%(id)s, clock_timestamp(), %(calls)s, %(errors)s, %(rows)s, %(bytes)s,"
                " %(database_ms)s)", amounts | tenant)
    told = service.call("list_usage", by=by, limit=2)["usages"]
    assert [(one["tenant_id"], one[by]) for one in told] == [
        (tenants[1]["id"], 3), (tenants[0]["id"], 2)]
    assert refusal(service, "list_usage", by=by, limit=1001).fields == {
        "limit": ["may be at most 1,000"]}
    assert refusal(service, "list_usage", by="name").fields.keys() == {"by"}
    service.close()


def test_admins_see_their_own_and_nobody_below(service: Service) -> None:
    tenant = service.tenant()
    secrets, shut = secrets_of(service.settings, tenant), closed(service.settings)
    assert with_key(shut, secrets["admin"]).call("get_usage")["usage"]["tenant_id"] == tenant["id"]
    for role, method in [("member", "get_usage"), ("owner", "list_usage")]:
        assert refusal(with_key(shut, secrets[role]), method).reason == "PERMISSION_DENIED"
    shut.close()


@pytest.mark.long
def test_a_worker_that_ends_tells_what_it_counted(service: Service, tmp_path: Path) -> None:
    tenant = service.tenant()
    with Served(tmp_path, **variables_of(service.settings, WEB_CONCURRENCY=2)).wait() as served:
        for _ in range(10):
            served.call("get_tenant", id=tenant["id"])
    assert service.call("get_usage", tenant_id=tenant["id"])["usage"]["calls"] >= 10
