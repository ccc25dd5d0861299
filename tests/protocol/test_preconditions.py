"""ETags and what is asked by them, row by row (RFC 9110, sections 8.8.3, 13.1 and 13.2)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.support.service import Service

KINDS = {"node_type": "node-types", "node": "nodes", "relationship": "relationships"}


@pytest.fixture(params=KINDS)
def url(service: Service, request: pytest.FixtureRequest) -> str:
    node_type = service.node_type(service.tenant())
    node = service.node(node_type, data={"a": 1})
    made = {"node_type": node_type, "node": node, "relationship": service.relationship(node, node)}
    return f"/tenants/{node['tenant_id']}/{KINDS[request.param]}/{made[request.param]['id']}"


@pytest.fixture
def node_url(service: Service) -> str:
    node = service.node(service.node_type(service.tenant()), data={"a": 1})
    return f"/tenants/{node['tenant_id']}/nodes/{node['id']}"


def send(service: Service, verb: str, url: str, **headers: str) -> Any:
    body: Any = {} if verb in ("PUT", "PATCH") else None
    return service.app.test_client().open(
        url, method=verb, json=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()})


def tag_of(service: Service, url: str, **headers: str) -> str:
    return str(send(service, "GET", url, **headers).headers["ETag"])


def test_a_tag_names_one_state_of_one_object_in_one_form(service: Service, url: str) -> None:
    first = tag_of(service, url)
    assert first.startswith('"1-') and tag_of(service, url) == first
    assert "Prefer" in send(service, "GET", url).headers["Vary"]
    changed = send(service, "PUT", url).headers["ETag"]
    assert changed == tag_of(service, url) and changed.startswith('"2-')
    as_string = tag_of(service, url, Prefer="json-fields=string")
    assert as_string == changed[:-1] + '-s"'
    for known, status in ((changed, 304), (f"W/{changed}", 304), (f"{first}, {changed}", 304),
                          ("*", 304), (first, 200), (as_string, 200), ('"x"', 200), ("x", 200)):
        answer = send(service, "GET", url, If_None_Match=known)
        assert answer.status_code == status, known
        assert answer.headers["ETag"] == changed and bool(answer.data) == (status == 200)
    known = send(service, "GET", url, If_None_Match=as_string, Prefer="json-fields=string")
    assert known.status_code == 304


# In place of {} stands the tag that the object has, in place of {old} one that it had.
ROWS = [
    ("If-Match", "{}", True), ("If-Match", "*", True), ("If-Match", '"x", {}', True),
    ("If-Match", "{}, {old}", True), ("If-Match", "{old}", False), ("If-Match", "W/{}", False),
    ("If-Match", '"x"', False), ("If-Match", '"99999999999999999999"', False),
    ("If-Match", '"1"', False), ("If-Match", "", False), ("If-Match", "x", False),
    ("If-None-Match", "{}", False), ("If-None-Match", "*", False),
    ("If-None-Match", "W/{}", False), ("If-None-Match", '"x", {}', False),
    ("If-None-Match", "{old}", True), ("If-None-Match", '"x"', True),
]


@pytest.mark.parametrize("header, value, holds", ROWS)
@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE"])
def test_a_change_is_made_only_where_the_condition_holds(
        service: Service, node_url: str, verb: str, header: str, value: str, holds: bool) -> None:
    old = tag_of(service, node_url)
    now = send(service, "PUT", node_url).headers["ETag"]
    answer = send(service, verb, node_url, **{header: value.format(now, old=old)})
    if holds:
        assert answer.status_code == (204 if verb == "DELETE" else 200), answer.text
    else:
        assert answer.status_code == 412
        assert answer.get_json()["error"]["data"]["version"] == 2
        assert tag_of(service, node_url) == now


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_every_object_with_a_version_keeps_to_it(service: Service, url: str, verb: str) -> None:
    old = tag_of(service, url)
    now = send(service, "PUT", url).headers["ETag"]
    assert send(service, verb, url, If_Match=old).status_code == 412
    assert send(service, verb, url, If_None_Match=now).status_code == 412
    assert send(service, verb, url, If_Match=now).status_code < 300


def test_a_condition_on_what_is_not_there_is_answered_404(service: Service, node_url: str
                                                          ) -> None:
    gone = f"{node_url.rpartition('/')[0]}/{uuid4()}"
    for verb in ("PUT", "PATCH", "DELETE"):
        for header in ("If-Match", "If-None-Match"):
            for value in ("*", '"1-1"'):
                assert send(service, verb, gone, **{header: value}).status_code == 404


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_what_is_made_anew_under_its_id_is_another(service: Service, url: str, verb: str) -> None:
    before = send(service, "GET", url)
    (member,) = before.get_json()
    old, made = before.headers["ETag"], before.get_json()[member]
    assert send(service, "DELETE", url).status_code == 204
    again = {name: value for name, value in made.items()
             if name not in ("tenant_id", "version", "created_at", "updated_at")}
    collection = url.rpartition("/")[0]
    assert service.app.test_client().post(collection, json=again).status_code == 201
    assert send(service, "GET", url).get_json()[member]["version"] == 1
    assert send(service, "GET", url, If_None_Match=old).status_code == 200
    assert send(service, verb, url, If_Match=old).status_code == 412


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_what_has_no_etag_is_in_no_state_that_can_be_asked_for(service: Service, verb: str
                                                               ) -> None:
    for url in (f"/tenants/{service.tenant()['id']}", f"/users/{service.user()['id']}"):
        assert "ETag" not in send(service, "GET", url).headers
        answer = send(service, verb, url, If_Match='"1"')
        assert answer.status_code == 412
        assert answer.get_json()["error"]["data"]["reason"] == "PRECONDITION_FAILED"
        assert send(service, "GET", url).status_code == 200
        assert send(service, "PUT", url, If_None_Match='"1"').status_code == 200
        assert send(service, verb, url, If_Match="*").status_code < 300


def test_both_conditions_at_once_are_refused(service: Service, node_url: str) -> None:
    answer = send(service, "PUT", node_url, If_Match="*", If_None_Match='"x"')
    assert answer.status_code == 400
    assert list(answer.get_json()["error"]["data"]["fields"]) == ["If-None-Match"]


def test_a_version_in_the_body_and_a_tag_must_both_hold(service: Service, node_url: str) -> None:
    tag = tag_of(service, node_url)
    for version, status in ((2, 412), (1, 200)):
        answer: Any = service.app.test_client().put(
            node_url, json={"version": version}, headers={"If-Match": tag})
        assert answer.status_code == status
