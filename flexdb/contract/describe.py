"""The published form of results and errors: JSON Schema of what is declared once."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from marshmallow import Schema

from flexdb.contract.fields import Json
from flexdb.contract.objects import Items, Object, object_schema, reference
from flexdb.contract.operation import OPERATIONS, Operation
from flexdb.errors import FlexdbError
from flexdb.version import __version__

TITLE, VERSION = "flexdb", __version__
SUMMARY = ("Flexible JSON records (nodes, of a node type) and typed relationships between them, "
           "for many tenants.")


def result_schemas() -> dict[str, Json]:
    """Return the JSON Schema of every object that a result can hold, by its name."""
    kinds: set[type[Schema]] = set()
    for operation in OPERATIONS.values():
        if operation.gives.schema:
            kinds |= _kinds_in(operation.gives.schema)
    return {kind.__name__: object_schema(kind(), result=True)
            | {"description": inspect.getdoc(kind) or ""}
            for kind in sorted(kinds, key=lambda kind: kind.__name__)}


def _kinds_in(kind: type[Schema]) -> set[type[Schema]]:
    """Return a kind of object and those that stand in it."""
    found = {kind}
    for field in kind().fields.values():
        item: Any = field.item if isinstance(field, Items) else field
        if isinstance(item, Object):
            found |= _kinds_in(item.kind)
    return found


def result_schema(operation: Operation) -> Json:
    """Return the JSON Schema of an operation's result, with references to the objects in it."""
    gives = operation.gives
    if gives.schema is None:
        return {"type": "object", "additionalProperties": False}
    one = reference(gives.schema)
    if not gives.wrapper:
        return one
    if gives.paged and "fields" in operation.fields:
        # A query may ask for less than whole objects.
        one = {name: what for name, what in object_schema(
            gives.schema(), result=True).items() if name != "required"}
    members: Json = {gives.wrapper: {"type": "array", "items": one} if gives.many else one}
    if gives.paged:
        members["pagination"] = {
            "type": "object",
            "properties": {
                "next_page_token": {
                    "type": "string", "description": "Where the next page begins; empty when "
                    "this is the last."},
                "total_count": {"type": "integer", "minimum": 0,
                                "description": "How many there are on all pages."},
            },
            "required": ["next_page_token",
                         *["total_count"] * ("count" not in operation.fields)],
            "additionalProperties": False,
        }
    return {"type": "object", "properties": members, "required": list(members),
            "additionalProperties": False}


ERROR: Json = {
    "type": "object",
    "description": "What went wrong.",
    "properties": {
        "code": {"type": "integer", "description": "The code of JSON-RPC 2.0.",
                 "examples": [-32602]},
        "message": {"type": "string", "description": "What is wrong and what would be right."},
        "data": {
            "type": "object",
            "properties": {
                "reason": {"type": "string", "pattern": "^[A-Z_]+$",
                           "examples": ["INVALID_PARAMS"]},
                "retryable": {"type": "boolean",
                              "description": "Whether the same call may be sent again as it is."},
                "fields": {"type": "object",
                           "description": "The messages for each parameter that is wrong.",
                           "additionalProperties": {"type": "array", "items": {"type": "string"}}},
                "violations": {
                    "type": "array", "description": "What of `data` violates the schema.",
                    "items": {"type": "object", "properties": {
                        "path": {"type": "string", "description": "A JSON Pointer."},
                        "keyword": {"type": "string"}, "message": {"type": "string"}}}},
                "version": {"type": "integer", "description": "The version that the row is at."},
                "retry_after": {"type": "integer", "description": "Seconds to wait before that."},
                "index": {"type": "integer", "minimum": 0,
                          "description": "Which call of a transaction it is about."},
                "error_id": {"type": "string", "format": "uuid",
                             "description": "Under which the log has the whole story."},
            },
            "required": ["reason", "retryable"],
            "additionalProperties": False,
        },
    },
    "required": ["code", "message", "data"],
    "additionalProperties": False,
}


def error_kinds(root: type[FlexdbError] = FlexdbError) -> Iterator[type[FlexdbError]]:
    """Give every kind of error there is."""
    for kind in root.__subclasses__():
        yield kind
        yield from error_kinds(kind)
