"""Both documents keep to what generators of clients understand, and tell what is required."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from flexdb.contract.operation import OPERATIONS, READS
from tests.support.service import RpcError, Service

# Where a document has a schema: by the keys that hold one, or several by name or in an array.
_ONE, _NAMED, _LISTED = {"schema", "items"}, {"properties", "schemas"}, {"anyOf", "allOf", "oneOf"}
# What the vocabulary of JSON Schema 2020-12 has (section 7.3 of its validation).
FORMATS = {"uuid", "date-time", "uri-reference"}


@pytest.fixture(scope="module", params=["/openapi.json", "/openrpc.json"])
def document(service: Service, request: pytest.FixtureRequest) -> Any:
    return service.app.test_client().get(request.param).json


def schemas(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every schema in a document with its place."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from schemas(inner, f"{place}/{index}")
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        at = f"{place}/{key}"
        if key in ("example", "examples", "default"):
            continue
        if key in _ONE and isinstance(inner, dict):
            yield at, inner
        elif key in _NAMED:
            yield from ((f"{at}/{name}", one) for name, one in inner.items())
        elif key in _LISTED:
            yield from ((f"{at}/{index}", one) for index, one in enumerate(inner))
        yield from schemas(inner, at)


def test_every_array_says_its_items_and_every_object_whether_there_may_be_more(document: Any
                                                                               ) -> None:
    found = list(schemas(document))
    assert len(found) > 200
    for place, schema in found:
        if schema.get("type") == "array":
            assert "items" in schema, place
        if schema.get("type") == "object":
            assert "additionalProperties" in schema, place


def test_each_choice_of_a_schema_has_one_type_of_its_own(document: Any) -> None:
    for place, schema in schemas(document):
        assert not isinstance(schema.get("type"), list), place
        for one in schema.get("anyOf", []):
            assert {"type", "$ref"} & one.keys(), place
        if "anyOf" in schema:
            assert "type" not in schema, place
        if "enum" in schema:
            assert schema["type"] == "string" and "" not in schema["enum"], place


def test_no_format_is_one_of_our_own(document: Any) -> None:
    formats = {schema["format"] for _, schema in schemas(document) if "format" in schema}
    assert formats <= FORMATS and "uuid" in formats


def test_every_id_is_told_as_a_uuid_and_no_more(document: Any) -> None:
    ids = [schema for place, schema in schemas(document)
           if re.search(r"/properties/(\w+_)?id$", place) and "error" not in place
           # A client may send its own of any form, and an event has a position.
           and not place.endswith("/request_id") and "event-stream" not in place]
    assert len(ids) > 20
    for schema in ids:
        # One that may be null says so beside it.
        id, *null = schema.get("anyOf", [schema])
        assert (id["type"], id["format"]) == ("string", "uuid")
        assert null in ([], [{"type": "null"}]) and not {"maxLength"} & schema.keys()


def test_no_schema_has_the_name_of_what_every_language_has(document: Any) -> None:
    names = set(document["components"]["schemas"])
    assert not names & {"Error", "Object", "Array", "String", "List", "Map", "Response", "Request"}


def test_data_may_have_any_members(document: Any) -> None:
    data = document["components"]["schemas"]["Node"]["properties"]["data"]
    assert (data["type"], data["additionalProperties"]) == ("object", True)


def test_the_name_of_a_call_tells_its_pattern_and_length(document: Any) -> None:
    name = document["components"]["schemas"]["TransactionCall"]["properties"]["as"]
    assert name["maxLength"] == 64
    for good, told in (("a", True), ("_b2", True), ("2a", False), ("a.b", False), ("a b", False)):
        assert bool(re.search(name["pattern"], good)) is told, good


def test_texts_tell_that_they_hold_no_nul(document: Any) -> None:
    for place, schema in schemas(document):
        if schema.get("type") == "string" and "maxLength" in schema:
            assert not re.search(schema["pattern"], "a\0b"), place


def test_every_parameter_is_required_in_openapi_where_its_operation_requires_it(
        service: Service) -> None:
    openapi: Any = service.app.test_client().get("/openapi.json").json
    checked = 0
    for path in openapi["paths"].values():
        for described in path.values():
            operation = OPERATIONS.get(described["operationId"])
            for parameter in described.get("parameters", []) if operation else []:
                field = operation.fields.get(parameter["name"]) if operation else None
                if field and parameter["in"] == "query":
                    assert parameter["required"] is field.required, described["operationId"]
                    checked += field.required
    assert checked, "at least the end of a shortest path is required"


def test_a_refusal_has_one_schema_whatever_its_status(service: Service) -> None:
    openapi: Any = service.app.test_client().get("/openapi.json").json
    for name, response in openapi["components"]["responses"].items():
        schema = response["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorReply"}, name
    for path in openapi["paths"].values():
        for described in path.values():
            if described["operationId"] in OPERATIONS:
                assert "414" in described["responses"]


def test_openapi_tells_the_limits(service: Service) -> None:
    openapi: Any = service.app.test_client().get("/openapi.json").json
    told = openapi["info"]["description"]
    for limit in (f"{service.settings.max_body_bytes:,}", f"{service.settings.max_json_bytes:,}",
                  f"{service.settings.max_depth} deep", "U+0000", "414"):
        assert limit in told


@pytest.mark.parametrize("host", ["localhost", "flexdb.example:8443", "[::1]:5000"])
def test_openrpc_names_its_server_by_the_url_that_it_was_asked_at(service: Service, host: str
                                                                  ) -> None:
    client = service.app.test_client()
    for scheme in ("http", "https"):
        openrpc: Any = client.get("/openrpc.json", base_url=f"{scheme}://{host}").json
        assert openrpc["servers"][0]["url"] == f"{scheme}://{host}/jsonrpc"


def test_openrpc_tells_the_errors_of_json_rpc_each_code_once(service: Service) -> None:
    openrpc: Any = service.app.test_client().get("/openrpc.json").json
    for method in openrpc["methods"]:
        codes = [error["code"] for error in method["errors"]]
        assert len(codes) == len(set(codes)) and all(-32099 <= code <= -32000 for code in codes)
        for error in method["errors"]:
            assert error["message"] and "HTTP" not in error["message"]
            assert set(error["data"]) == {"reason", "retryable"}
        assert (-32002 in codes) is (OPERATIONS[method["name"]].effect is not READS)
    with pytest.raises(RpcError) as refused:
        service.call("get_tenant", id="00000000-0000-0000-0000-000000000000")
    (told,) = [error for method in openrpc["methods"] if method["name"] == "get_tenant"
               for error in method["errors"] if error["code"] == refused.value.code]
    assert told["data"]["reason"] == refused.value.reason


@pytest.mark.parametrize("form, told", [("value", "object"), ("string", "string")])
def test_documents_tell_the_form_in_which_json_is_given(new_service: Any, form: str, told: str
                                                        ) -> None:
    service = new_service(json_fields=form)
    for url in ("/openapi.json", "/openrpc.json"):
        found = service.app.test_client().get(url).json["components"]["schemas"]
        assert found["Node"]["properties"]["data"]["type"] == told
        nullable = "anyOf" in found["NodeType"]["properties"]["description"]
        assert nullable is (form == "value")


def test_what_is_untold_is_taken_as_before(service: Service) -> None:
    tenant = service.tenant(id="")
    node_type = service.node_type(tenant, schema='{"type": "object"}', id="")
    node = service.node(node_type, data='{"a": 1}', id="")
    assert node["data"] == {"a": 1}
    page = service.call("list_nodes", tenant_id=tenant["id"], node_type_id="", count="",
                        sort="-created_at", fields="id", filter='{"data.a": 1}',
                        pagination={"page_size": "", "page_token": ""})
    assert page["nodes"] == [{"id": node["id"]}]
    (result,) = service.call("transaction", calls=[
        {"method": "get_node", "params": [node["id"], tenant["id"]]}])["results"]
    assert result["node"]["id"] == node["id"]
