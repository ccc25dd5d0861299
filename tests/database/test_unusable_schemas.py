"""Schemas that the original stored and that are no JSON Schema: whose they are, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args
from uuid import uuid4

import pytest

from flexdb.config import EnforceSchemas, Settings
from flexdb.db.migrate import migrate, migration_ids
from tests.support import original, postgres
from tests.support.commands import finish, flexdb
from tests.support.refusals import refusal
from tests.support.service import Service

# What the original takes as a schema: any JSON.
UNUSABLE: list[Any] = [
    "text", "", 12, -0.5, [], [1], {"type": "objekt"}, {"type": 12}, {"properties": []},
    {"required": "title"}, {"minimum": "1"}, {"pattern": "("}, {"$ref": "#/nowhere"},
    {"properties": {"a": {"properties": {"b": {"type": "txt"}}}}}]
USABLE: list[Any] = [True, {}, {"title": "string", "content": "string"}, {"type": "object"}]
NONE = [None]


@pytest.fixture(scope="module")
def adopted(new_database: Callable[..., Settings]) -> Settings:
    """A migrated database in which a tenant has a type of each schema, each with a node."""
    settings = new_database(template=None)
    with postgres.connect(settings) as connection:
        original.build(connection)
        tenant = str(uuid4())
        times = {"created_at": "2024-01-01", "updated_at": "2024-01-01"}
        original.insert(connection, "tenants", id=tenant, slug="a", name="A", status="active",
                        **times)
        for schema in UNUSABLE + USABLE + NONE:
            id = str(uuid4())
            connection.execute(
                "INSERT INTO node_types (id, tenant_id, name, description, schema)"
                " VALUES (%s, %s, %s, %s, %s::jsonb)",
                [id, tenant, json.dumps(schema), "", json.dumps(schema)])
            original.insert(connection, "nodes", id=str(uuid4()), tenant_id=tenant,
                            node_type_id=id, data={"a": 1}, **times)
    return settings


@pytest.fixture(scope="module")
def told(adopted: Settings) -> str:
    """What the command that migrates it logs."""
    status, output, errors = finish(flexdb(adopted, "migrate"))
    assert (status, output) == (0, "")
    return errors


@pytest.fixture(scope="module")
def services(adopted: Settings, told: str) -> Iterator[dict[str, Service]]:
    made = {enforce: Service.of(replace(adopted, enforce_schemas=enforce))
            for enforce in get_args(EnforceSchemas)}
    yield made
    for service in made.values():
        service.close()


def node_type_of(service: Service, schema: Any) -> dict[str, Any]:
    (tenant,) = service.call("list_tenants")["tenants"]
    types = service.call("list_node_types", tenant_id=tenant["id"],
                         pagination={"page_size": 100})["node_types"]
    return next(one for one in types if one["name"] == json.dumps(schema))


def writes(service: Service, node_type: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """Return every call that writes a node of a type, and the parameter that leads to the type."""
    tenant, of_type = node_type["tenant_id"], {"node_type_id": node_type["id"]}
    node = service.call("list_nodes", tenant_id=tenant, **of_type)["nodes"][-1]
    key = {"tenant_id": tenant, "id": node["id"]}
    return {
        "create_node": ({"tenant_id": tenant} | of_type, "node_type_id"),
        "create_nodes": ({"tenant_id": tenant, "nodes": [of_type]}, "nodes.0.node_type_id"),
        "update_node": (key | {"data": {"a": 2}}, "id"),
        "patch_node": (key | {"patch": {"a": 3}}, "id")}


@pytest.mark.parametrize("schema", UNUSABLE, ids=json.dumps)
def test_an_unusable_schema_is_named_with_its_type_and_what_to_do(
        services: dict[str, Service], schema: Any) -> None:
    service = services["all"]
    node_type = node_type_of(service, schema)
    assert node_type["schema"] == schema
    for method, (params, field) in writes(service, node_type).items():
        refused = refusal(service, method, params)
        assert (refused.code, set(refused.fields)) == (-32602, {field}), method
        assert f"node type {node_type['id']}, whose stored schema" in str(refused)
        assert "null, with update_node_type" in str(refused)
    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    refused = refusal(service, "check_node_type", key)
    assert set(refused.fields) == {"id"} and node_type["id"] in str(refused)
    assert service.call("check_node_type", key | {"schema": True})["checked"] >= 1


@pytest.mark.parametrize("enforce", ["valid", "none"])
@pytest.mark.parametrize("schema", UNUSABLE, ids=json.dumps)
def test_an_operator_may_say_that_unusable_schemas_do_not_hold(
        services: dict[str, Service], schema: Any, enforce: str) -> None:
    service = services[enforce]
    node_type = node_type_of(service, schema)
    for method, (params, _) in writes(service, node_type).items():
        for _ in range(2):
            assert service.call(method, params), method
    assert service.call("get_node_type", tenant_id=node_type["tenant_id"], id=node_type["id"]
                        )["node_type"] == node_type


def test_what_an_operator_says_of_valid_schemas_holds(services: dict[str, Service]) -> None:
    for enforce, service in services.items():
        (tenant,) = service.call("list_tenants")["tenants"]
        node_type = service.node_type(tenant, schema={"required": ["n"]})
        service.node(node_type, data={"n": 1})
        for method, (params, _) in writes(service, node_type).items():
            if method == "patch_node":
                params["patch"] = {"n": None}
            if enforce == "none":
                assert service.call(method, params)
            else:
                assert refusal(service, method, params).code == -32602
        assert set(refusal(service, "create_node_type", tenant_id=tenant["id"], name="Wrong",
                           schema={"type": "objekt"}).fields) == {"schema"}


@pytest.mark.parametrize("schema", USABLE + NONE, ids=json.dumps)
def test_what_is_a_schema_or_null_holds_as_before(services: dict[str, Service], schema: Any
                                                  ) -> None:
    service = services["all"]
    for method, (params, _) in writes(service, node_type_of(service, schema)).items():
        assert service.call(method, params), method


@pytest.mark.parametrize("schema", [{"type": "object"}, None])
def test_an_unusable_schema_is_mended_by_another_or_by_null(services: dict[str, Service],
                                                            schema: Any) -> None:
    service = services["all"]
    node_type = node_type_of(service, UNUSABLE[0 if schema else 1])
    key = {"tenant_id": node_type["tenant_id"], "id": node_type["id"]}
    renamed = service.call("update_node_type", key | {"description": "Kept"})["node_type"]
    assert renamed["schema"] == node_type["schema"]
    service.call("update_node_type", key | {"schema": schema})
    for method, (params, _) in writes(service, node_type).items():
        assert service.call(method, params), method


def test_the_migration_lists_the_types_that_have_one(adopted: Settings, told: str) -> None:
    with postgres.connect(adopted) as connection:
        ids = {name: id for id, name in connection.execute(
            "SELECT id::text, name FROM node_types")}
    lines = [line for line in told.splitlines() if " - WARNING - " in line]
    listed = {schema for schema in map(json.dumps, UNUSABLE + USABLE + NONE)
              if any(ids[schema] in line for line in lines)}
    assert listed == set(map(json.dumps, UNUSABLE)) and len(lines) == len(UNUSABLE) + 1
    assert f"{len(UNUSABLE)} node types" in lines[-1] and "ENFORCE_SCHEMAS" in lines[-1]
    status, _, again = finish(flexdb(adopted, "migrate"))
    assert status == 0 and " - WARNING - " not in again


def test_a_database_without_such_types_is_migrated_without_a_warning(
        new_database: Callable[..., Settings]) -> None:
    settings = new_database(template=None)
    status, _, errors = finish(flexdb(settings, "migrate"))
    assert status == 0 and " - WARNING - " not in errors
    assert migrate(settings) == [] != migration_ids()
