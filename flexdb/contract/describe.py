"""The published form of results and errors: JSON Schema of what is declared once."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from marshmallow import Schema

from flexdb.contract.fields import Json, JsonForm, reference
from flexdb.contract.gives import Gives
from flexdb.contract.objects import Object, kinds_in, object_schema
from flexdb.contract.operation import OPERATIONS, Operation
from flexdb.errors import FlexdbError, changes, clashes, repeats  # noqa: F401 (all kinds are there)
from flexdb.version import __version__

TITLE, VERSION = "flexdb", __version__
SUMMARY = ("Flexible JSON records (nodes, of a node type) and typed relationships between them, "
           "for many tenants.")


def schemas(form: JsonForm) -> dict[str, Json]:
    """Return the JSON Schema of all that has a name of its own: objects, replies, errors.

    :param form: that of JSON columns in what the service gives
    """
    taken: set[type[Schema]] = set()
    given: set[type[Schema]] = set()
    replies: dict[str, Json] = {}
    for operation in OPERATIONS.values():
        taken |= kinds_in(operation.params) - {operation.params}
        if operation.gives.schema:
            given |= kinds_in(operation.gives.schema) - (
                {operation.gives.schema} if _is_partial(operation) else set())
            if operation.gives.explanation:
                given |= kinds_in(operation.gives.explanation)
            replies |= _replies(operation, form)
    described = {kind.__name__: object_schema(kind()) for kind in taken} | {
        kind.__name__: object_schema(kind(), given=form) for kind in given}
    for kind in taken | given:
        # Its own text: that of what it stands on is for who works on flexdb.
        described[kind.__name__]["description"] = inspect.cleandoc(kind.__doc__ or "")
    return dict(sorted((described | replies).items())) | ERRORS


def result_schema(operation: Operation) -> Json:
    """Return the JSON Schema of an operation's result: a reference to its schema."""
    gives = operation.gives
    if gives.schema is None:
        return {"type": "object", "additionalProperties": False}
    return reference(_reply_name(gives) if gives.wrapper else gives.schema.__name__)


def _reply_name(gives: Gives) -> str:
    return "".join(word.title() for word in gives.wrapper.split("_")) + (
        "Page" if gives.paged else "Reply")


def _replies(operation: Operation, form: JsonForm) -> dict[str, Json]:
    """Return the schema of what an operation gives around its objects, and what it refers to."""
    gives = operation.gives
    if gives.schema is None or not gives.wrapper:
        return {}
    found: dict[str, Json] = {}
    name = gives.schema.__name__
    if _is_partial(operation):
        whole = object_schema(gives.schema(), given=form)
        name = f"Partial{name}"
        found[name] = {what: told for what, told in whole.items() if what != "required"} | {
            "description": "What a query asked for of it: the whole, where it named no fields."}
    one = reference(name)
    members: Json = {gives.wrapper: {"type": "array", "items": one} if gives.many else one}
    if gives.paged:
        page = "CountedPage" if "count" not in operation.fields else "QueriedPage"
        found[page] = _PAGES[page]
        members["pagination"] = reference(page)
    required = list(members)
    if gives.explanation:
        members["explain"] = reference(gives.explanation.__name__)
    found[_reply_name(gives)] = {
        "type": "object", "properties": members, "required": required,
        "additionalProperties": False}
    return found


def _is_partial(operation: Operation) -> bool:
    """Tell whether a query may ask for less than whole objects, and not for less of what stands in
    them.
    """
    gives = operation.gives
    return gives.paged and "fields" in operation.fields and gives.schema is not None and not any(
        field.partial for field in gives.schema().fields.values() if isinstance(field, Object))


def _page(description: str, required: list[str]) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": {
            "next_page_token": {"type": "string", "description": "Where the next page begins; "
                                "empty when this is the last."},
            "total_count": {"type": "integer", "minimum": 0,
                            "description": "How many there are on all pages."},
        },
        "required": required,
        "additionalProperties": False,
    }


_PAGES = {
    "CountedPage": _page("Where a page of a list stands in it.",
                         ["next_page_token", "total_count"]),
    "QueriedPage": _page("Where a page of a query's list stands in it; without `total_count` "
                         "where `count` is `none`.", ["next_page_token"]),
}
ERRORS: dict[str, Json] = {
    "ErrorObject": {
        "type": "object",
        "description": "What went wrong.",
        "properties": {
            "code": {"type": "integer", "description": "The code of JSON-RPC 2.0.",
                     "examples": [-32602]},
            "message": {"type": "string",
                        "description": "What is wrong and what would be right."},
            "data": reference("ErrorData"),
        },
        "required": ["code", "message", "data"],
        "additionalProperties": False,
    },
    "ErrorData": {
        "type": "object",
        "description": "What a program can read of an error; there may be further members.",
        "properties": {
            "reason": {"type": "string", "pattern": "^[A-Z_]+$", "examples": ["INVALID_PARAMS"]},
            "retryable": {"type": "boolean",
                          "description": "Whether the same call may be sent again as it is."},
            "fields": {"type": "object",
                       "description": "The messages for each parameter that is wrong.",
                       "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "violations": {"type": "array", "items": reference("DataViolation"),
                           "description": "What of `data` violates the schema."},
            "version": {"type": "integer", "description": "The version that the row is at."},
            "retry_after": {"type": "integer", "description": "Seconds to wait before that."},
            "index": {"type": "integer", "minimum": 0,
                      "description": "Which call of a transaction it is about."},
            "error_id": {"type": "string", "format": "uuid",
                         "description": "Under which the log has the whole story."},
        },
        "required": ["reason", "retryable"],
        "additionalProperties": True,
    },
    "DataViolation": {
        "type": "object",
        "description": "One thing in what was sent that does not fit.",
        "properties": {
            "index": {"type": "integer", "minimum": 0, "description": "Which item it is in."},
            "path": {"type": "string", "description": "The place in it, as a JSON Pointer."},
            "keyword": {"type": "string", "description": "The keyword of JSON Schema."},
            "message": {"type": "string", "description": "What is wrong."},
        },
        "required": ["path", "keyword", "message"],
        "additionalProperties": False,
    },
}


def error_kinds(root: type[FlexdbError] = FlexdbError) -> Iterator[type[FlexdbError]]:
    """Give every kind of error there is."""
    for kind in root.__subclasses__():
        yield kind
        yield from error_kinds(kind)
