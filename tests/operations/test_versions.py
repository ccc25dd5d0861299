"""Versions: a change may ask for one, and is refused when the row moved on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.service import RpcError, Service

CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("node_type", "update_node_type", {"name": "New"}), ("node_type", "delete_node_type", {}),
    ("node", "update_node", {"data": {"a": 2}}), ("node", "update_node", {}),
    ("node", "patch_node", {"patch": {"a": 2}}), ("node", "delete_node", {}),
    ("relationship", "update_relationship", {"relationship_type": "x"}),
    ("relationship", "patch_relationship", {"patch": {"a": 2}}),
    ("relationship", "delete_relationship", {})]


def make(service: Service, kind: str) -> tuple[str, dict[str, str]]:
    node_type = service.node_type(service.tenant())
    node = service.node(node_type, data={"a": 1})
    made = {"node_type": node_type, "node": node, "relationship": service.relationship(node, node)}
    path = {"node_type": "node-types", "node": "nodes", "relationship": "relationships"}[kind]
    key = {"tenant_id": node["tenant_id"], "id": made[kind]["id"]}
    return f"/tenants/{key['tenant_id']}/{path}/{key['id']}", key


@pytest.mark.parametrize("kind", ["node_type", "node", "relationship"])
def test_what_is_created_comes_with_its_etag(service: Service, kind: str) -> None:
    url, key = make(service, kind)
    made = service.app.test_client().get(url).get_json()[kind]
    given = {name: made[name] for name in (
        "name", "node_type_id", "source_node_id", "target_node_id", "relationship_type", "data")
        if name in made} | ({"name": "Another"} if kind == "node_type" else {})
    answer = service.app.test_client().post(url.rpartition("/")[0], json=given)
    assert answer.status_code == 201
    got = service.app.test_client().get(answer.headers["Location"])
    assert answer.headers["ETag"] == got.headers["ETag"]
    told = service.app.test_client().get("/openapi.json").get_json()["paths"]
    path = told[f"/tenants/{{tenant_id}}/{url.split('/')[3]}"]["post"]["responses"]["201"]
    assert {"ETag", "Location", "Consistency-Token"} == set(path["headers"])


@pytest.mark.both_doors
@pytest.mark.parametrize("kind, method, change", CHANGES)
def test_a_change_at_the_right_version_is_made_and_at_another_refused(
        service: Service, kind: str, method: str, change: dict[str, Any]) -> None:
    _, key = make(service, kind)
    before = service.call(f"get_{kind}", **key)
    for version in (2, 999):
        with pytest.raises(RpcError) as refused:
            service.call(method, **key, **change, version=version)
        error = refused.value
        assert (error.code, error.reason) == (-32003, "VERSION_CONFLICT")
        assert error.error["data"]["version"] == 1 and list(error.fields) == ["version"]
    assert service.call(f"get_{kind}", **key) == before
    changed = service.call(method, **key, **change, version=1)
    assert method.startswith("delete") or changed[kind]["version"] == 2


@pytest.mark.both_doors
@pytest.mark.parametrize("kind, method, change", CHANGES)
@pytest.mark.parametrize("version, told", [
    (2**63 - 1, -32003), (2**63, -32602), (2**64 - 1, -32602), (2e19, -32602), (1e300, -32602),
    (0, -32602), (-2**63, -32602), (1.5, -32602), (2.0**63, -32602)])
def test_a_version_that_no_row_can_have_is_refused_by_its_name(
        service: Service, kind: str, method: str, change: dict[str, Any], version: float, told: int
        ) -> None:
    _, key = make(service, kind)
    with pytest.raises(RpcError) as refused:
        service.call(method, **key, **change, version=version)
    assert refused.value.code == told and list(refused.value.fields) == ["version"]


def test_a_version_in_a_url_is_one_as_any_other(service: Service) -> None:
    for version, status in (("9223372036854775807", 412), ("9223372036854775808", 400),
                            ("9" * 30, 400), ("9" * 300, 400), ("1.5", 400), ("01", 204)):
        url, _ = make(service, "node")
        answer: Any = service.app.test_client().delete(f"{url}?version={version}")
        assert answer.status_code == status
        assert status == 204 or list(answer.json["error"]["data"]["fields"]) == ["version"]


@pytest.mark.both_doors
@pytest.mark.parametrize("kind, method, change", CHANGES)
def test_a_version_of_a_row_that_is_not_there_is_not_found(
        service: Service, kind: str, method: str, change: dict[str, Any]) -> None:
    _, key = make(service, kind)
    with pytest.raises(RpcError) as refused:
        service.call(method, **key | {"id": key["tenant_id"]}, **change, version=1)
    assert refused.value.code == -32001


@pytest.mark.parametrize("kind, body, status", [
    ("application/merge-patch+json", {"a": 2}, 200), ("application/json", {"a": 2}, 200),
    ("application/json-patch+json", [{"op": "remove", "path": "/a"}], 200),
    ("application/json", [{"op": "remove", "path": "/a"}], 200),
    ("application/vnd.flexdb.update+json", {"$inc": {"a": 2}}, 200),
    ("application/vnd.flexdb.update+json", {"a": 2}, 400),
    ("application/vnd.flexdb.update+json", [], 400),
    ("application/merge-patch+json", [], 400), ("application/json-patch+json", {}, 400),
    ("application/json", 1, 400), ("text/plain", {}, 415)])
def test_a_patch_over_rest_is_told_by_its_content_type(
        service: Service, kind: str, body: Any, status: int) -> None:
    url, _ = make(service, "node")
    answer = service.app.test_client().patch(url, json=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
