"""A type with records and the table of them, as the tests of the console look at it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, NamedTuple

from tests.support.console import Console

SCHEMA = {"type": "object", "required": ["title"], "properties": {
    "title": {"type": "string", "x-search": True},
    "status": {"enum": ["todo", "done"]}, "priority": {"type": "integer"},
    "estimate": {"type": "number", "x-index": True}, "urgent": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "notes": {"type": ["string", "null"]},
    "place": {"type": "object", "properties": {"city": {"type": "string"}}}}}


class Tasks(NamedTuple):
    """A type with records, and where its table is, below ``/console``."""

    console: Console
    type: dict[str, Any]
    url: str

    @classmethod
    def of(cls, console: Console) -> Tasks:
        """Return a type without records."""
        tenant = console.service.tenant(name="Acme")
        type = console.service.node_type(tenant, name="Task", schema=SCHEMA)
        return cls(console, type, f"/t/{tenant['id']}/types/{type['id']}")

    def add(self, **data: Any) -> dict[str, Any]:
        """Create a record and return it."""
        found: dict[str, Any] = self.console.service.node(self.type, data=data)
        return found

    def table(self, url: str = "") -> list[list[str]]:
        """Return the texts of the table's cells, without the boxes, and its head first."""
        return table(self.console.get(url or self.url))


def table(html: str) -> list[list[str]]:
    """Return the texts of a page's table of records."""
    shown = re.search(r'<table class="records".*?</table>', html, re.DOTALL)
    assert shown
    return [[" ".join(unescape(re.sub("<[^>]*>", "", cell)).split())
             for cell in re.split(r"<t[dh][ >]", row)[2:]]
            for row in re.split("<tr>", re.sub(r"<(t[dh]) [^>]*>", r"<\1>", shown[0]))[1:]]
