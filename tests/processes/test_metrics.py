"""The figures at /metrics, of one process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from flexdb.api.routes import routes
from flexdb.config import Settings
from tests.support import postgres
from tests.support.metrics import read
from tests.support.service import RpcError, Service, request

ABSENT = "00000000-0000-7000-8000-000000000000"


def figures(service: Service) -> dict[tuple[str, ...], float]:
    return read(service.app.test_client().get("/metrics").text)


def test_calls_are_counted_by_method_and_outcome(new_service: Callable[..., Service]) -> None:
    service = new_service()
    for _ in range(3):
        service.call("list_tenants")
    service.app.test_client().get("/tenants")
    service.post([request("list_tenants"), request("get_user", {"id": ABSENT}), request("x"), 1])
    service.post(b"{")
    found = figures(service)
    assert {key[1:]: value for key, value in found.items() if key[0] == "flexdb_calls_total"} == {
        ("list_tenants", "ok"): 5, ("get_user", "NOT_FOUND"): 1,
        ("unknown", "METHOD_NOT_FOUND"): 1, ("unknown", "INVALID_REQUEST"): 1,
        ("unknown", "PARSE_ERROR"): 1}
    count = "flexdb_call_duration_seconds_count"
    assert {key[1:]: value for key, value in found.items() if key[0] == count} == {
        ("list_tenants",): 4, ("batch",): 1, ("unknown",): 1}
    assert found["flexdb_call_duration_seconds_sum", "list_tenants"] > 0
    assert found["flexdb_batch_calls_count",] == 1 and found["flexdb_batch_calls_sum",] == 4


def test_no_caller_makes_labels(new_service: Callable[..., Service]) -> None:
    service = new_service()
    tenant = service.tenant()
    for number in range(50):
        service.post(request(f"method_{number}"))
        service.post([request(f"x\n{number}"), request(f"y{number}")])
        service.app.test_client().get(f"/place/{number}")
    for route in routes():
        url = route.url.format_map({name: tenant["id"] for name in route.in_url})
        service.app.test_client().open(url, method=route.verb, json={} if route.has_body else None)
    text = service.app.test_client().get("/metrics").text
    assert "method_" not in text and "place" not in text and tenant["id"] not in text
    methods = {key[1] for key in read(text) if key[0] == "flexdb_calls_total"}
    assert methods == {"unknown", *(route.operation.name for route in routes())}


def test_both_forms_of_the_text_can_be_parsed(service: Service) -> None:
    service.call("list_tenants")
    client = service.app.test_client()
    plain = client.get("/metrics")
    assert plain.content_type.startswith("text/plain; version=")
    opened = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert opened.content_type.startswith("application/openmetrics-text")
    key = ("flexdb_calls_total", "list_tenants", "ok")
    assert read(plain.text)[key] == read(opened.text, parse_openmetrics)[key] >= 1


def test_the_pool_shows_what_is_used_idle_and_allowed(new_service: Callable[..., Service]) -> None:
    service = new_service(db_pool_size=3, db_pool_queue=2, tenant_connections=3)
    service.call("list_tenants")
    pool = service.app.extensions["flexdb"]
    with ExitStack() as lent:
        for _ in range(3):
            lent.enter_context(pool.connection())
        found = figures(service)
        assert found["flexdb_pool_size",] == found["flexdb_pool_in_use",] == 3
        assert found["flexdb_pool_idle",] == found["flexdb_pool_waiting",] == 0
    found = figures(service)
    assert found["flexdb_pool_in_use",] == 0 and found["flexdb_pool_idle",] == 3
    assert (found["flexdb_pool_size_limit",], found["flexdb_pool_waiting_limit",]) == (3, 2)
    # What the metrics themselves ask for is asked only where there is a free connection.
    assert found["flexdb_pool_wait_seconds_count",] == 6
    assert found["flexdb_workers",] == 1


def test_whether_calls_can_be_answered_shows(
        new_database: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = new_database(workers=3)
    monkeypatch.setattr("flexdb.api.figures._AGE", 0)
    with closing(Service.of(settings)) as service, postgres.connect(settings) as database:
        assert figures(service)["flexdb_ready",] == 1
        database.execute("ALTER TABLE _yoyo_migration RENAME TO away")
        assert figures(service)["flexdb_ready",] == 0
        database.execute("ALTER TABLE away RENAME TO _yoyo_migration")
        found = figures(service)
        assert (found["flexdb_ready",], found["flexdb_workers_limit",]) == (1, 3)


def test_waiting_and_refused_calls_show(new_service: Callable[..., Service]) -> None:
    service = new_service(db_pool_size=1, db_pool_queue=1, db_pool_timeout=0.5)
    service.call("list_tenants")
    with service.app.extensions["flexdb"].connection():
        waiting = threading.Thread(target=service.post, args=[request("list_tenants")])
        waiting.start()
        while not figures(service)["flexdb_pool_waiting",]:
            assert waiting.is_alive()
        with pytest.raises(RpcError, match="-32005"):
            service.call("list_tenants")
        assert figures(service)["flexdb_pool_refused_total", "queue_full"] == 1
        waiting.join()
    found = figures(service)
    assert found["flexdb_pool_refused_total", "timeout"] == 1
    assert found["flexdb_calls_total", "list_tenants", "OVERLOADED"] == 2
    assert found["flexdb_pool_wait_seconds_sum",] >= 0.5


def test_lost_connections_and_what_was_sent_again_show(
        new_service: Callable[..., Service]) -> None:
    service = new_service()
    service.call("list_tenants")
    with postgres.connect(service.settings) as database:
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                         "datname = current_database() AND pid <> pg_backend_pid()")
        service.call("list_tenants")
        assert figures(service)["flexdb_connections_lost_total",] == 1


@pytest.mark.parametrize("state, outcome, gaps", [
    ("22003", "INVALID_PARAMS", 1), ("23514", "INTERNAL", 1), ("23502", "INTERNAL", 1),
    ("40001", "ABORTED", 0), ("P0001", "INTERNAL", 0), ("53100", "STORAGE_FULL", 0)])
@pytest.mark.parametrize("form", ["alone", "batch", "transaction"])
def test_what_postgresql_had_to_refuse_is_a_gap_and_a_line(
        refusing: Service, caplog: pytest.LogCaptureFixture, state: str, outcome: str, gaps: int,
        form: str) -> None:
    def counted() -> float:
        return figures(refusing).get(("flexdb_validation_gap_total", method), 0)

    params = {"email": "a@b.c", "display_name": state}
    if form == "transaction":
        params = {"calls": [{"method": "create_user", "params": params}]}  # type: ignore
    call = request("transaction" if form == "transaction" else "create_user", params)
    method = call["method"]
    before = counted()
    reply = refusing.post([request("list_users"), call] if form == "batch" else call).json
    error = (reply[1] if form == "batch" else reply)["error"]
    assert error["data"]["reason"] == outcome
    assert counted() == before + gaps
    lines = [record.getMessage() for record in caplog.records if "gap" in record.getMessage()]
    assert lines == [f"validation gap: {method} was refused by PostgreSQL: SQLSTATE {state}"] * gaps


def test_the_gauges_of_a_plain_app_leave_no_files(service: Service) -> None:
    figures(service)
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
