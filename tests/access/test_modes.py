"""Who needs a key, by the mode, the address, the host and what a request came through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest

from flexdb.config import Settings
from flexdb.server import keys
from tests.support.callers import closed, with_key
from tests.support.ports import free_port
from tests.support.service import RpcError, Service, request

HERE: dict[str, str] = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:5000"}
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST",
             "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_VIA")
# In mode local: what differs, and whether it is this machine.
LOCAL: list[tuple[dict[str, str], bool]] = [
    ({}, True), ({"REMOTE_ADDR": "::1"}, True), ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, True),
    ({"REMOTE_ADDR": "127.9.9.9"}, True), ({"REMOTE_ADDR": "10.0.0.7"}, False),
    ({"REMOTE_ADDR": "::ffff:10.0.0.7"}, False), ({"REMOTE_ADDR": ""}, False),
    ({"HTTP_HOST": "127.0.0.1"}, True), ({"HTTP_HOST": "[::1]:5000"}, True),
    ({"HTTP_HOST": "LOCALHOST"}, True), ({"HTTP_HOST": "app.localhost:5000"}, True),
    ({"HTTP_HOST": "example.com"}, False), ({"HTTP_HOST": "localhost.example.com"}, False),
    ({"HTTP_HOST": "notlocalhost"}, False), ({"HTTP_HOST": "127.0.0.1.example.com"}, False),
    ({"HTTP_HOST": "10.0.0.7:5000"}, False), ({"HTTP_HOST": ""}, False),
    *[({name: "127.0.0.1"}, False) for name in FORWARDED]]
# With an Origin: whether the Host is one that no other site's page leads here by.
ORIGINS = [("localhost:5000", True), ("127.0.0.1:5000", True), ("[::1]", True),
           ("10.0.0.7", True), ("flexdb.example.com:443", True), ("evil.example", False),
           ("evil.flexdb.example.com", False), ("flexdb.example.com.evil.example", False)]


@pytest.fixture(scope="module", params=["local", "open", "required"])
def service(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Service]:
    service = Service.of(replace(settings, auth=request.param,
                                 allowed_hosts="flexdb.example.com, other.example"))
    yield service
    service.close()


def mode(service: Service) -> str:
    return service.settings.auth


def asked(service: Service, **environ: str) -> Any:
    """Return the answers to a call through each door, made with what a server says of a request."""
    client = service.client()
    client.environ_base |= HERE | environ
    return [client.post("/jsonrpc", json=request("list_tenants", {}),
                        headers={"Host": environ.get("HTTP_HOST", HERE["HTTP_HOST"])}),
            client.get("/tenants", headers={"Host": environ.get("HTTP_HOST", HERE["HTTP_HOST"])})]


@pytest.mark.parametrize("differs, is_here", LOCAL)
def test_who_needs_no_key(service: Service, differs: dict[str, str], is_here: bool) -> None:
    is_let = {"local": is_here, "open": True, "required": False}[mode(service)]
    for response in asked(service, **differs):
        assert response.status_code == (200 if is_let else 401), response.data
        if not is_let:
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="flexdb"'
            assert response.json["error"]["code"] == -32010


def test_a_refusal_says_how_to_get_in(service: Service) -> None:
    for response in asked(service, REMOTE_ADDR="10.0.0.7"):
        if mode(service) == "local":
            told = response.json["error"]["message"]
            assert "create-key" in told and "AUTH=open" in told


@pytest.mark.parametrize("host, is_let", ORIGINS)
def test_a_page_of_another_site_makes_no_call_under_a_name_of_its_own(
        service: Service, host: str, is_let: bool) -> None:
    for response in asked(service, HTTP_HOST=host, HTTP_ORIGIN="http://evil.example"):
        if mode(service) == "open":
            assert response.status_code == (200 if is_let else 403), response.data
        else:
            assert response.status_code in (200, 401)


@pytest.mark.parametrize("sent", [
    "Bearer fdb_o_" + "0" * 49, "Bearer x", "Bearer", "Basic YTpi", "fdb_o_" + "0" * 49, "Bearer ü",
    "Bearer " + "x" * 9000, ""])
def test_a_wrong_key_is_refused_where_none_is_needed_too(service: Service, sent: str) -> None:
    for response in asked(service, HTTP_AUTHORIZATION=sent.encode().decode("latin-1")):
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_key_in_the_query_is_not_read(service: Service, settings: Settings) -> None:
    secret = keys.create_key(settings, None, "", "k", 1, ())
    client = service.client()
    client.environ_base |= HERE
    for name in ("key", "access_token", "authorization", "token"):
        assert client.get(f"/tenants?{name}={secret}").status_code == (
            401 if mode(service) == "required" else 400)


def test_what_tells_nothing_of_anyone_needs_no_key(service: Service) -> None:
    client = service.client()
    for path in ("/health", "/health/ready", "/", "/docs", "/redoc", "/openapi.json",
                 "/openrpc.json"):
        assert client.get(path, follow_redirects=True).status_code == 200, path
    assert client.get("/metrics").status_code == (401 if mode(service) == "required" else 200)


def test_the_metrics_are_an_operators(settings: Settings) -> None:
    service = closed(settings)
    operator = with_key(service, keys.create_key(settings, None, "", "k", 1, ()))
    tenant = operator.tenant()
    of_tenant = with_key(service, keys.create_key(settings, tenant["id"], "owner", "k", 1, ()))
    assert operator.client().get("/metrics").status_code == 200
    assert of_tenant.client().get("/metrics").status_code == 403
    service.close()


def test_who_shows_no_key_is_refused_before_the_body_is_read(settings: Settings) -> None:
    service = closed(settings)

    class Unread(BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    for path in ("/jsonrpc", "/tenants"):
        response = service.app.test_client().open(
            path, method="POST", input_stream=Unread(b"{}"),
            content_type="application/json", headers={"Content-Length": "1000000"})
        assert response.status_code == 401
    service.close()


def test_over_json_rpc_a_refusal_is_one_error_without_an_id(settings: Settings) -> None:
    service = closed(settings)
    response = service.post([request("list_tenants", {})])
    assert response.status_code == 401 and response.json["id"] is None
    assert response.json["error"]["data"] == {"reason": "UNAUTHENTICATED", "retryable": False}
    service.close()


def test_the_answers_to_a_key_are_the_callers_alone(settings: Settings) -> None:
    service = closed(settings)
    operator = with_key(service, keys.create_key(settings, None, "", "k", 1, ()), "rest")
    tenant = operator.tenant()
    one = operator.client().get(f"/tenants/{tenant['id']}")
    assert one.headers["Cache-Control"] == "private, no-cache" and "Authorization" in one.vary
    many = operator.client().get("/tenants")
    assert many.headers["Cache-Control"] == "private, no-store" and "Authorization" in many.vary
    plain = Service.of(replace(settings, auth="open")).client().get("/tenants")
    assert "Cache-Control" not in plain.headers
    service.close()


@pytest.mark.long
def test_while_postgresql_is_away_no_key_is_called_wrong(settings: Settings) -> None:
    service = closed(replace(settings, db_host="127.0.0.1", db_port=free_port(),
                             db_pool_timeout=1))
    caller = with_key(service, keys.create_key(settings, None, "", "k", 1, ()))
    with pytest.raises(RpcError) as refused:
        caller.call("list_tenants")
    assert (refused.value.code, refused.value.reason) == (-32005, "UNAVAILABLE")
    service.close()
