"""The OpenAPI 3.1 document of the REST API (https://spec.openapis.org/oas/v3.1.1.html)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flexdb.api.routes import Route, routes
from flexdb.contract import describe
from flexdb.contract.fields import BaseField, Json
from flexdb.contract.objects import Object, fields_of, object_schema
from flexdb.errors import FlexdbError

_PREFER: Json = {
    "name": "Prefer", "in": "header", "required": False,
    "description": "`json-fields=string` gives `data` and `schema` back as strings that hold JSON "
                   "text, `json-fields=value` as JSON values (RFC 7240).",
    "schema": {"type": "string", "examples": ["json-fields=value"]},
}

_IF_MATCH: Json = {
    "name": "If-Match", "in": "header", "required": False,
    "description": "An ETag: the change is made only when the row is at that version.",
    "schema": {"type": "string", "examples": ['"1"']},
}
_IF_NONE_MATCH: Json = {
    "name": "If-None-Match", "in": "header", "required": False,
    "description": "An ETag: when the row is at that version, the answer is 304 without a body.",
    "schema": {"type": "string", "examples": ['"1"']},
}
_ETAG: Json = {"description": "The version.", "schema": {"type": "string"}}
_LOCATION: Json = {"description": "The URL of what was created.",
                   "schema": {"type": "string", "format": "uri-reference"}}
_POINTER: Json = {"type": "string", "pattern": "^(/.*)?$"}
_PATCH_OPERATION: Json = {"anyOf": [
    {"type": "object", "required": ["op", *members],
     "properties": {"op": {"enum": kinds}} | {
         name: {} if name == "value" else _POINTER for name in members}}
    for kinds, members in ((["add", "replace", "test"], ["path", "value"]),
                           (["remove"], ["path"]), (["move", "copy"], ["from", "path"]))]}


def document(max_body_bytes: int) -> Json:
    """Return the whole document.

    :param max_body_bytes: the limit that the description names
    """
    paths: Json = {}
    for route in routes():
        paths.setdefault(route.url, {})[route.verb.lower()] = _operation(route)
    paths["/health"] = {"get": _health("health", "Tell whether the process lives.", {})}
    paths["/health/ready"] = {"get": _health(
        "ready", "Tell whether PostgreSQL answers and its schema is up to date.",
        {"503": _json_response("It is not ready; `reason` says why.", _HEALTH)})}
    paths["/jsonrpc"] = {"post": _jsonrpc(max_body_bytes)}
    tags = [*dict.fromkeys(route.tag for route in routes()), "JSON-RPC", "Health"]
    return {
        "openapi": "3.1.0",
        "info": {"title": describe.TITLE, "version": describe.VERSION,
                 "summary": describe.SUMMARY,
                 "description": "The same operations are reached over JSON-RPC 2.0 at "
                 "`POST /jsonrpc`, which [/openrpc.json](/openrpc.json) describes.",
                 "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": describe.result_schemas() | {"Error": describe.ERROR},
            "responses": _error_responses(),
        },
    }


def _operation(route: Route) -> Json:
    operation, fields = route.operation, route.operation.fields
    parameters = [{"name": name, "in": "path", "required": True,
                   "description": fields[name].metadata["description"],
                   "schema": fields[name].json_schema()} for name in route.in_url]
    if not route.has_body:
        in_query = {name: fields[name] for name in route.elsewhere}
        if isinstance(paging := in_query.pop("pagination", None), Object):
            in_query |= fields_of(paging.schema)
        parameters += [_query(name, field) for name, field in in_query.items()]
    if operation.gives.schema:
        parameters.append(_PREFER)
    if route.takes_version:
        parameters.append(_IF_MATCH)
    elif route.verb == "GET" and operation.gives.versioned:
        parameters.append(_IF_NONE_MATCH)
    described: Json = {
        "operationId": route.id,
        "tags": [route.tag],
        "summary": operation.description.splitlines()[0],
        "parameters": parameters,
        "responses": _success(route) | {
            str(status): {"$ref": f"#/components/responses/{_name(status)}"}
            for status in _error_statuses(route)},
    }
    if route.has_body:
        if route.verb == "PATCH":
            return described | {"requestBody": _patch_body(fields["patch"])}
        schema = object_schema(operation.schema, route.elsewhere)
        # An id of one's own is the exception, so it is not in what a person is offered to send.
        example = {name: field["examples"][0] for name, field in schema["properties"].items()
                   if name not in ("id", "version") and "examples" in field}
        described["requestBody"] = {"required": True, "content": {"application/json": {
            "schema": schema, "example": example}}}
    return described


def _patch_body(field: Any) -> Json:
    patch = field.json_schema()
    operations = [{"op": "replace", "path": "/priority", "value": "low"}]
    return {"required": True, "description": patch["description"], "content": {
        "application/merge-patch+json": {"schema": {"type": "object"},
                                         "example": field.metadata["example"]},
        "application/json-patch+json": {"schema": {"type": "array", "items": _PATCH_OPERATION},
                                        "example": operations}}}


def _query(name: str, field: BaseField) -> Json:
    schema = field.json_schema()
    # What is JSON elsewhere is text in a URL.
    texts = [form for form in schema.get("anyOf", []) if form.get("type") == "string"
             and form.get("maxLength") != 0]
    return {"name": name, "in": "query", "required": False,
            "description": field.metadata["description"], "schema": texts[0] if texts else schema}


def _success(route: Route) -> Json:
    if route.verb == "DELETE":
        return {"204": {"description": "Done; there is no body."}}
    schema = describe.result_schema(route.operation)
    gives = route.operation.gives
    headers = {"ETag": _ETAG} if gives.versioned else {}
    if not route.creates:
        known = {"304": {"description": "It is at the version that the client has."}}
        return {"200": _json_response("Done.", schema, headers)} | (
            known if gives.versioned and route.verb == "GET" else {})
    if gives.many:
        return {"201": _json_response("Created.", schema)}
    if "id" not in route.operation.fields:
        return {"201": _json_response("Created.", schema),
                "200": _json_response("It was there and was changed.", schema)}
    created = _json_response("Created.", schema, {"Location": _LOCATION} | headers)
    return {"201": created | {"links": _links(route)}}


def _links(route: Route) -> Json:
    """Say which operations take the id of what was created (OpenAPI 3.1, section 4.8.20)."""
    new_id = f"$response.body#/{route.operation.gives.wrapper}/id"
    links = {}
    for other in routes():
        below = other.url.startswith(f"{route.url}/{{")
        if below and other.in_url:
            ids = [*route.in_url, other.in_url[len(route.in_url)]]
            parameters = {name: f"$request.path.{name}" for name in route.in_url}
            parameters[ids[-1]] = new_id
            if set(other.in_url) == set(parameters):
                links[other.id] = {"operationId": other.id, "parameters": parameters}
    return links


def _error_statuses(route: Route) -> list[int]:
    statuses = [400, 406, 500, 503, 504]
    if route.in_url or route.has_body:
        statuses.append(404)
    if route.has_body:
        statuses += [413, 415]
    if route.verb != "GET":
        statuses.append(409)
        if route.takes_version:
            statuses.append(412)
    return sorted(statuses)


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _error_responses() -> Json:
    by_status: dict[int, list[type[FlexdbError]]] = {}
    for kind in describe.error_kinds():
        by_status.setdefault(kind.status, []).append(kind)
    envelope: Json = {"type": "object", "properties": {"error": {
        "$ref": "#/components/schemas/Error"}}, "required": ["error"],
        "additionalProperties": False}
    responses = {}
    for status, kinds in by_status.items():
        retry = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
        responses[_name(status)] = _json_response(
            "; ".join(dict.fromkeys(f"{kind.code} {kind.reason}" for kind in kinds)), envelope,
            retry if status == 503 else None)
    return responses


def _json_response(description: str, schema: Json, headers: Json | None = None) -> Json:
    response: Json = {"description": description,
                      "content": {"application/json": {"schema": schema}}}
    return response | ({"headers": headers} if headers else {})


_HEALTH: Json = {"type": "object", "properties": {"status": {"type": "string"},
                                                  "reason": {"type": "string"}},
                 "required": ["status"], "additionalProperties": False}


def _health(name: str, summary: str, failures: Json) -> Json:
    return {"operationId": name, "tags": ["Health"], "summary": summary,
            "responses": {"200": _json_response("Yes.", _HEALTH)} | failures}


def _jsonrpc(max_body_bytes: int) -> Json:
    # Whatever is JSON is answered with 200, errors included, so the schema excludes nothing.
    call: Json = {
        "description": "A call, or an array of calls; `/openrpc.json` has the schema of each.",
        "examples": [{"jsonrpc": "2.0", "method": "rpc.discover", "id": 1}],
    }
    reply: Json = {
        "type": "object",
        "properties": {"jsonrpc": {"const": "2.0"}, "result": {"type": "object"},
                       "error": {"$ref": "#/components/schemas/Error"},
                       "id": {"type": ["string", "integer", "null"]}},
        "required": ["jsonrpc", "id"],
    }

    return {
        "operationId": "jsonrpc", "tags": ["JSON-RPC"],
        "summary": "Call a method, or several in a batch, over JSON-RPC 2.0.",
        "description": f"A body may have {max_body_bytes} bytes.",
        "parameters": [_PREFER],
        "requestBody": {"required": True,
                        "content": {"application/json": {"schema": call}}},
        "responses": {
            "200": _json_response("The reply or replies, errors included.", {
                "anyOf": [reply, {"type": "array", "items": reply}]}),
            "204": {"description": "There was nothing to answer: only notifications."},
            "413": _json_response("The body is too large.", reply),
            "415": _json_response("The body is not JSON.", reply),
        },
    }
