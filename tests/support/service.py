"""flexdb as a caller sees it: the method's name, its parameters, its result or its error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson
from flask import Flask
from flask.testing import FlaskClient

from flexdb import create_app
from flexdb.api.routes import routes
from flexdb.config import Settings
from flexdb.contract.fields import Boolean, Integer
from flexdb.contract.objects import Items
from flexdb.contract.operation import OPERATIONS
from flexdb.query.paging import PAGING, Pagination

# The methods whose result is a page, and those whose result holds one object.
PAGED = [name for name, operation in OPERATIONS.items()
         if "pagination" in operation.fields]
SINGLE = [name for name, operation in OPERATIONS.items()
          if operation.gives.wrapper and not operation.gives.many]


class RpcError(Exception):
    """The service answered with an error object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']} {error['message']}")
        self.error = error
        self.code: int = error["code"]
        self.reason: str = error["data"]["reason"]
        self.fields: dict[str, list[str]] = error["data"].get("fields", {})


@dataclass
class Service:
    """An app and the database behind it.

    ``door`` is how ``call`` reaches it: ``jsonrpc`` or ``rest``; ``secret`` is the key that it
    sends, if any.
    """

    app: Flask
    settings: Settings
    door: str = "jsonrpc"
    secret: str = ""

    @classmethod
    def of(cls, settings: Settings, door: str = "jsonrpc") -> Service:
        """Return the service on a database."""
        return cls(create_app(settings), settings, door)

    def post(self, body: Any, **options: Any) -> Any:
        """Send a body, bytes or what is to be JSON, and return the response."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        options.setdefault("content_type", "application/json")
        return self.client().post("/jsonrpc", data=data, **options)

    def client(self) -> FlaskClient:
        """Return a client of HTTP that sends the key."""
        client = self.app.test_client()
        if self.secret:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.secret}"
        return client

    def call(self, method: str, params: Any = None, /, **by_name: Any) -> Any:
        """Call a method and return its result.

        :raises RpcError: when it answers with an error
        """
        params = by_name if params is None else params
        if self.door == "rest" and (said := rest_request(method, params)):
            response = self.client().open(**said)
            reply = result = in_jsonrpc_names(response.data or b"{}", method)
        else:
            reply = orjson.loads(self.post(request(method, params)).data)
            result = reply.get("result")
        if "error" in reply:
            raise RpcError(reply["error"])
        return result

    def batch(self, calls: list[Any], **options: Any) -> list[Any]:
        """Send several calls at once and return the replies."""
        response = self.post(calls, **options)
        return orjson.loads(response.data) if response.data else []

    def tenant(self, **given: Any) -> Any:
        """Create a tenant and return it."""
        given = {"slug": f"tenant-{uuid4().hex}", "name": "A tenant"} | given
        return self.call("create_tenant", **given)["tenant"]

    def user(self, **given: Any) -> Any:
        """Create a user and return it."""
        given = {"email": f"{uuid4().hex}@example.org", "display_name": "A user"} | given
        return self.call("create_user", **given)["user"]

    def node_type(self, tenant: dict[str, Any], **given: Any) -> Any:
        """Create a node type and return it."""
        given = {"tenant_id": tenant["id"], "name": f"Type {uuid4().hex}"} | given
        return self.call("create_node_type", **given)["node_type"]

    def node(self, node_type: dict[str, Any], **given: Any) -> Any:
        """Create a node and return it."""
        given = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]} | given
        return self.call("create_node", **given)["node"]

    def relationship_type(self, tenant: dict[str, Any], **given: Any) -> Any:
        """Create a relationship type and return it."""
        given = {"tenant_id": tenant["id"], "name": f"type_{uuid4().hex}"} | given
        return self.call("create_relationship_type", **given)["relationship_type"]

    def relationship(self, source: dict[str, Any], target: dict[str, Any], **given: Any
                     ) -> Any:
        """Create a relationship and return it."""
        given = {"tenant_id": source["tenant_id"], "source_node_id": source["id"],
                 "target_node_id": target["id"], "relationship_type": "depends_on"} | given
        return self.call("create_relationship", **given)["relationship"]

    def close(self) -> None:
        """Close the connections to the database, and let nobody go on listening, who would have
        them opened again.
        """
        self.app.extensions["flexdb_hub"].end()
        self.app.extensions["flexdb"].close()
        if replicas := self.app.extensions["flexdb_replicas"]:
            replicas.close()


def rest_request(method: str, params: Any) -> dict[str, Any] | None:
    """Return the REST request that says the same, or None when a URL cannot say it."""
    route = next(route for route in routes() if route.operation.name == method)
    if isinstance(params, list):
        names = list(route.operation.fields)
        if len(params) > len(names):
            return None
        params = dict(zip(names, params))
    rest = dict(params)
    in_url = {name: rest.pop(name, None) for name in route.in_url}
    if not all(isinstance(part, str) and part.strip("./") == part and part
               for part in in_url.values()):
        return None
    made: dict[str, Any] = {
        "method": route.verb,
        "path": route.url.format(**{name: quote(part) for name, part in in_url.items()})}
    if route.verb == "PATCH":
        given = {name: one for name, one in rest.items()
                 if one != "" or name not in route.operation.fields}
        return _patch_request(made, given)
    if route.has_body:
        return made | {"data": orjson.dumps(rest), "content_type": "application/json"}
    paging = rest.pop("pagination", {})
    if not isinstance(paging, dict) or not paging.keys() <= set(PAGING):
        return None
    # What is JSON in a body is text in a URL.
    for name in ("filter", "only_if", "related_to", "expand"):
        if isinstance(rest.get(name), dict):
            rest[name] = orjson.dumps(rest[name]).decode()
    for name in {"sort", "fields"} & rest.keys():
        if isinstance(paths := rest[name], list) and paths and all(
                isinstance(path, str) and "," not in path for path in paths):
            rest[name] = ",".join(paths)
    query = {**rest, **paging}
    fields = route.operation.fields | Pagination().fields
    if not all(_in_query(fields.get(name), value) for name, value in query.items()):
        return None
    return made | {"query_string": {name: str(value).lower() if isinstance(value, bool) else value
                                    for name, value in query.items()}}


def _patch_request(made: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any] | None:
    """Return a request whose body is the patch or the update, and ``only_if`` its query."""
    only_if = rest.pop("only_if", {})
    # An ETag names more than a version.
    if len(rest) != 1 or not isinstance(only_if, dict):
        return None
    ((name, body),) = rest.items()
    kind = {"patch": "application/json", "update": "application/vnd.flexdb.update+json"}.get(name)
    if kind is None or not isinstance(body, dict if name == "update" else (dict, list)):
        return None
    return made | {"data": orjson.dumps(body), "content_type": kind} | (
        {"query_string": {"only_if": orjson.dumps(only_if).decode()}} if only_if else {})


def _in_query(field: Any, value: Any) -> bool:
    """Tell whether a query can say a parameter's value; an array repeats the parameter."""
    if isinstance(field, Items):
        return value == "" or (isinstance(value, list) and bool(value) and all(
            isinstance(item, str) and item for item in value))
    if isinstance(field, Integer):
        return type(value) is int or value == ""
    if isinstance(field, Boolean):
        return type(value) is bool or value == ""
    return isinstance(value, str)


def in_jsonrpc_names(text: bytes, method: str) -> Any:
    """Read a REST reply; what a list's error says of paging is one parameter over JSON-RPC."""
    reply = orjson.loads(text)
    if "error" in reply and method in PAGED:
        error = reply["error"]
        error["message"] = re.sub(rf"(?<=[ ;])({'|'.join(PAGING)}) ", r"pagination.\1 ",
                                  error["message"])
        if fields := error["data"].get("fields"):
            error["data"]["fields"] = {
                f"pagination.{name}" if name in PAGING else name: messages
                for name, messages in fields.items()}
    return reply


def request(method: str, params: Any = None, id: Any = 1) -> dict[str, Any]:
    """Return a request object."""
    made = {"jsonrpc": "2.0", "method": method, "id": id}
    return made if params is None else made | {"params": params}
