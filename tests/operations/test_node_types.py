"""Node types: the kinds of nodes that a tenant has."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.support.postgres import connect
from tests.support.refusals import refusal
from tests.support.service import Service

pytestmark = pytest.mark.both_doors

SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}}


def key_of(thing: dict[str, Any]) -> dict[str, str]:
    return {"tenant_id": thing["tenant_id"], "id": thing["id"]}


def update(service: Service, node_type: dict[str, Any], **change: Any) -> Any:
    return service.call("update_node_type", **key_of(node_type), **change)["node_type"]


def test_a_node_type_is_created_read_changed_and_deleted(service: Service) -> None:
    given = {"tenant_id": service.tenant()["id"], "name": "Task", "description": "To do",
             "schema": SCHEMA}
    node_type = service.call("create_node_type", **given)["node_type"]
    assert node_type | given | {"version": 1} == node_type
    assert node_type["created_at"] == node_type["updated_at"]
    key = key_of(node_type)
    assert service.call("get_node_type", **key) == {"node_type": node_type}
    change = {"name": "Chore", "description": "To be done", "schema": {"type": "object"}}
    changed = update(service, node_type, **change)
    assert changed == node_type | change | {"version": 2, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > node_type["updated_at"]
    assert service.call("get_node_type", **key) == {"node_type": changed}
    assert service.call("delete_node_type", **key) == {}
    assert refusal(service, "get_node_type", **key).code == -32001


@pytest.mark.parametrize("absent", [{}, {"name": "", "description": "", "schema": ""}])
@pytest.mark.parametrize("change", [
    {}, {"name": "New"}, {"description": "New"}, {"description": " "}, {"description": None},
    {"schema": True}, {"schema": None}, {"description": None, "schema": None}])
def test_an_update_leaves_what_is_absent_and_null_clears(
        service: Service, change: dict[str, Any], absent: dict[str, str]) -> None:
    node_type = service.node_type(service.tenant(), description="Old", schema=SCHEMA)
    changed = update(service, node_type, **absent | change)
    assert changed == node_type | change | {key: changed[key] for key in ("version", "updated_at")}
    assert service.call("get_node_type", **key_of(node_type)) == {"node_type": changed}


def test_the_name_cannot_be_cleared(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    refused = refusal(service, "update_node_type", **key_of(node_type), name=None)
    assert (refused.code, set(refused.fields)) == (-32602, {"name"})
    assert service.call("get_node_type", **key_of(node_type)) == {"node_type": node_type}


@pytest.mark.parametrize("absent", [{}, {"description": None, "schema": None},
                                    {"description": "", "schema": ""}])
def test_description_and_schema_are_null_where_there_are_none(
        service: Service, absent: dict[str, Any]) -> None:
    node_type = service.node_type(service.tenant(), **absent)
    assert node_type["description"] is None and node_type["schema"] is None


@pytest.mark.parametrize("given", [SCHEMA, {}, True, False], ids=str)
@pytest.mark.parametrize("form", [lambda value: value, json.dumps,
                                  lambda value: f" \n{json.dumps(value)}\t"],
                         ids=["value", "text", "text with blanks"])
def test_a_schema_is_taken_as_a_value_and_as_json_text(service: Service, given: Any, form: Any
                                                       ) -> None:
    node_type = service.node_type(service.tenant(), schema=form(given))
    assert node_type["schema"] == given
    assert update(service, node_type, schema=None)["schema"] is None
    assert update(service, node_type, schema=form(given))["schema"] == given


def test_a_name_is_taken_once_in_a_tenant_and_free_in_another(service: Service) -> None:
    tenant = service.tenant()
    taken, other = service.node_type(tenant, name="Task"), service.node_type(tenant)
    for method, params in [("create_node_type", {"tenant_id": tenant["id"]}),
                           ("update_node_type", key_of(other) | {"description": "Another"})]:
        refused = refusal(service, method, params | {"name": taken["name"]})
        assert (refused.code, refused.reason) == (-32002, "ALREADY_EXISTS")
        assert set(refused.fields) == {"name"}
    assert service.call("get_node_type", **key_of(other)) == {"node_type": other}
    assert service.node_type(service.tenant(), name="Task")["name"] == "Task"


def test_a_given_id_is_kept_and_taken_once_in_a_tenant(service: Service) -> None:
    tenant, given = service.tenant(), str(uuid4())
    node_type = service.node_type(tenant, id=given)
    assert node_type["id"] == given
    refused = refusal(service, "create_node_type", tenant_id=tenant["id"], name="New", id=given)
    assert (refused.code, refused.reason, set(refused.fields)) == (-32002, "ALREADY_EXISTS", {"id"})
    assert service.call("get_node_type", **key_of(node_type)) == {"node_type": node_type}


@pytest.mark.parametrize("tenant_is_there", [True, False])
@pytest.mark.parametrize("method", ["get_node_type", "update_node_type", "delete_node_type"])
def test_a_node_type_that_is_not_there_is_not_found(service: Service, method: str,
                                                    tenant_is_there: bool) -> None:
    tenant_id = service.tenant()["id"] if tenant_is_there else str(uuid4())
    elsewhere = service.node_type(service.tenant())
    for id in (str(uuid4()), elsewhere["id"]):
        refused = refusal(service, method, id=id, tenant_id=tenant_id)
        assert (refused.code, refused.reason, set(refused.fields)) == (
            -32001, "NOT_FOUND", {"id" if tenant_is_there else "tenant_id"})
    assert service.call("get_node_type", **key_of(elsewhere)) == {"node_type": elsewhere}


def test_a_node_type_needs_a_tenant_that_is_there(service: Service) -> None:
    refused = refusal(service, "create_node_type", tenant_id=str(uuid4()), name="Task")
    assert (refused.code, set(refused.fields)) == (-32001, {"tenant_id"})


def test_deleting_a_node_type_takes_its_nodes_and_their_relationships(service: Service) -> None:
    tenant = service.tenant()
    gone, kept = service.node_type(tenant), service.node_type(tenant)
    node, other, third = service.node(gone), service.node(kept), service.node(kept)
    stays = service.relationship(other, third)
    service.relationship(node, other)
    service.relationship(other, node)
    service.call("delete_node_type", **key_of(gone))
    assert refusal(service, "get_node", **key_of(node)).code == -32001
    nodes = service.call("list_nodes", tenant_id=tenant["id"])
    assert nodes == {"nodes": [third, other],
                     "pagination": {"next_page_token": "", "total_count": 2}}
    relationships = service.call("list_relationships", tenant_id=tenant["id"])
    assert relationships == {"relationships": [stays],
                             "pagination": {"next_page_token": "", "total_count": 1}}


def test_every_update_raises_the_version_also_one_by_the_original(service: Service) -> None:
    node_type = service.node_type(service.tenant())
    assert update(service, node_type, name="New")["version"] == 2
    with connect(service.settings) as connection:
        connection.execute(
            "UPDATE node_types SET name = %s, description = %s, schema = %s, updated_at = NOW() "
            "WHERE id = %s AND tenant_id = %s", ["Raw", "As it was", '{"type": "object"}',
                                                 node_type["id"], node_type["tenant_id"]])
    found = service.call("get_node_type", **key_of(node_type))["node_type"]
    assert (found["version"], found["name"], found["schema"]) == (3, "Raw", {"type": "object"})
    assert update(service, node_type, description=None)["version"] == 4
