"""The OpenAPI 3.1 document of the REST API (https://spec.openapis.org/oas/v3.1.1.html)."""

from __future__ import annotations

from http import HTTPStatus

from flexdb.api import headers
from flexdb.api.headers import ETAG, EVENT, LOCATION, PREFER, TOKEN
from flexdb.api.listening import EVENTS
from flexdb.api.routes import Route, routes
from flexdb.config import Settings
from flexdb.contract import describe
from flexdb.contract.fields import BaseField, Json, reference
from flexdb.contract.objects import Object, fields_of, object_schema
from flexdb.errors import FlexdbError
from flexdb.query.positions import Since

_INTRODUCTION = """\
The same operations are reached over JSON-RPC 2.0 at `POST /jsonrpc`, which
[/openrpc.json](/openrpc.json) describes.

Beside what the schemas say, an optional parameter may be `""`, which counts as absent, and where
JSON is sent, a string that holds JSON text is taken too. A body may have {0.max_body_bytes:,}
bytes, `data` and `schema` {0.max_json_bytes:,} bytes each as compact JSON text with its numbers
written out, and JSON may be nested {0.max_depth} deep; no text in it may hold the character U+0000.
A URL may have about 8,000 bytes: longer ones are answered with 414. A query may stand in a body.
"""
_TOO_LONG = "-32600 TOO_LARGE: the URL is too long; a query may stand in a body instead"
_PATCH = """\
A merge patch (RFC 7396). A JSON Patch (RFC 6902) is taken too, as `application/json-patch+json`: an
array of operations, such as `[{"op": "replace", "path": "/priority", "value": "low"}]`; and as
`application/vnd.flexdb.update+json` an update in place, such as `{"$inc": {"views": 1}}`.
"""


def document(settings: Settings) -> Json:
    """Return the whole document.

    :param settings: where the limits are that it names, and the form of JSON columns
    """
    paths: Json = {}
    bodies = {route.operation.params.__name__: object_schema(
        route.operation.schema, route.elsewhere) for route in routes() if _has_object(route)}
    for route in routes():
        paths.setdefault(route.url, {})[route.verb.lower()] = _operation(route)
    paths["/health"] = {"get": _health("health", "Tell whether the process lives.", {})}
    paths["/health/ready"] = {"get": _health(
        "ready", "Tell whether PostgreSQL answers and its schema is up to date.",
        {"503": _json_response("It is not ready; `reason` says why.", reference("Health"))})}
    paths["/jsonrpc"] = {"post": _JSONRPC}
    tags = [*dict.fromkeys(route.tag for route in routes()), "JSON-RPC", "Health"]
    return {
        "openapi": "3.1.0",
        "info": {"title": describe.TITLE, "version": describe.VERSION,
                 "summary": describe.SUMMARY,
                 "description": _INTRODUCTION.format(settings),
                 "contact": {"name": describe.TITLE},
                 "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": describe.schemas(settings.json_fields) | bodies | _SCHEMAS,
            "responses": _error_responses(),
            "securitySchemes": {"key": {
                "type": "http", "scheme": "bearer",
                "description": "A key, as `create_key` makes, or the JWT of a user."}},
        },
    }


def _operation(route: Route) -> Json:
    operation, fields = route.operation, route.operation.fields
    parameters = [_parameter(name, "path", fields[name], fields[name].json_schema())
                  for name in route.in_url]
    in_query = {name: fields[name] for name in route.in_query}
    if isinstance(paging := in_query.pop("pagination", None), Object):
        in_query |= fields_of(paging.schema)
    parameters += [_parameter(name, "query", field, field.query_schema())
                   for name, field in in_query.items()]
    if operation.gives.schema:
        parameters.append(PREFER)
    if route.writes:
        parameters.append(headers.IDEMPOTENCY_KEY)
    elif not operation.fresh:
        parameters.append(headers.CONSISTENCY_TOKEN)
    if route.is_conditional:
        parameters.append(headers.IF_MATCH)
    elif route.verb == "GET" and operation.gives.tagged:
        parameters.append(headers.IF_NONE_MATCH)
    elif route.streams:
        parameters.append(headers.LAST_EVENT_ID)
    described: Json = {
        "operationId": route.id,
        "tags": [route.tag],
        "summary": operation.description.splitlines()[0],
        "description": operation.description,
        "x-access": operation.access.word, "x-rules": operation.rules.value,
        "parameters": parameters,
        "responses": _success(route) | {
            str(status): {"$ref": f"#/components/responses/{_name(status)}"}
            for status in _error_statuses(route)},
    }
    if route.verb == "PATCH":
        described["requestBody"] = _patch_body(fields["patch"])
    elif _has_object(route):
        # An id of one's own is the exception, so it is not in what a person is offered to send.
        examples = {name: fields[name].metadata["example"] for name in route.elsewhere
                    if name not in ("id", "version")}
        described["requestBody"] = {"required": True, "content": {"application/json": {
            "schema": reference(operation.params.__name__),
            "example": {name: one for name, one in examples.items() if one is not None}}}}
    return described


def _has_object(route: Route) -> bool:
    """Tell whether a request has the object of its parameters as its body."""
    return route.has_body and route.verb != "PATCH" and bool(route.elsewhere)


def _patch_body(field: BaseField) -> Json:
    # One type of body: of several, generators make what chooses wrongly or not at all.
    return {"required": True, "description": _PATCH, "content": {
        "application/merge-patch+json": {
            "schema": {"type": "object", "additionalProperties": True},
            "example": field.metadata["example"]}}}


def _parameter(name: str, place: str, field: BaseField, schema: Json) -> Json:
    # The description of a parameter stands beside its schema.
    schema = {key: told for key, told in schema.items() if key != "description"}
    return {"name": name, "in": place, "required": field.required or place == "path",
            "description": field.metadata["description"], "schema": schema}


def _success(route: Route) -> Json:
    if not route.operation.gives.schema:
        return {"204": {"description": "Done; there is no body.", "headers": TOKEN}}
    if route.streams:
        return {"200": {"description": "Events.", "content": {EVENTS: {"schema": EVENT}}}}
    schema = describe.result_schema(route.operation)
    gives = route.operation.gives
    told = TOKEN | ({"ETag": ETAG} if gives.tagged else {})
    if not route.creates:
        known = {"304": {"description": "It is in the state that the client knows."}}
        return {"200": _json_response("Done.", schema, told)} | (
            known if gives.tagged and route.verb == "GET" else {})
    if gives.many:
        return {"201": _json_response("Created.", schema, told)}
    if "id" not in route.operation.fields or not gives.tagged:
        return {"201": _json_response("Created.", schema, told),
                "200": _json_response("It was there and was changed.", schema, told)}
    created = _json_response("Created.", schema, {"Location": LOCATION} | told)
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
    statuses = [400, 401, 403, 406, 414, 429, 500, 503, 504]
    if route.in_url or route.has_body:
        statuses.append(404)
    if route.has_body:
        statuses += [413, 415]
    statuses += [410] * isinstance(route.operation.fields.get("since"), Since)
    if route.verb != "GET":
        statuses += [409, 422] if route.writes else [409]
        if route.is_conditional:
            statuses.append(412)
    return sorted(statuses)


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _error_responses() -> Json:
    by_status: dict[int, list[type[FlexdbError]]] = {}
    told = {status for route in routes() for status in _error_statuses(route)}
    for kind in describe.error_kinds():
        by_status.setdefault(kind.status, []).append(kind)
    responses = {_name(414): _json_response(_TOO_LONG, reference("ErrorReply"))}
    retry = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    for status in sorted(told & by_status.keys()):
        reasons = dict.fromkeys(f"{kind.code} {kind.reason}" for kind in by_status[status])
        responses[_name(status)] = _json_response(
            "; ".join(reasons), reference("ErrorReply"), retry if status in (429, 503) else None)
    return responses


def _json_response(description: str, schema: Json, told: Json | None = None) -> Json:
    response: Json = {"description": description,
                      "content": {"application/json": {"schema": schema}}}
    return response | ({"headers": told} if told else {})


def _health(name: str, summary: str, failures: Json) -> Json:
    return {"operationId": name, "tags": ["Health"], "summary": summary, "description": summary,
            "responses": {"200": _json_response("Yes.", reference("Health"))} | failures}


_SCHEMAS: dict[str, Json] = {
    # What comes to /jsonrpc or is not even HTTP is refused with the members of JSON-RPC beside it.
    "ErrorReply": {"type": "object", "description": "The body of every refusal.",
                   "properties": {"error": reference("ErrorObject")}, "required": ["error"],
                   "additionalProperties": True},
    "Health": {"type": "object", "description": "How the service is.",
               "properties": {"status": {"type": "string"}, "reason": {"type": "string"},
                              "replicas": {"type": "array", "items": {
                                  "type": "object", "additionalProperties": True}}},
               "required": ["status"], "additionalProperties": False},
}
_JSONRPC: Json = {
    "operationId": "jsonrpc", "tags": ["JSON-RPC"],
    "summary": "Call a method, or several in a batch, over JSON-RPC 2.0.",
    "description": "`/openrpc.json` has the schema of each method and of what it gives. Whatever "
                   "is JSON is answered with 200, errors included.",
    "parameters": headers.JSONRPC,
    "requestBody": {"required": True, "content": {"application/json": {
        "schema": {"description": "A request object, or an array of them."},
        "example": {"jsonrpc": "2.0", "method": "rpc.discover", "id": 1}}}},
    "responses": {
        "200": _json_response("The reply, or an array of replies, errors included.",
                              {"description": "A reply object, or an array of them."}, TOKEN),
        "204": {"description": "There was nothing to answer: only notifications."},
        "400": _json_response("A header is not what it must be.", reference("ErrorReply")),
        "401": _json_response("A key is needed, or is not good.", reference("ErrorReply")),
        "413": _json_response("The body is too large.", reference("ErrorReply")),
        "415": _json_response("The body is not JSON.", reference("ErrorReply")),
        "422": _json_response("The Idempotency-Key is another's.", reference("ErrorReply")),
    },
}
