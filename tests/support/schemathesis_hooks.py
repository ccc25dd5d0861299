"""What schemathesis has to know of our API: its formats, and what a refusal must say."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from hypothesis import strategies as st

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner, max_size=3))
schemathesis.openapi.format(
    "json-in-string", st.dictionaries(st.text(max_size=5), _json, max_size=3).map(json.dumps))
schemathesis.openapi.format("page-token", st.just("") | st.text("abcXYZ019-_", max_size=120))


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
    about_the_whole = ("INVALID_REQUEST", "PARSE_ERROR", "METHOD_NOT_FOUND")
    assert data["reason"] in about_the_whole or data["fields"]
