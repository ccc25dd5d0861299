"""What is told of a call: its line in the log, and the headers of its answer."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from flexdb.telemetry import watch
from flexdb.telemetry.logs import Lines
from tests.support import postgres
from tests.support.service import Service, request

MADE = r"[0-9a-f]{16}-[0-9a-f]+"
TIMING = r"app;dur=(\d+\.\d\d), db;dur=(\d+\.\d\d), pool;dur=(\d+\.\d\d)"
ABSENT = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Give the fields of the lines that calls wrote since it was last asked."""
    caplog.set_level("INFO")

    def look() -> list[dict[str, Any]]:
        found = [line for record in caplog.records if isinstance(record, Lines)
                 for line in record.lines]
        caplog.clear()
        return found

    yield look


Told = Callable[[], list[dict[str, Any]]]


def test_a_call_is_one_line_with_its_method_outcome_time_status_and_id(
        service: Service, told: Told) -> None:
    service.post(request("list_tenants"), headers={"X-Request-ID": "an-id"})
    (line,) = told()
    assert 0 < line.pop("ms") < 10_000
    assert line == {"method": "list_tenants", "outcome": "ok", "status": 200,
                    "request_id": "an-id"}


@pytest.mark.parametrize("body, method, outcome", [
    (request("get_tenant", {"id": ABSENT}), "get_tenant", "NOT_FOUND"),
    (request("get_tenant", {"id": 1}), "get_tenant", "INVALID_PARAMS"),
    (request("get_tenants"), "get_tenants", "METHOD_NOT_FOUND"),
    ({"jsonrpc": "2.0", "method": "get_tenant"}, "get_tenant", "INVALID_PARAMS"),
    ({"method": "get_tenant", "id": 1}, "get_tenant", "INVALID_REQUEST"),
    ({"jsonrpc": "2.0", "method": ["get_tenant"], "id": 1}, "-", "INVALID_REQUEST"),
    ([1], "-", "INVALID_REQUEST"),
    ([], "-", "INVALID_REQUEST"),
    (b"{", "-", "PARSE_ERROR"),
    (request("rpc.discover"), "rpc.discover", "ok"),
], ids=str)
def test_the_outcome_is_the_reason_of_the_error(
        service: Service, told: Told, body: Any, method: str, outcome: str) -> None:
    service.post(body)
    assert [(line["method"], line["outcome"]) for line in told()] == [(method, outcome)]


def test_what_is_refused_before_it_is_read_has_its_status(service: Service, told: Told) -> None:
    service.post(b"{}", content_type="text/plain")
    (line,) = told()
    assert (line["method"], line["outcome"], line["status"]) == ("-", "INVALID_REQUEST", 415)


def test_each_call_of_a_batch_is_a_line_with_the_id_of_the_batch(
        service: Service, told: Told) -> None:
    notification = {"jsonrpc": "2.0", "method": "list_users"}
    response = service.post([request("list_tenants"), request("get_user", {"id": ABSENT}),
                             notification, request("nothing"), 1])
    lines = told()
    assert [(line["method"], line["outcome"]) for line in lines] == [
        ("list_tenants", "ok"), ("get_user", "NOT_FOUND"), ("list_users", "ok"),
        ("nothing", "METHOD_NOT_FOUND"), ("-", "INVALID_REQUEST")]
    assert {line["request_id"] for line in lines} == {response.headers["X-Request-ID"]}
    assert {line["batch"] for line in lines} == {5}


@pytest.mark.parametrize("verb, url, body, line", [
    ("GET", "/tenants", None, ("list_tenants", "ok", 200)),
    ("POST", "/users", {"email": "rest-line@b.c", "display_name": "A"}, ("create_user", "ok", 201)),
    ("POST", "/users", {}, ("create_user", "INVALID_PARAMS", 400)),
    ("GET", f"/users/{ABSENT}", None, ("get_user", "NOT_FOUND", 404)),
    ("GET", "/nowhere", None, ("-", "METHOD_NOT_FOUND", 404)),
    ("PUT", "/users", {}, ("-", "METHOD_NOT_FOUND", 405)),
])
def test_a_rest_call_has_the_name_of_its_operation_and_its_status(
        service: Service, told: Told, verb: str, url: str, body: Any,
        line: tuple[str, str, int]) -> None:
    service.app.test_client().open(url, method=verb, json=body)
    (found,) = told()
    assert (found["method"], found["outcome"], found["status"]) == line


@pytest.mark.parametrize("url", ["/health", "/health/ready", "/metrics", "/", "/openrpc.json"])
def test_what_is_no_call_is_not_told(service: Service, told: Told, url: str,
                                     caplog: pytest.LogCaptureFixture) -> None:
    assert service.app.test_client().get(url).status_code == 200
    assert told() == [] and not [one for one in caplog.records if one.name.startswith("flexdb")]


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_no_line_is_made_when_nobody_wants_it(
        service: Service, told: Told, level: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(level)
    service.post(request("list_tenants"))
    assert len(told()) == (level == logging.INFO)


@pytest.mark.parametrize("asked", ["a", "A-b_c.9", "x" * 128, ABSENT])
def test_a_sane_request_id_is_taken_over(service: Service, told: Told, asked: str) -> None:
    for path in ("/jsonrpc", "/nowhere", "/health"):
        response = service.app.test_client().get(path, headers={"X-Request-ID": asked})
        assert response.headers.getlist("X-Request-ID") == [asked]
    assert {line["request_id"] for line in told()} == {asked}


@pytest.mark.parametrize("asked", [
    None, "", " ", "a b", "x" * 129, "x" * 10_000, "a\x1b[2J", "é", "a,b", "a\tb", "{}", '"a"'])
def test_any_other_is_replaced_by_a_new_one(
        service: Service, told: Told, asked: str | None) -> None:
    headers = {} if asked is None else {"X-Request-ID": asked}
    ids = [service.post(request("list_tenants"), headers=headers).headers["X-Request-ID"]
           for _ in range(3)]
    assert all(re.fullmatch(MADE, made) for made in ids) and len(set(ids)) == 3
    assert [line["request_id"] for line in told()] == ids


@pytest.mark.parametrize("name", ["a\nb", "x" * 10_000, "\x1b[31m", "", "a b", "é", "9", "a=b"])
def test_a_hostile_method_does_not_get_into_the_log(
        service: Service, told: Told, name: str) -> None:
    service.post(request(name))
    assert [line["method"] for line in told()] == ["-"]


def times(headers: Any) -> list[float]:
    found = re.fullmatch(TIMING, headers["Server-Timing"])
    assert found
    return [float(time) for time in found.groups()]


def test_the_answer_says_where_its_time_went(service: Service) -> None:
    app, database, pool = times(service.post(request("list_tenants")).headers)
    assert app > database > 0 and app >= round(database + pool, 2) - 0.02
    app, database, pool = times(service.app.test_client().get("/health").headers)
    assert app > database == pool == 0


def test_a_call_that_waits_in_postgresql_says_so(service: Service) -> None:
    user = service.user()
    with postgres.connect(service.settings) as database, database.transaction():
        database.execute("UPDATE users SET display_name = 'B' WHERE id = %s", [user["id"]])
        threading.Timer(0.3, lambda: database.execute("COMMIT")).start()
        response = service.post(request("update_user", {"id": user["id"], "display_name": "C"}))
    app, waited, _ = times(response.headers)
    assert 250 < waited <= app


def test_a_browser_may_read_the_headers(new_service: Callable[..., Service]) -> None:
    client = new_service(cors_origins="https://a.example").app.test_client()
    response = client.post("/jsonrpc", json=request("list_tenants"),
                           headers={"Origin": "https://a.example"})
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-ID", "Server-Timing"} <= set(exposed)


def test_an_unforeseen_error_is_logged_beside_the_request_id(
        service: Service, caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.app.extensions["flexdb"], "connection", lambda: 1 / 0)
    seen: list[str] = []

    def see(record: logging.LogRecord) -> bool:
        seen.append(watch.current().request_id)
        return True

    caplog.handler.addFilter(see)
    reply = service.post(request("list_tenants"), headers={"X-Request-ID": "its-id"})
    assert orjson.loads(reply.data)["error"]["data"]["reason"] == "INTERNAL"
    assert set(seen) == {"its-id"} and "error_id" in caplog.text
    assert watch.current().request_id == ""
