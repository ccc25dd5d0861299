"""The keys of operators: looked at and deleted here, and made on the machine alone."""

from __future__ import annotations

from flask import Response, request

from flexdb.api.calls import PageCalls
from flexdb.web.console import confirming
from flexdb.web.console.access.keys import warned
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, page, paging, show

_URL = "/console/keys"


@page("/keys")
def operator_keys(calls: PageCalls) -> Shown:
    """Show the keys of operators, newest first, and how another one is made."""
    return show("access/operator_keys.html", own=calls.context.caller.name.partition("key:")[2],
                listed=calls.one("list_operator_keys", pagination=paging()))


@page("/keys/<key_id>/delete", "POST")
def delete(calls: PageCalls, key_id: str) -> Shown | Response:
    """Delete a key of an operator."""
    name = request.form.get("name", "")
    if not confirming.is_sure():
        return confirming.ask(
            f"Delete the operator's key {name}?", "A second later it is good nowhere, and what "
            "calls with it is refused. Another one is made on the machine alone.",
            *warned(calls, key_id), does="Delete the key", back=_URL)
    calls.one("delete_operator_key", id=key_id)
    return redirect_with(_URL, f"Deleted the operator's key {name}.")
