"""Errors, told to a person."""

from __future__ import annotations

from collections.abc import Iterable

from flask import g, request

from flexdb.errors import FlexdbError
from flexdb.web.console.page import Shown, show

_TITLES = {403: "Not allowed", 404: "Not found", 405: "Not here", 409: "In the way",
           410: "Gone", 413: "Too large", 422: "Not valid", 429: "Too many calls",
           500: "Something is wrong with flexdb", 503: "Not available right now",
           504: "That took too long"}


def fault(error: FlexdbError) -> Shown:
    """Return the page of an error that no page shows at its place."""
    return show("fault.html", status=error.status, place=g.get("place"), told=str(error),
                title=_TITLES.get(error.status, "Not possible"), reason=error.reason,
                data=error.data,
                retries=error.data.get("retry_after") if request.method == "GET" else None)


def wrong_fields(error: FlexdbError) -> dict[str, str]:
    """Return what is wrong with each field of a form; under "" what no field says."""
    fields: dict[str, list[str]] = error.data.get("fields", {})
    if not fields and (field := error.data.get("field")):
        fields = {field: [str(error)]}
    return {name: "; ".join(told) for name, told in fields.items()} or {"": str(error)}


def gathered(told: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what is wrong with each field, or place, of a form that is told of some several times.

    :param told: the field, and what is wrong with it
    """
    found: dict[str, str] = {}
    for field, wrong in told:
        found[field] = f"{found[field]}; {wrong}" if field in found else wrong
    return found
