"""REST: the same operations, reached by URL and verb."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from flask import Blueprint, Flask, Response, request
from werkzeug.routing import BaseConverter

from flexdb import errors
from flexdb.telemetry import watch
from flexdb.api import http, preconditions
from flexdb.config import Settings
from flexdb.db.run import Runner
from flexdb.errors import FlexdbError, InvalidParams
from flexdb.contract.fields import Integer, Items
from flexdb.contract.operation import NAME_LENGTH, OPERATIONS, Call, Operation
from flexdb.query.paging import Pagination

# The whole URL space: an id in a URL is the operation's parameter of the same name.
ROUTES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Tenants": (
        ("POST", "/tenants", "create_tenant"),
        ("GET", "/tenants/{id}", "get_tenant"),
        ("PUT", "/tenants/{id}", "update_tenant"),
        ("DELETE", "/tenants/{id}", "delete_tenant"),
        ("GET", "/tenants", "list_tenants"),
    ),
    "Users": (
        ("POST", "/users", "create_user"),
        ("GET", "/users/{id}", "get_user"),
        ("PUT", "/users/{id}", "update_user"),
        ("DELETE", "/users/{id}", "delete_user"),
        ("GET", "/users", "list_users"),
    ),
    "Tenant Users": (
        ("POST", "/tenants/{tenant_id}/users", "add_user_to_tenant"),
        ("DELETE", "/tenants/{tenant_id}/users/{user_id}", "remove_user_from_tenant"),
        ("GET", "/tenants/{tenant_id}/users", "list_tenant_users"),
    ),
    "Node Types": (
        ("POST", "/tenants/{tenant_id}/node-types", "create_node_type"),
        ("GET", "/tenants/{tenant_id}/node-types/{id}", "get_node_type"),
        ("PUT", "/tenants/{tenant_id}/node-types/{id}", "update_node_type"),
        ("DELETE", "/tenants/{tenant_id}/node-types/{id}", "delete_node_type"),
        ("GET", "/tenants/{tenant_id}/node-types", "list_node_types"),
        ("POST", "/tenants/{tenant_id}/node-types/{id}/check", "check_node_type"),
    ),
    "Nodes": (
        ("POST", "/tenants/{tenant_id}/nodes", "create_node"),
        ("GET", "/tenants/{tenant_id}/nodes/{id}", "get_node"),
        ("PUT", "/tenants/{tenant_id}/nodes/{id}", "update_node"),
        ("PATCH", "/tenants/{tenant_id}/nodes/{id}", "patch_node"),
        ("DELETE", "/tenants/{tenant_id}/nodes/{id}", "delete_node"),
        ("GET", "/tenants/{tenant_id}/nodes", "list_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/batch", "create_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/query", "list_nodes"),
        ("POST", "/tenants/{tenant_id}/nodes/delete", "delete_nodes"),
    ),
    "Relationships": (
        ("POST", "/tenants/{tenant_id}/relationships", "create_relationship"),
        ("GET", "/tenants/{tenant_id}/relationships/{id}", "get_relationship"),
        ("PUT", "/tenants/{tenant_id}/relationships/{id}", "update_relationship"),
        ("PATCH", "/tenants/{tenant_id}/relationships/{id}", "patch_relationship"),
        ("DELETE", "/tenants/{tenant_id}/relationships/{id}", "delete_relationship"),
        ("GET", "/tenants/{tenant_id}/relationships", "list_relationships"),
        ("POST", "/tenants/{tenant_id}/relationships/batch", "create_relationships"),
        ("POST", "/tenants/{tenant_id}/relationships/query", "list_relationships"),
    ),
    "Graph": (
        ("GET", "/tenants/{tenant_id}/nodes/{start}/traverse", "traverse"),
        ("GET", "/tenants/{tenant_id}/nodes/{source_node_id}/shortest-path", "shortest_path"),
        ("GET", "/tenants/{tenant_id}/nodes/{id}/neighbors", "get_neighbors"),
    ),
    "Transactions": (
        ("POST", "/transactions", "transaction"),
    ),
}

PAGING = tuple(Pagination().fields)
_PATCHES: dict[str, type] = {"application/merge-patch+json": dict,
                             "application/json-patch+json": list}
_IN_URL = re.compile(r"\{(\w+)\}")
_WHOLE_NUMBER = re.compile(r"\A-?[0-9]{1,18}\Z", re.ASCII)


class Route(NamedTuple):
    """An operation at its place in the URL space, and where its parameters travel."""

    tag: str
    verb: str
    url: str
    operation: Operation

    @property
    def in_url(self) -> tuple[str, ...]:
        """Return the parameters that are parts of the URL."""
        return tuple(_IN_URL.findall(self.url))

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Return the other parameters: in the body, or in the query where there is none."""
        return tuple(name for name in self.operation.params().fields if name not in self.in_url)

    @property
    def has_body(self) -> bool:
        """Tell whether the parameters travel in a JSON body; that of a PATCH is the patch."""
        return self.verb in ("POST", "PUT", "PATCH")

    @property
    def has_versions(self) -> bool:
        """Tell whether what it gives or changes has versions, which REST gives as ETags."""
        return self.verb != "POST" and (
            "version" in self.operation.params().fields
            or (self.verb == "GET" and self.operation.returns is not None
                and "version" in self.operation.returns().fields
                and "pagination" not in self.elsewhere))

    @property
    def creates(self) -> bool:
        """Tell whether it answers that something was created; what has a body need not."""
        return self.verb == "POST" and not self.operation.name.startswith(
            ("list_", "check_", "delete_"))

    @property
    def id(self) -> str:
        """Return the name that no other route has: the operation's, or that of its query."""
        if self.url.endswith("/query"):
            return self.operation.name.replace("list_", "query_", 1)
        return self.operation.name


def routes() -> list[Route]:
    """Return every route in the order of the table."""
    return [Route(tag, verb, url, OPERATIONS[name])
            for tag, rows in ROUTES.items() for verb, url, name in rows]


class _Segment(BaseConverter):
    """A part of a URL that names something: any but the words that end another URL there."""

    regex = "(?!(?:batch|query|delete)$)[^/]+"
    part_isolating = True


class _View:
    """Answer the requests of one route."""

    def __init__(self, route: Route, settings: Settings, runner: Runner) -> None:
        self.route = route
        self.settings = settings
        self.runner = runner
        self.call = Call(route.operation, settings)
        self.pages = "pagination" in route.elsewhere and not route.has_body
        self.in_query = {**route.operation.params().fields, **Pagination().fields}

    def __call__(self, **in_url: str) -> Response:
        watch.current().method = self.route.operation.name
        if request.accept_mimetypes and not request.accept_mimetypes["application/json"]:
            raise errors.NotAcceptable()
        text = http.read_body(self.settings.max_body_bytes) if self.route.has_body else b"{}"
        params = self._query() | self._body(text, in_url) | in_url
        if self.route.verb == "PATCH":
            text = b'{"patch":%b}' % text
        if "version" in self.route.elsewhere:
            params |= preconditions.asked_version(params)
        try:
            plan = self.call.plan(params, lambda: text)
        except InvalidParams as error:
            raise _in_rest_names(error) if self.pages else error from None
        fields = http.json_fields(request, self.settings.json_fields)
        (outcome,) = self.runner.run([plan], fields)
        if isinstance(outcome, FlexdbError):
            raise outcome
        if self.route.verb == "DELETE":
            return Response(status=204)
        response = Response(outcome.text, content_type=http.JSON)
        if outcome.version is not None:
            preconditions.set_etag(response, outcome.version, fields)
            if self.route.verb == "GET" and preconditions.is_known(response):
                response.status_code = 304
                response.set_data(b"")
                return response
        if self.route.creates and outcome.created:
            response.status_code = 201
            if outcome.id:
                response.headers["Location"] = f"{request.path}/{outcome.id}"
        return http.apply_preference(response)

    def _body(self, text: bytes, in_url: dict[str, str]) -> dict[str, Any]:
        if not self.route.has_body:
            return {}
        if not request.is_json:
            raise errors.UnsupportedMediaType()
        body = http.parse_body(text, self.settings.max_depth)
        if self.route.verb == "PATCH":
            wanted = _PATCHES.get(request.mimetype, (dict, list))
            if not isinstance(body, wanted):
                raise errors.InvalidRequest(f"the body is not {request.mimetype}")
            return {"patch": body}
        if not isinstance(body, dict):
            raise errors.InvalidRequest("the body must be a JSON object")
        if twice := body.keys() & in_url.keys():
            raise InvalidParams(f"invalid parameters: {', '.join(sorted(twice))} stands in the URL",
                                {name: ["stands in the URL, not in the body"] for name in twice})
        return body

    def _query(self) -> dict[str, Any]:
        """Return the parameters in the query; those of paging are one parameter over JSON-RPC."""
        found: dict[str, Any] = {}
        wrong: dict[str, list[str]] = {}
        for name, values in request.args.lists():
            field = self.in_query.get(name)
            value: str | int | list[str] = values[0]
            if isinstance(field, Items):
                # As OpenAPI has it, an array is a parameter that is repeated.
                value = values if any(values) else ""
            elif isinstance(field, Integer) and _WHOLE_NUMBER.match(values[0]):
                value = int(values[0])
            if len(values) > 1 and not isinstance(value, list):
                wrong[name[:NAME_LENGTH]] = ["may be given only once"]
            elif self.route.has_body or name.startswith("pagination"):
                wrong[name[:NAME_LENGTH]] = ["is not a parameter here"]
            elif name in PAGING and self.pages:
                found.setdefault("pagination", {})[name] = value
            else:
                found[name] = value
        if wrong:
            raise InvalidParams("invalid parameters: " + "; ".join(
                f"{name} {messages[0]}" for name, messages in wrong.items()), wrong)
        return found


def _in_rest_names(error: InvalidParams) -> InvalidParams:
    """Name the parameters of paging as they stand in a query."""
    fields = error.data.get("fields", {})
    return InvalidParams(str(error).replace(" pagination.", " "), {
        name.removeprefix("pagination."): messages for name, messages in fields.items()})


def init_app(app: Flask, settings: Settings, runner: Runner) -> None:
    """Expose every operation under its URL."""
    app.url_map.converters["segment"] = _Segment
    blueprint = Blueprint("rest", __name__)
    for route in routes():
        blueprint.add_url_rule(
            _IN_URL.sub(r"<segment:\1>", route.url), endpoint=route.id,
            view_func=_View(route, settings, runner), methods=[route.verb])
    app.register_blueprint(blueprint)
