"""What JSON-RPC answers, held against its specification."""

from __future__ import annotations

from typing import Any

import orjson

_REASONS = {-32700: "PARSE_ERROR", -32600: "INVALID_REQUEST", -32601: "METHOD_NOT_FOUND",
            -32602: "INVALID_PARAMS", -32603: "INTERNAL", -32001: "NOT_FOUND"}


def answered(response: Any) -> Any:
    """Return what a response says, which is JSON with status 200."""
    assert (response.status_code, response.mimetype) == (200, "application/json")
    return orjson.loads(response.data)


def assert_refused(reply: Any, code: int, id: Any, reason: str = "") -> dict[str, Any]:
    """Hold a reply against sections 5 and 5.1 of the specification and return its error's data."""
    assert reply.keys() == {"jsonrpc", "error", "id"} and reply["jsonrpc"] == "2.0"
    assert (reply["error"]["code"], reply["id"]) == (code, id)
    assert reply["error"].keys() == {"code", "message", "data"} and reply["error"]["message"]
    data: dict[str, Any] = reply["error"]["data"]
    assert (data["reason"], data["retryable"]) == (reason or _REASONS[code], False)
    return data


def notification(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call as a notification."""
    return {name: value for name, value in call.items() if name != "id"}
