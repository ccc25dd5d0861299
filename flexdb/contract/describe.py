"""The published form of parameters, results and errors: JSON Schema of what is declared once."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from marshmallow import INCLUDE, Schema, fields, missing

from flexdb.errors import FlexdbError
from flexdb.contract.fields import (
    Boolean, Choice, Email, Id, Integer, Items, PageToken, Paths, Text, Time)
from flexdb.contract.json_fields import JsonText
from flexdb.contract.objects import Objects
from flexdb.contract.operation import OPERATIONS, Operation
from flexdb.operations.transactions import Arguments
from flexdb.version import __version__

Json = dict[str, Any]

TITLE, VERSION = "flexdb", __version__
SUMMARY = ("Flexible JSON records (nodes, of a node type) and typed relationships between them, "
           "for many tenants.")
# The formats of this API beside those of JSON Schema.
JSON_IN_STRING, PAGE_TOKEN = "json-in-string", "page-token"


def field_schema(field: fields.Field[Any], result: bool = False) -> Json:
    """Return the JSON Schema (2020-12) of a field; an optional one may be an empty string.

    :param result: whether the service gives it: then it is described by its form alone, since the
        rows of an adopted database are given whatever they hold
    """
    if isinstance(field, fields.Nested):
        schema = _nested_schema(field, result)
    elif isinstance(field, Items):
        schema = {"type": "array", "items": field_schema(field.item, result)}
        if not result:
            schema |= {"minItems": 1} | ({"maxItems": field.most} if field.most else {})
            schema = {"anyOf": [schema, {"type": "string", "maxLength": 0}]}
    elif isinstance(field, Boolean):
        schema = {"type": "boolean"}
    elif isinstance(field, Choice):
        schema = {"type": "string", "enum": [*field.choices] + [""] * (not field.required)}
    elif isinstance(field, JsonText):
        schema = _json_schema(field)
    elif isinstance(field, Id):
        schema = {"type": "string", "format": "uuid"}
        if not (field.required or result):
            schema = {"type": "string", "anyOf": [{"format": "uuid"}, {"maxLength": 0}]}
    elif isinstance(field, Paths):
        schema = {"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1},
                            {"type": "string"}]}
    elif isinstance(field, Time):
        schema = {"type": "string", "format": "date-time"}
    elif isinstance(field, Objects):
        schema = {"type": "array", "minItems": 1, "maxItems": field.most,
                  "items": object_schema(field.item())}
    elif isinstance(field, Arguments):
        schema = {"type": ["object", "array"]}
    elif isinstance(field, Integer):
        schema = {"type": "integer", "minimum": field.least}
        if field.most is not None and not result:
            schema["maximum"] = field.most
        if not (field.required or result):
            schema = {"anyOf": [schema, {"type": "string", "maxLength": 0}]}
    else:
        schema = {"type": "string"} if result else _text_schema(field)
    if field.allow_none:
        schema = schema | {"type": [schema["type"], "null"]} if "type" in schema else {
            "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if not callable(field.load_default) and field.load_default not in (None, missing):
        schema["default"] = ({} if isinstance(field, (JsonText, Arguments))
                             else field.load_default)
    schema["description"] = field.metadata["description"]
    if (example := field.metadata.get("example")) is not None:
        schema["examples"] = [example]
    return schema


def _nested_schema(field: fields.Nested, result: bool) -> Json:
    """Return the schema of an object, or the name of one that the document has already."""
    if result and type(field.schema) in _result_kinds():
        return {"anyOf": [_reference(type(field.schema))]}
    return object_schema(field.schema, result=result)


def _text_schema(field: fields.Field[Any]) -> Json:
    if not isinstance(field, Text):
        raise TypeError(f"no JSON Schema is known for {type(field).__name__}")
    schema: Json = {"type": "string", "maxLength": field.length}
    if isinstance(field, PageToken):
        return schema | {"format": PAGE_TOKEN}
    if isinstance(field, Choice):
        return {"type": "string", "enum": [*field.choices, *[""] * (not field.required)]}
    # Any name and domain, as the service takes them; the format "email" takes fewer.
    pattern = (r"[^@\s\x00]+@[^@\s\x00]+" if isinstance(field, Email) else
               r"[^\x00]*" if field.blank else r"[^\x00]*[^\s\x00][^\x00]*")
    if field.required:
        return schema | {"minLength": 1, "pattern": f"^{pattern}$"}
    return schema | {"pattern": f"^({pattern})?$"}


def _json_schema(field: JsonText) -> Json:
    kinds: list[Json] = [{"type": kind} for kind in field.kinds]
    return {"anyOf": [*kinds, {"type": "string", "contentMediaType": "application/json",
                               "format": JSON_IN_STRING}]}


def object_schema(schema: Schema, names: Iterator[str] | None = None, result: bool = False) -> Json:
    """Return the JSON Schema of an object with a marshmallow schema's fields.

    :param names: only these
    """
    chosen = {schema.fields[name].data_key or name: schema.fields[name]
              for name in names or schema.fields}
    described: Json = {
        "type": "object",
        "properties": {name: field_schema(field, result) for name, field in chosen.items()},
        "additionalProperties": schema.unknown == INCLUDE,
    }
    required = [name for name, field in chosen.items() if field.required or result]
    return described | ({"required": required} if required else {})


def result_schemas() -> dict[str, Json]:
    """Return the JSON Schema of every object that a result can hold, by its name."""
    return {kind.__name__: object_schema(kind(), result=True)
            | {"description": inspect.getdoc(kind) or ""}
            for kind in sorted(_result_kinds(), key=lambda kind: kind.__name__)}


def _result_kinds() -> set[type[Schema]]:
    return {operation.returns for operation in OPERATIONS.values() if operation.returns}


def _reference(kind: type[Schema]) -> Json:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def result_schema(operation: Operation) -> Json:
    """Return the JSON Schema of an operation's result, with references to the objects in it."""
    if operation.returns is None:
        return {"type": "object", "additionalProperties": False}
    one = _reference(operation.returns)
    if not operation.wrapper:
        return one
    members: Json = {
        operation.wrapper: {"type": "array", "items": one} if operation.gives_list else one}
    if operation.gives_page:
        takes = operation.params().fields
        if "fields" in takes:
            # A query may ask for less than whole objects.
            one = {name: what for name, what in object_schema(
                operation.returns(), result=True).items() if name != "required"}
        members = {
            operation.wrapper: {"type": "array", "items": one},
            "pagination": {
                "type": "object",
                "properties": {
                    "next_page_token": {
                        "type": "string", "description": "Where the next page begins; empty when "
                        "this is the last."},
                    "total_count": {"type": "integer", "minimum": 0,
                                    "description": "How many there are on all pages."},
                },
                "required": ["next_page_token", *["total_count"] * ("count" not in takes)],
                "additionalProperties": False,
            },
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
