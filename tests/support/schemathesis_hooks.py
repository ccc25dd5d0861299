"""What schemathesis must know of us: what is taken beside the document, what refusals say."""

from __future__ import annotations

from typing import Any

import schemathesis

# What is JSON is taken as text too, an array of paths as a string, parameters by position.
_IN_OTHER_FORMS = {"data": (str,), "schema": (str,), "filter": (str,), "params": (list,),
                   "sort": (str,), "fields": (str,)}


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Leave out what the service takes though the document's schemas tell another form.

    The document says it in words: an empty string counts as absent, JSON may come as text.
    """
    if case.path.endswith("/stream") and dict(case.headers or {}).get("Last-Event-ID"):
        # Then nobody looks at it.
        case.query = {name: value for name, value in dict(case.query or {}).items()
                      if name != "since"}
    body = case.body if isinstance(case.body, (dict, list)) else {}
    return "" not in dict(case.query or {}).values() and not any(
        value == "" or isinstance(value, _IN_OTHER_FORMS.get(name, ()))
        for name, value in _members(body))


def _members(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _members(item)]
    if not isinstance(value, dict):
        return []
    return [pair for name, inner in value.items() for pair in [(name, inner), *_members(inner)]]


@schemathesis.check
def a_refusal_says_why(ctx: schemathesis.CheckContext, response: schemathesis.Response,
                       case: schemathesis.Case[Any]) -> None:
    """Check that a documented request is refused only with an error that says why.

    This stands in the place of ``positive_data_acceptance``: a request that fits the document may
    name what is not there, or what is taken.
    """
    if response.status_code < 400 or "/jsonrpc" in case.path or "/health" in case.path:
        return
    data = response.json()["error"]["data"]
    assert 400 <= response.status_code < 500, data
    about_the_whole = ("INVALID_REQUEST", "PARSE_ERROR", "METHOD_NOT_FOUND", "UNAUTHENTICATED",
                       "RATE_LIMITED", "KEY_REUSED", "CHANGES_GONE")
    assert data["reason"] in about_the_whole or data.get("fields"), data
