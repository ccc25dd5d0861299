"""A tenant with records, as the console's pages show and change them."""

from __future__ import annotations

from typing import Any

import orjson

from tests.support.console import Console
from tests.support.html_forms import form_with
from tests.support.service import Service

BIG, EXACT = "123456789012345678901234567890", "0.1000000000000000055511151231257827021181583404541"
SCHEMA: dict[str, Any] = {
    "type": "object", "required": ["title", "owner"], "x-order": ["title", "priority", "tags"],
    "properties": {
        "title": {"type": "string", "title": "Title", "minLength": 3, "maxLength": 80},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5, "default": 3},
        "due": {"type": ["string", "null"], "format": "date"},
        "estimate": {"type": "number"}, "serial": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "owner": {"type": "object", "required": ["email"], "properties": {
            "email": {"type": "string", "format": "email"}}},
        "code": {"type": "string", "pattern": "^[A-Z]+$"}}}
DATA = (f'{{"title": "First", "owner": {{"email": "a@example.org"}}, "estimate": 10.00, '
        f'"serial": {BIG}, "tags": ["a"], "unknown": {{"exact": {EXACT}}}, "due": null}}')


class Records:
    """A tenant with a type and records in it."""

    def __init__(self, service: Service, schema: Any = SCHEMA) -> None:
        self.service = service
        self.tenant = self.service.tenant()
        self.type = self.service.node_type(self.tenant, schema=schema)
        self.url = f"/t/{self.tenant['id']}"

    def record(self, data: str = DATA) -> str:
        """Create a record of JSON text, and return the URL of its page."""
        body = b'{"jsonrpc":"2.0","id":1,"method":"create_node","params":' + orjson.dumps({
            "tenant_id": self.tenant["id"], "node_type_id": self.type["id"],
            "data": orjson.Fragment(data.encode())}) + b"}"
        reply = self.service.post(body).json
        return f"{self.url}/nodes/{reply['result']['node']['id']}"

    def text(self, url: str) -> str:
        """Return a record as the service tells it, as text."""
        id = url.rpartition("/")[2]
        return self.service.client().get(f"/tenants/{self.tenant['id']}/nodes/{id}").text

    def stored(self, url: str) -> Any:
        """Return a record as the service tells it."""
        return orjson.loads(self.text(url))["node"]

    def form(self, console: Console, url: str, **fields: str) -> dict[str, str]:
        """Return what the form of a page would send, some fields filled in anew."""
        return {**form_with(console.get(url), "object:"), **fields}
