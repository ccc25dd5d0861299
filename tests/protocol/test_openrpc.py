"""The OpenRPC document is valid and complete, and ``rpc.discover`` gives it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from flexdb.contract.operation import OPERATIONS
from tests.support.paths import NODE_MODULES
from tests.support.service import RpcError, Service

# `make test` installs it where npm is at hand.
META_SCHEMA = NODE_MODULES / "@open-rpc/meta-schema"


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    return service.app.test_client().get("/openrpc.json").json


def test_the_document_is_valid_against_the_meta_schema(document: Any) -> None:
    if not META_SCHEMA.is_dir() or not shutil.which("node"):
        pytest.skip("node or npm is not installed, from which the meta-schema of OpenRPC comes")
    printed = subprocess.run(
        ["node", "-p", f"JSON.stringify(require({json.dumps(str(META_SCHEMA))}).default)"],
        capture_output=True, text=True, check=True, timeout=60).stdout
    # It leaves the schemas inside to another meta-schema, that of draft 7; ours are of 2020-12.
    schemas = DRAFT7.create_resource(
        {"definitions": {"JSONSchemaObject": {"properties": {"$ref": {"type": "string"}}}}})
    registry: Any = Registry().with_resources(
        [(f"https://meta.json-schema.tools{end}", schemas) for end in ("", "/")])
    faults = list(Draft7Validator(json.loads(printed), registry=registry).iter_errors(document))
    assert not faults, faults[0]
    for schema in _schemas(document):
        Draft202012Validator.check_schema(schema)


def test_every_operation_is_described_with_its_parameters_in_order(document: Any) -> None:
    assert {method["name"] for method in document["methods"]} == OPERATIONS.keys()
    for method in document["methods"]:
        described = [parameter["name"] for parameter in method["params"]]
        declared = list(OPERATIONS[method["name"]].fields)
        # What the original has in another order is called by name.
        in_order = described == declared
        assert method["paramStructure"] == ("either" if in_order else "by-name")
        assert in_order or (method["name"] == "get_node_type"
                            and {*described} == {*declared}), method["name"]
        assert method["summary"].endswith("."), method["name"]
        assert all(parameter["description"] for parameter in method["params"])
        required = [parameter["required"] for parameter in method["params"]]
        assert required == sorted(required, reverse=True), "optional ones come last"


def test_the_headers_of_jsonrpc_are_told_as_openapi_tells_them(
        service: Service, document: Any) -> None:
    openapi = service.app.test_client().get("/openapi.json").get_json()
    told = openapi["paths"]["/jsonrpc"]["post"]
    assert document["x-request-headers"] == told["parameters"]
    assert document["x-response-headers"] == told["responses"]["200"]["headers"]
    assert {header["name"] for header in document["x-request-headers"]} == {
        "Prefer", "Idempotency-Key", "Consistency-Token"}
    assert document["x-response-headers"].keys() == {"Consistency-Token"}


def test_every_reference_leads_somewhere(document: Any) -> None:
    for reference in set(_references(document)):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_rpc_discover_gives_the_same_document(service: Service, document: Any) -> None:
    assert service.call("rpc.discover") == document
    with pytest.raises(RpcError) as refused:
        service.call("rpc.discover", {"all": True})
    assert refused.value.code == -32602


def _schemas(document: Any) -> list[Any]:
    return [*document["components"]["schemas"].values()] + [
        part["schema"] for method in document["methods"]
        for part in (*method["params"], method["result"])]


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for inner in value for found in _references(inner)]
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in _references(inner)]
    return []
