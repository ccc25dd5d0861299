"""The OpenAPI document is valid, and what it says is what the service does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from flexdb.api.routes import ROUTES, routes
from flexdb.contract.operation import OPERATIONS
from tests.support.paths import ROOT
from tests.support.service import Service

# How many an operation, where the test at length is asked for.
EXAMPLES = os.environ.get("CONTRACT_EXAMPLES")


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    return service.app.test_client().get("/openapi.json").json


def described(document: Any) -> list[tuple[str, str, Any]]:
    return [(verb.upper(), url, operation) for url, verbs in document["paths"].items()
            for verb, operation in verbs.items()]


def test_the_document_is_valid(document: Any) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_operation_is_described_under_its_name_and_tag(document: Any) -> None:
    found = {operation["operationId"]: (verb, url, operation["tags"])
             for verb, url, operation in described(document)}
    for route in routes():
        assert found.pop(route.id) == (route.verb, route.url, [route.tag])
    assert set(found) == {"health", "ready", "jsonrpc"}
    assert [tag["name"] for tag in document["tags"]] == [*ROUTES, "JSON-RPC", "Health"]


def test_every_parameter_has_a_description_and_every_operation_a_summary(document: Any) -> None:
    for verb, url, operation in described(document):
        assert operation["summary"].endswith("."), url
        assert all(parameter["description"] for parameter in operation.get("parameters", []))
        body = operation.get("requestBody")
        if body and verb == "PATCH":
            assert all("example" in content for content in body["content"].values())
        elif body and operation["operationId"] in OPERATIONS:
            content = body["content"]["application/json"]
            name = content["schema"]["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
            assert schema["additionalProperties"] is False
            assert all(one["description"] for one in schema["properties"].values())
            assert set(schema.get("required", [])) <= set(content["example"])


@pytest.mark.long
@(pytest.mark.long if EXAMPLES else pytest.mark.longest)
def test_schemathesis_finds_nothing(address: str, document: Any) -> None:
    """`make contract` runs it with 200 examples an operation, and with the edges of each value."""
    pytest.importorskip("schemathesis", reason="it is not made for this Python")
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", os.devnull, "run",
         f"http://{address}/openapi.json", "--checks", "all",
         # A request that fits may name what is not there: a check of ours stands in its place.
         "--exclude-checks", "positive_data_acceptance",
         "--max-examples", EXAMPLES or "2", "--generation-deterministic",
         "--phases", "examples,coverage,fuzzing,stateful" if EXAMPLES else "examples,fuzzing",
         "--warnings", "off", "--no-color"],
        cwd=ROOT, env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks"},
        capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-60000:] + done.stderr[-2000:]
    every = len(described(document))
    assert f"{every} selected / {every} total" in done.stdout
