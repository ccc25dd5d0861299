"""What HTTP says of verbs, Accept, bodies and URLs, row by row (RFC 9110)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from time import process_time
from typing import Any
from uuid import uuid4

import pytest

from flexdb.api.routes import Route, routes
from tests.support.service import Service, request

# A body for each door.
CALLS = {"/jsonrpc": json.dumps(request("list_tenants")).encode(),
         "/transactions": json.dumps({"calls": [{"method": "list_tenants"}]}).encode()}


# Section 12.5.1.
@pytest.mark.parametrize("accept, accepted", [
    ("", True), ("*/*", True), ("application/*", True), ("application/json", True),
    ("application/json; charset=utf-8", True), ("application/json;q=0.5", True),
    ("APPLICATION/JSON", True), ("text/html, application/json;v=1;q=0.1", True),
    ("text/html, */*;q=0.1", True), ("application/json;q=0", False), ("text/html", False),
    ("application/json;q=0, */*", False), ("*/*;q=0, application/json", True),
    ("application/*;q=0", False), ("application/xml", False), ("*/*; q=0.0", False),
    ("application/json;profile=\"a,b;q=0\"", True), ("application/json ; q = 0", False),
    (",", False), (" ", True)])
def test_accept_is_obeyed(service: Service, accept: str, accepted: bool) -> None:
    answer = service.app.test_client().get("/tenants", headers={"Accept": accept})
    assert answer.status_code == (200 if accepted else 406)
    assert answer.mimetype == "application/json"


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def in_two(data: bytes) -> bytes:
    return zipped(data[:9]) + zipped(data[9:])


# Sections 8.4 and 15.5.16.
@pytest.mark.parametrize("encoding, encoded, status", [
    ("", bytes, 200), ("identity", bytes, 200), ("gzip", zipped, 200), ("x-gzip", zipped, 200),
    ("GZIP", zipped, 200), ("gzip, identity", zipped, 200), ("gzip,", zipped, 200),
    ("gzip", in_two, 200), ("gzip", lambda call: zipped(call) + zipped(b"") * 999, 200),
    ("gzip", lambda call: zipped(call) + zipped(b"") * 1000, 400), ("gzip", bytes, 400),
    ("gzip", lambda call: zipped(call)[:-9], 400), ("gzip", lambda call: zipped(call) + b"x", 400),
    ("gzip", lambda call: zipped(call)[:-5] + b"xxxxx", 400),
    ("br", bytes, 415), ("zstd", bytes, 415), ("deflate", bytes, 415), ("gzip, br", bytes, 415),
    ("gzip, gzip", lambda call: zipped(zipped(call)), 415), ("gzip, x-gzip", zipped, 415)])
@pytest.mark.parametrize("door", CALLS)
def test_an_encoded_body_is_read_or_refused(
        service: Service, door: str, encoding: str, encoded: Callable[[bytes], bytes], status: int
        ) -> None:
    answer: Any = service.app.test_client().post(
        door, data=encoded(CALLS[door]), content_type="application/json",
        headers={"Content-Encoding": encoding})
    assert answer.status_code == status
    assert ("error" in answer.get_json()) == (status != 200)
    assert (answer.headers.get("Accept-Encoding") == "gzip") == (status == 415)


def test_a_body_that_unpacks_to_more_than_there_may_be_is_refused(service: Service) -> None:
    bomb = gzip.compress(b" " * (service.settings.max_body_bytes + 1))
    assert len(bomb) < 20_000
    for body in (bomb, bomb * 50, gzip.compress(b" " * 1_000_000) * 100):
        answer = service.app.test_client().post(
            "/jsonrpc", data=body, content_type="application/json",
            headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 413
        assert answer.get_json()["error"]["data"]["reason"] == "TOO_LARGE"


@pytest.mark.parametrize("member", [b"", b"x"])
def test_what_unpacks_to_little_costs_little(service: Service, member: bytes) -> None:
    body = gzip.compress(member, mtime=0) * 400_000
    began = process_time()
    answer = service.app.test_client().post(
        "/jsonrpc", data=body, content_type="application/json",
        headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 400 and "1000 gzip members" in answer.text
    assert process_time() - began < 1


# Section 15.5.16.
@pytest.mark.parametrize("kind, read", [
    ("application/json", True), ("application/json; charset=utf-8", True),
    ("Application/JSON", True), ("application/vnd.api+json", True), (None, False), ("", False),
    ("text/plain", False), ("application/x-www-form-urlencoded", False),
    ("multipart/form-data; boundary=x", False), ("application/jsonx", False), ("json", False)])
@pytest.mark.parametrize("door", CALLS)
def test_a_body_of_another_type_is_refused_with_those_that_are_read(
        service: Service, door: str, kind: str | None, read: bool) -> None:
    answer = service.app.test_client().post(
        door, data=CALLS[door],
        headers={} if kind is None else {"Content-Type": kind})
    assert answer.status_code == (200 if read else 415), answer.text
    assert answer.headers.get("Accept") == (None if read else "application/json")


def test_a_patch_of_another_type_is_refused_with_those_that_are_read(service: Service) -> None:
    node = service.node(service.node_type(service.tenant()))
    answer = service.app.test_client().patch(
        f"/tenants/{node['tenant_id']}/nodes/{node['id']}", data="{}", content_type="text/plain")
    assert answer.status_code == 415
    kinds = {"application/merge-patch+json", "application/json-patch+json",
             "application/vnd.flexdb.update+json"}
    assert set(answer.headers["Accept-Patch"].split(", ")) == kinds
    assert all(kind in answer.text for kind in kinds)


@pytest.mark.parametrize("more, read", [
    (b"", True), (b" \n\t", True), (b"x", False), (b"{}", False), (b"\0", False), (b",", False)])
@pytest.mark.parametrize("door", CALLS)
def test_a_body_with_something_behind_it_is_refused(
        service: Service, door: str, more: bytes, read: bool) -> None:
    answer: Any = service.app.test_client().post(
        door, data=CALLS[door] + more, content_type="application/json")
    error = answer.get_json().get("error", {})
    assert error.get("code") == (None if read else -32700)


def url_of(route: Route) -> str:
    return route.url.format(**{name: str(uuid4()) for name in route.in_url})


# Sections 9.3.2, 9.3.7, 10.2.1 and 15.5.6.
@pytest.mark.parametrize("url", sorted({route.url for route in routes()}))
def test_a_url_tells_its_verbs(service: Service, url: str) -> None:
    here = [route for route in routes() if route.url == url]
    verbs = {route.verb for route in here} | {"OPTIONS"}
    verbs |= {"HEAD"} & {"HEAD" for route in here if route.verb == "GET"}
    client = service.app.test_client()
    answer = client.options(url_of(here[0]))
    assert (answer.status_code, answer.data) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == verbs
    for verb in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - verbs:
        answer = client.open(url_of(here[0]), method=verb, json={})
        assert answer.status_code == 405, verb
        assert set(answer.headers["Allow"].split(", ")) == verbs


# Section 9.3.2.
def test_head_tells_of_a_get_all_but_its_content(service: Service) -> None:
    node = service.node(service.node_type(service.tenant()))
    client = service.app.test_client()
    for url in (f"/tenants/{node['tenant_id']}/nodes/{node['id']}", f"/tenants/{uuid4()}",
                "/tenants/x", f"/tenants/{node['tenant_id']}/nodes"):
        whole, head = client.get(url), client.head(url)
        assert head.data == b"" and head.status_code == whole.status_code
        for name in ("Content-Type", "Content-Length", "ETag", "Vary"):
            assert head.headers.get(name) == whole.headers.get(name), name


GETS = [route for route in routes() if route.verb == "GET"]


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.id)
def test_no_parameter_of_the_url_may_stand_in_the_query(service: Service, route: Route) -> None:
    for name in route.in_url:
        answer: Any = service.app.test_client().open(
            url_of(route), method=route.verb, query_string={name: str(uuid4())},
            json={} if route.has_body else None)
        assert answer.status_code == 400
        assert name in answer.get_json()["error"]["data"]["fields"]


@pytest.mark.parametrize("route", GETS, ids=lambda route: route.id)
def test_a_parameter_that_is_no_array_may_be_given_only_once(service: Service, route: Route
                                                             ) -> None:
    arrays = {"relationship_types", "node_type_ids", "kinds", "ops", "ids"}
    for name in ["page_size", "page_token", *route.elsewhere, *route.in_url, "unknown"]:
        if name not in arrays:
            for values in (["1", "1"], ["1", "2"], ["", ""]):
                answer: Any = service.app.test_client().get(
                    url_of(route), query_string={name: values})
                assert answer.status_code == 400
                assert name in answer.get_json()["error"]["data"]["fields"]


# Section 9.3.5: content of a DELETE has no meaning.
def test_the_body_of_a_delete_is_ignored(service: Service) -> None:
    url = f"/tenants/{service.tenant()['id']}"
    assert service.app.test_client().delete(url, json={"id": "x"}).status_code == 204


def test_scripts_of_other_origins_can_read_the_etag(new_service: Any) -> None:
    service = new_service(cors_origins="https://app.example.com")
    answer = service.app.test_client().get(
        "/tenants", headers={"Origin": "https://app.example.com"})
    assert {"ETag", "Location", "Retry-After"} <= set(
        answer.headers["Access-Control-Expose-Headers"].replace(" ", "").split(","))
