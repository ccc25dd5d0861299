"""What HTTP says of Accept, Content-Encoding, bodies and URLs, row by row (RFC 9110)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.support.service import Service, request

CALL = json.dumps(request("list_tenants")).encode()


# Section 12.5.1.
@pytest.mark.parametrize("accept, accepted", [
    ("", True), ("*/*", True), ("application/*", True), ("application/json", True),
    ("application/json; charset=utf-8", True), ("application/json;q=0.5", True),
    ("APPLICATION/JSON", True), ("text/html, application/json;v=1;q=0.1", True),
    ("text/html, */*;q=0.1", True), ("application/json;q=0", False), ("text/html", False),
    ("application/json;q=0, */*", False), ("*/*;q=0, application/json", True),
    ("application/*;q=0", False), ("application/xml", False), ("*/*; q=0.0", False)])
def test_accept_is_obeyed(service: Service, accept: str, accepted: bool) -> None:
    answer = service.app.test_client().get("/tenants", headers={"Accept": accept})
    assert answer.status_code == (200 if accepted else 406)
    assert answer.mimetype == "application/json"


def zipped(data: bytes, times: int = 1) -> bytes:
    return gzip.compress(data, mtime=0) * times


# Sections 8.4 and 15.5.16.
@pytest.mark.parametrize("encoding, body, status", [
    ("gzip", zipped(CALL), 200), ("x-gzip", zipped(CALL), 200), ("identity", CALL, 200),
    ("GZIP", zipped(CALL), 200), ("gzip", zipped(CALL[:9]) + zipped(CALL[9:]), 200),
    ("gzip", CALL, 400), ("gzip", zipped(CALL)[:-9], 400), ("gzip", zipped(CALL) + b"x", 400),
    ("br", CALL, 415), ("deflate", CALL, 415), ("gzip, gzip", zipped(zipped(CALL)), 415)])
@pytest.mark.parametrize("door", ["/jsonrpc", "/transactions"])
def test_an_encoded_body_is_read_or_refused(
        service: Service, door: str, encoding: str, body: bytes, status: int) -> None:
    if door == "/transactions":
        calls = json.dumps({"calls": [{"method": "list_tenants"}]}).encode()
        body = {CALL: calls, zipped(CALL): zipped(calls)}.get(body, body)
        if status == 200 and body not in (calls, zipped(calls)):
            body = zipped(calls)
    answer: Any = service.app.test_client().post(
        door, data=body, content_type="application/json", headers={"Content-Encoding": encoding})
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


# Section 9.3.5: content of a DELETE has no meaning.
def test_the_body_of_a_delete_is_ignored(service: Service) -> None:
    url = f"/tenants/{service.tenant()['id']}"
    assert service.app.test_client().delete(url, json={"id": "x"}).status_code == 204


def test_a_parameter_of_the_url_may_not_stand_in_its_query_too(service: Service) -> None:
    tenant, other = service.tenant(), service.tenant()
    for id in (tenant["id"], other["id"]):
        for verb in ("GET", "POST"):
            answer: Any = service.app.test_client().open(
                f"/tenants/{tenant['id']}/nodes", method=verb, query_string={"tenant_id": id},
                json={"node_type_id": id} if verb == "POST" else None)
            assert answer.status_code == 400
            assert list(answer.get_json()["error"]["data"]["fields"]) == ["tenant_id"]


def test_scripts_of_other_origins_can_read_the_etag(new_service: Any) -> None:
    service = new_service(cors_origins="https://app.example.com")
    answer = service.app.test_client().get(
        "/tenants", headers={"Origin": "https://app.example.com"})
    assert {"ETag", "Location", "Retry-After"} <= set(
        answer.headers["Access-Control-Expose-Headers"].replace(" ", "").split(","))
