"""REST: what is its own beside the behaviour that it shares with JSON-RPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flexdb.api.routes import routes
from flexdb.contract.operation import OPERATIONS
from tests.support.service import Service

ABSENT = "0190163d-8694-739b-aea5-966c26f8ad91"


def send(service: Service, verb: str, url: str, **options: Any) -> Any:
    return service.app.test_client().open(url, method=verb, **options)


def error_of(response: Any) -> tuple[int, int, dict[str, Any]]:
    assert response.mimetype == "application/json" and set(response.json) == {"error"}
    error = response.json["error"]
    assert set(error) == {"code", "message", "data"}
    return response.status_code, error["code"], error["data"].get("fields", {})


def test_every_operation_has_exactly_one_route_and_a_query_or_a_stream_another() -> None:
    named = [route.operation.name for route in routes() if route.id == route.operation.name]
    assert sorted(named) == sorted(OPERATIONS) and len(named) >= 28
    assert {route.id for route in routes()} - set(named) == {
        "query_nodes", "query_relationships", "stream_changes"}


def test_every_parameter_in_a_url_is_one_of_the_operation() -> None:
    for route in routes():
        assert set(route.in_url) <= set(route.operation.fields), route


def test_creating_answers_201_with_the_location_of_what_was_created(service: Service) -> None:
    tenant = service.tenant()
    url = f"/tenants/{tenant['id']}/node-types"
    response = send(service, "POST", url, json={"name": "Task"})
    made = response.json["node_type"]
    assert response.status_code == 201
    assert response.headers["Location"] == f"{url}/{made['id']}"
    assert send(service, "GET", response.headers["Location"]).json == {"node_type": made}
    assert service.call("get_node_type", id=made["id"], tenant_id=tenant["id"])["node_type"] == made


def test_adding_a_user_answers_201_and_changing_the_role_200_without_a_location(
        service: Service) -> None:
    url = f"/tenants/{service.tenant()['id']}/users"
    user = service.user()
    statuses = []
    for role in ("member", "admin"):
        response = send(service, "POST", url, json={"user_id": user["id"], "role": role})
        assert response.json["tenant_user"]["role"] == role
        assert "Location" not in response.headers
        statuses.append(response.status_code)
    assert statuses == [201, 200]


def test_deleting_answers_204_with_no_body_and_no_type(service: Service) -> None:
    tenant = service.tenant()
    response = send(service, "DELETE", f"/tenants/{tenant['id']}")
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("verb, url, options, expected", [
    ("GET", f"/tenants/{ABSENT}", {}, (404, -32001, ["id"])),
    ("GET", "/tenants/x", {}, (400, -32602, ["id"])),
    ("GET", f"/tenants/{ABSENT}/nodes", {}, (404, -32001, ["tenant_id"])),
    ("GET", "/tenants?page_size=0", {}, (400, -32602, ["page_size"])),
    ("GET", "/tenants?page_size=ten", {}, (400, -32602, ["page_size"])),
    ("GET", f"/tenants?page_size={'9' * 5000}", {}, (400, -32602, ["page_size"])),
    ("GET", "/tenants?page_token=x", {}, (400, -32602, ["page_token"])),
    ("GET", "/tenants?page_size=1&page_size=2", {}, (400, -32602, ["page_size"])),
    ("GET", "/tenants?pagination=x", {}, (400, -32602, ["pagination"])),
    ("GET", "/tenants?slug=x", {}, (400, -32602, ["slug"])),
    ("GET", f"/tenants/{ABSENT}?x=1", {}, (400, -32602, ["x"])),
    ("DELETE", f"/tenants/{ABSENT}?x=1", {}, (400, -32602, ["x"])),
    ("POST", "/tenants?x=1", {"json": {"slug": "x", "name": "x"}}, (400, -32602, ["x"])),
    ("POST", "/tenants", {"json": {"slug": "x"}}, (400, -32602, ["name"])),
    ("POST", "/tenants", {"json": ["x"]}, (400, -32600, [])),
    ("POST", "/tenants", {"json": None, "content_type": "application/json"}, (400, -32700, [])),
    ("POST", "/tenants", {"data": "{", "content_type": "application/json"}, (400, -32700, [])),
    ("POST", "/tenants", {"data": "[" * 500 + "]" * 500, "content_type": "application/json"},
     (400, -32600, [])),
    ("POST", "/tenants", {"data": "slug=x"}, (415, -32600, [])),
    ("PUT", f"/tenants/{ABSENT}", {"json": {"id": ABSENT}}, (400, -32602, ["id"])),
    ("PATCH", f"/tenants/{ABSENT}", {}, (405, -32601, [])),
    ("GET", "/nowhere", {}, (404, -32601, [])),
    ("GET", "/tenants/", {}, (404, -32601, [])),
    ("GET", "/tenants", {"headers": {"Accept": "text/html"}}, (406, -32600, [])),
])
def test_what_is_wrong_is_refused_with_its_status_and_fields(
        service: Service, verb: str, url: str, options: dict[str, Any],
        expected: tuple[int, int, list[str]]) -> None:
    status, code, fields = error_of(send(service, verb, url, **options))
    assert (status, code, list(fields)) == expected


def test_a_name_that_is_taken_answers_409(service: Service) -> None:
    tenant = service.tenant()
    response = send(service, "POST", "/tenants", json={"slug": tenant["slug"], "name": "B"})
    assert error_of(response)[:2] == (409, -32002)


def test_a_body_over_the_limit_answers_413(new_service: Callable[..., Service]) -> None:
    response = send(new_service(max_body_bytes=2000), "POST", "/tenants",
                    json={"slug": "x" * 2000, "name": "x"})
    assert error_of(response)[:2] == (413, -32600)


def test_an_unreachable_database_answers_503_with_retry_after(
        new_service: Callable[..., Service]) -> None:
    away = Service.of(type(new_service().settings)(db_host="127.0.0.1", db_port=1,
                                                   db_pool_timeout=0.1))
    response = send(away, "GET", "/tenants")
    away.close()
    assert error_of(response)[:2] == (503, -32005) and response.headers["Retry-After"] == "1"


def test_an_unforeseen_error_answers_500_and_tells_only_its_id(
        service: Service, monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("flexdb.api.rest.http.apply_preference", lambda *_: 1 / 0)
    response = send(service, "GET", "/tenants")
    assert error_of(response)[:2] == (500, -32603)
    assert response.json["error"]["data"]["error_id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text and "ZeroDivision" not in response.text


def test_head_and_options_work(service: Service) -> None:
    head = send(service, "HEAD", "/tenants")
    assert (head.status_code, head.data, head.mimetype) == (200, b"", "application/json")
    options = send(service, "OPTIONS", "/tenants")
    assert options.status_code == 204
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert "GET" in send(service, "PATCH", "/tenants").headers["Allow"]


def test_json_fields_are_given_as_strings_where_that_is_preferred(service: Service) -> None:
    node = service.node(service.node_type(service.tenant()), data={"a": 1})
    url = f"/tenants/{node['tenant_id']}/nodes/{node['id']}"
    response = send(service, "GET", url, headers={"Prefer": "json-fields=string"})
    assert response.json["node"]["data"] == '{"a": 1}'
    assert response.headers["Preference-Applied"] == "json-fields=string"
    assert "Prefer" in response.headers["Vary"]
    assert send(service, "GET", url).json["node"]["data"] == {"a": 1}


def test_browsers_of_other_origins_are_let_in_only_where_they_are_named(
        service: Service, new_service: Callable[..., Service]) -> None:
    origin = {"Origin": "https://app.example"}
    assert "Access-Control-Allow-Origin" not in send(
        service, "GET", "/tenants", headers=origin).headers
    open_to = new_service(cors_origins="https://app.example, https://other.example")
    allowed = send(open_to, "GET", "/tenants", headers=origin).headers
    assert allowed["Access-Control-Allow-Origin"] == "https://app.example"
    preflight = send(open_to, "OPTIONS", "/jsonrpc", headers=origin | {
        "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"})
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    stranger = send(open_to, "GET", "/tenants", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in stranger.headers


def test_without_rest_only_json_rpc_is_left(new_service: Callable[..., Service]) -> None:
    service = new_service(rest_enabled=False)
    for url in ("/tenants", "/docs", "/redoc", "/openapi.json"):
        assert error_of(send(service, "GET", url))[:2] == (404, -32601)
    assert service.call("list_tenants")["tenants"] == []
    assert send(service, "GET", "/openrpc.json").status_code == 200
    assert "docs" not in send(service, "GET", "/").text


def test_what_a_stream_takes_is_told_without_what_it_refuses(service: Service) -> None:
    url = f"/tenants/{service.tenant()['id']}/changes/stream"
    told = service.client().get(f"{url}?wiat=5&wait=5", headers={
        "Accept": "text/event-stream"}).get_json()["error"]["data"]["fields"]
    listed = "there are: since, limit, kinds, "
    assert told.keys() == {"wiat", "wait"} and not any(
        "wait" in message for messages in told.values() for message in messages)
    assert all(listed in messages[0] for messages in told.values())
