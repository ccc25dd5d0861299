"""The OpenRPC document of the JSON-RPC API (https://spec.open-rpc.org)."""

from __future__ import annotations

from functools import lru_cache

import orjson

from flexdb.api import headers
from flexdb.config import JsonFields
from flexdb.contract import describe
from flexdb.contract.fields import BaseField, Json
from flexdb.contract.json_fields import PATCH_OPERATIONS
from flexdb.contract.operation import OPERATIONS, READS, Operation
from flexdb.errors import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FlexdbError,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    VersionConflict,
)


@lru_cache(maxsize=16)
def text(url: str, form: JsonFields) -> bytes:
    """Return the whole document as JSON text, which ``rpc.discover`` gives too.

    :param url: where the methods are called, from its scheme on
    :param form: that of JSON columns in results
    """
    return orjson.dumps({
        "openrpc": "1.2.6",
        "info": {"title": describe.TITLE, "version": describe.VERSION,
                 "description": describe.SUMMARY, "license": {"name": "MIT"}},
        "servers": [{"name": describe.TITLE, "url": url}],
        # OpenRPC has no words for headers: they are told as in OpenAPI.
        "x-request-headers": headers.JSONRPC,
        "x-response-headers": headers.TOKEN,
        "methods": [_method(operation) for operation in OPERATIONS.values()],
        "components": {"schemas": describe.schemas(form) | PATCH_OPERATIONS},
    })


def _method(operation: Operation) -> Json:
    # Where the original's order has what is required behind what is not, clients know the names.
    params = sorted(operation.fields.items(), key=lambda one: not one[1].required)
    is_in_order = params == [*operation.fields.items()]
    return {
        "name": operation.name,
        "summary": operation.description.splitlines()[0],
        "description": operation.description,
        "x-access": operation.access.word,
        "x-rules": operation.rules.value,
        "paramStructure": "either" if is_in_order else "by-name",
        "params": [_parameter(name, field) for name, field in params],
        "result": {"name": operation.gives.wrapper or "result",
                   "schema": describe.result_schema(operation)},
        "errors": [_error(kind) for kind in _kinds_of_errors(operation)],
    }


def _parameter(name: str, field: BaseField) -> Json:
    return {"name": name, "required": field.required, "schema": field.json_schema(),
            "description": field.metadata["description"]}


def _kinds_of_errors(operation: Operation) -> list[type[FlexdbError]]:
    """Return what an operation can answer beside the errors that JSON-RPC itself defines.

    Each code once, as OpenRPC wants it; several reasons may have one code.
    """
    names_something = operation.params.either or any(
        field.required for field in operation.fields.values())
    kinds: list[type[FlexdbError]] = [NotFound] if names_something else []
    if operation.effect is not READS:
        kinds += [AlreadyExists, Aborted]
    if "version" in operation.fields and operation.effect is not READS:
        kinds.append(VersionConflict)
    return sorted([*kinds, Unauthenticated, PermissionDenied, Unavailable, DeadlineExceeded],
                  key=lambda kind: -kind.code)


def _error(kind: type[FlexdbError]) -> Json:
    return {"code": kind.code, "message": kind.message,
            "data": {"reason": kind.reason, "retryable": kind.retryable}}
