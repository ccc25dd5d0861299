"""The OpenRPC document of the JSON-RPC API (https://spec.open-rpc.org)."""

from __future__ import annotations

from flexdb.contract import describe
from flexdb.contract.fields import Json
from flexdb.contract.operation import OPERATIONS, Operation


def document(url: str) -> Json:
    """Return the whole document, which ``rpc.discover`` gives too.

    :param url: where the methods are called
    """
    errors = {kind.reason: {"code": kind.code, "message": kind.message}
              for kind in describe.error_kinds()}
    return {
        "openrpc": "1.3.2",
        "info": {"title": describe.TITLE, "version": describe.VERSION,
                 "description": describe.SUMMARY, "license": {"name": "MIT"}},
        "servers": [{"name": describe.TITLE, "url": url}],
        "methods": [_method(operation, list(errors)) for operation in OPERATIONS.values()],
        "components": {"schemas": describe.result_schemas() | {"Error": describe.ERROR},
                       "errors": errors},
    }


def _method(operation: Operation, reasons: list[str]) -> Json:
    return {
        "name": operation.name,
        "summary": operation.description.splitlines()[0],
        "paramStructure": "either",
        "params": [{"name": name, "required": field.required, "schema": field.json_schema(),
                    "description": field.metadata["description"]}
                   for name, field in operation.fields.items()],
        "result": {"name": operation.gives.wrapper or "nothing",
                   "schema": describe.result_schema(operation)},
        "errors": [{"$ref": f"#/components/errors/{reason}"} for reason in reasons],
    }
