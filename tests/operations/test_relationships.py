"""Relationships: typed edges between the nodes of one tenant."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import RpcError, Service

pytestmark = pytest.mark.both_doors


def key_of(thing: dict[str, Any]) -> dict[str, str]:
    return {"tenant_id": thing["tenant_id"], "id": thing["id"]}


def two_nodes(service: Service) -> tuple[Any, Any]:
    node_type = service.node_type(service.tenant())
    return service.node(node_type), service.node(node_type)


def update(service: Service, relationship: dict[str, Any], **change: Any) -> Any:
    return service.call("update_relationship", **key_of(relationship), **change)["relationship"]


def test_a_relationship_is_created_read_changed_and_deleted(service: Service) -> None:
    source, target = two_nodes(service)
    given = {"tenant_id": source["tenant_id"], "source_node_id": source["id"],
             "target_node_id": target["id"], "relationship_type": "depends_on",
             "data": {"priority": 1}}
    relationship = service.call("create_relationship", **given)["relationship"]
    assert relationship | given | {"version": 1} == relationship
    assert relationship["created_at"] == relationship["updated_at"]
    key = key_of(relationship)
    assert service.call("get_relationship", **key) == {"relationship": relationship}
    change = {"relationship_type": "blocks", "data": {"priority": 2}}
    changed = update(service, relationship, **change)
    assert changed == relationship | change | {"version": 2, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > relationship["updated_at"]
    assert service.call("get_relationship", **key) == {"relationship": changed}
    assert service.call("delete_relationship", **key) == {}
    assert refusal(service, "get_relationship", **key).code == -32001
    assert service.call("get_node", **key_of(source)) == {"node": source}


@pytest.mark.parametrize("absent", [{}, {"relationship_type": "", "data": ""}])
@pytest.mark.parametrize("change", [{}, {"relationship_type": "blocks"}, {"data": {"new": 1}}])
def test_an_update_leaves_what_is_absent(service: Service, change: dict[str, Any],
                                         absent: dict[str, str]) -> None:
    relationship = service.relationship(*two_nodes(service), data={"old": 1})
    changed = update(service, relationship, **absent | change)
    assert changed == relationship | change | {
        name: changed[name] for name in ("version", "updated_at")}


@pytest.mark.parametrize("name, value", [
    ("relationship_type", None), ("data", None), ("data", []), ("data", "[]"), ("data", "nope")])
def test_a_wrong_change_is_refused_and_changes_nothing(service: Service, name: str, value: Any
                                                       ) -> None:
    relationship = service.relationship(*two_nodes(service))
    refused = refusal(service, "update_relationship", key_of(relationship) | {name: value})
    assert (refused.code, refused.reason, set(refused.fields)) == (-32602, "INVALID_PARAMS", {name})
    assert service.call("get_relationship", **key_of(relationship)) == {
        "relationship": relationship}


@pytest.mark.parametrize("given", [{}, {"data": ""}])
def test_a_relationship_without_data_holds_an_empty_object(service: Service, given: dict[str, Any]
                                                           ) -> None:
    assert service.relationship(*two_nodes(service), **given)["data"] == {}


def test_data_is_taken_as_a_value_and_as_json_text(service: Service) -> None:
    nodes, data = two_nodes(service), {"since": [2024, {"é": None}]}
    for form in (data, json.dumps(data)):
        relationship = service.relationship(*nodes, data=form)
        assert relationship["data"] == data
        assert update(service, relationship, data={})["data"] == {}
        assert update(service, relationship, data=form)["data"] == data


def test_a_change_of_type_moves_the_relationship_from_one_filter_to_the_other(service: Service
                                                                              ) -> None:
    relationship = service.relationship(*two_nodes(service), relationship_type="old")
    moved = update(service, relationship, relationship_type="new")
    for relationship_type, found in [("old", []), ("new", [moved])]:
        page = service.call("list_relationships", tenant_id=moved["tenant_id"],
                            relationship_type=relationship_type)
        assert page["relationships"] == found
        assert page["pagination"]["total_count"] == len(found)


def test_a_node_may_lead_to_itself_and_twice_to_another(service: Service) -> None:
    source, target = two_nodes(service)
    made = [service.relationship(*ends) for ends in
            [(source, source), (source, target), (source, target), (target, source)]]
    listed = service.call("list_relationships", tenant_id=source["tenant_id"])
    assert listed["relationships"] == made[::-1]


@pytest.mark.parametrize("missing", ["source_node_id", "target_node_id"])
def test_both_ends_must_be_nodes_of_the_tenant(service: Service, missing: str) -> None:
    (source, target), (elsewhere, _) = two_nodes(service), two_nodes(service)
    params = {"tenant_id": source["tenant_id"], "source_node_id": source["id"],
              "target_node_id": target["id"], "relationship_type": "depends_on"}
    for id in (str(uuid4()), elsewhere["id"]):
        refused = refusal(service, "create_relationship", params | {missing: id})
        assert (refused.code, refused.reason) == (-32001, "NOT_FOUND")
        assert set(refused.fields) == {missing}
    listed = service.call("list_relationships", tenant_id=source["tenant_id"])
    assert listed["pagination"]["total_count"] == 0


def test_a_given_id_is_kept_and_taken_once_in_a_tenant(service: Service) -> None:
    source, target = two_nodes(service)
    given = str(uuid4())
    relationship = service.relationship(source, target, id=given)
    assert relationship["id"] == given
    with pytest.raises(RpcError) as caught:
        service.relationship(target, source, id=given)
    assert (caught.value.code, set(caught.value.fields)) == (-32002, {"id"})
    assert service.call("get_relationship", **key_of(relationship)) == {
        "relationship": relationship}


@pytest.mark.parametrize("tenant_is_there", [True, False])
@pytest.mark.parametrize("method", ["get_relationship", "update_relationship",
                                    "delete_relationship"])
def test_a_relationship_that_is_not_there_is_not_found(service: Service, method: str,
                                                       tenant_is_there: bool) -> None:
    tenant_id = service.tenant()["id"] if tenant_is_there else str(uuid4())
    elsewhere = service.relationship(*two_nodes(service))
    for id in (str(uuid4()), elsewhere["id"]):
        refused = refusal(service, method, id=id, tenant_id=tenant_id)
        assert (refused.code, refused.reason, set(refused.fields)) == (
            -32001, "NOT_FOUND", {"id" if tenant_is_there else "tenant_id"})
    assert service.call("get_relationship", **key_of(elsewhere)) == {"relationship": elsewhere}


def test_every_update_raises_the_version_also_one_by_the_original(service: Service) -> None:
    relationship = service.relationship(*two_nodes(service))
    assert update(service, relationship, data={"a": 1})["version"] == 2
    with connect(service.settings) as connection:
        connection.execute("UPDATE relationships SET relationship_type = %s, data = %s, "
                           "updated_at = NOW() WHERE id = %s AND tenant_id = %s",
                           ["raw", "{}", relationship["id"], relationship["tenant_id"]])
    found = service.call("get_relationship", **key_of(relationship))["relationship"]
    assert (found["version"], found["relationship_type"]) == (3, "raw")
    assert update(service, relationship, relationship_type="own")["version"] == 4


def test_a_node_that_goes_while_edges_to_it_are_made_leaves_none_behind(service: Service) -> None:
    source, target = two_nodes(service)

    def connect_them(_: int) -> Any:
        try:
            return service.relationship(source, target)["id"]
        except RpcError as error:
            return error.reason

    with ThreadPoolExecutor(4) as threads:
        made = [threads.submit(connect_them, place) for place in range(24)]
        made[5].result()
        assert service.call("delete_node", **key_of(target)) == {}
        outcomes = [edge.result() for edge in made]
    refused = {outcome for outcome in outcomes if outcome.isupper()}
    assert refused <= {"NOT_FOUND", "ABORTED"} and refused != set(outcomes)
    listed = service.call("list_relationships", tenant_id=source["tenant_id"])
    assert listed["relationships"] == [] and listed["pagination"]["total_count"] == 0
