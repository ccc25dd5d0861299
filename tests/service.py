"""flexdb as a caller sees it: the method's name, its parameters, its result or its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask

from flexdb import create_app
from flexdb.config import Settings


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
    """An app and the database behind it."""

    app: Flask
    settings: Settings

    @classmethod
    def of(cls, settings: Settings) -> Service:
        return cls(create_app(settings), settings)

    def post(self, body: Any, **options: Any) -> Any:
        """Send a body, bytes or what is to be JSON, and return the response."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        options.setdefault("content_type", "application/json")
        return self.app.test_client().post("/jsonrpc", data=data, **options)

    def call(self, method: str, params: Any = None, /, **by_name: Any) -> Any:
        """Call a method and return its result.

        :raises RpcError: when it answers with an error
        """
        reply = orjson.loads(self.post(request(method, by_name if params is None else params)).data)
        if "error" in reply:
            raise RpcError(reply["error"])
        return reply["result"]

    def batch(self, calls: list[Any], **options: Any) -> list[Any]:
        """Send several calls at once and return the replies."""
        response = self.post(calls, **options)
        return orjson.loads(response.data) if response.data else []

    def tenant(self, **given: Any) -> Any:
        given = {"slug": f"tenant-{uuid4().hex}", "name": "A tenant"} | given
        return self.call("create_tenant", **given)["tenant"]

    def user(self, **given: Any) -> Any:
        given = {"email": f"{uuid4().hex}@example.org", "display_name": "A user"} | given
        return self.call("create_user", **given)["user"]

    def node_type(self, tenant: dict[str, Any], **given: Any) -> Any:
        given = {"tenant_id": tenant["id"], "name": f"Type {uuid4().hex}"} | given
        return self.call("create_node_type", **given)["node_type"]

    def node(self, node_type: dict[str, Any], **given: Any) -> Any:
        given = {"tenant_id": node_type["tenant_id"], "node_type_id": node_type["id"]} | given
        return self.call("create_node", **given)["node"]

    def relationship(self, source: dict[str, Any], target: dict[str, Any], **given: Any
                     ) -> Any:
        given = {"tenant_id": source["tenant_id"], "source_node_id": source["id"],
                 "target_node_id": target["id"], "relationship_type": "depends_on"} | given
        return self.call("create_relationship", **given)["relationship"]

    def close(self) -> None:
        self.app.extensions["flexdb"].close()


def request(method: str, params: Any = None, id: Any = 1) -> dict[str, Any]:
    """Return a request object."""
    made = {"jsonrpc": "2.0", "method": method, "id": id}
    return made if params is None else made | {"params": params}
