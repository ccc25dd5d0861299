"""The keys of operators, which are made on the machine alone."""

from __future__ import annotations

from flexdb.api.calls import PageCalls
from flexdb.web.console.page import Shown, page, show


@page("/keys")
def operator_keys(calls: PageCalls) -> Shown:
    """Show how operators' keys are made, listed and deleted."""
    caller = calls.one("get_caller")["caller"]
    kind, _, id = caller["name"].partition(":")
    return show("operator_keys.html", own=id if kind == "key" and not caller["tenant"] else "")
