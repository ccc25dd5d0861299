"""The grants of a role as the rows of a form, and a form's rows as grants."""

from __future__ import annotations

from typing import Any, NamedTuple

from werkzeug.datastructures import MultiDict

from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams
from flexdb.web.console.typed import json_of

# As many as a role may have.
MOST_ROWS = 100


class GrantRow(NamedTuple):
    """A grant as a form has it.

    :param node_type_id: "" for all types that have no grant of their own
    :param read: "all", "none", or "filter": the records that fit
    :param read_filter: JSON text
    """

    node_type_id: str = ""
    read: str = "all"
    read_filter: str = ""
    write: str = "none"
    write_filter: str = ""


def rows_of(grants: list[dict[str, Any]]) -> list[GrantRow]:
    """Return the rows of grants as an operation tells them."""
    return [GrantRow(one["node_type_id"] or "", *_told(one["read"]), *_told(one["write"]))
            for one in grants]


def posted(form: MultiDict[str, str]) -> list[GrantRow]:
    """Return the rows of a form that was sent, those aside that were taken away.

    :raises InvalidParams: where there are more than a role may have
    """
    gone = set(form.getlist("remove"))
    rows = [*zip(*(form.getlist(f"grant-{name}") for name in GrantRow._fields))]
    if len(rows) > MOST_ROWS:
        raise InvalidParams(fields={"grants": [f"may be at most {MOST_ROWS}, not {len(rows):,}"]})
    return [GrantRow(*row) for place, row in enumerate(rows) if str(place) not in gone]


def grants_of(rows: list[GrantRow]) -> list[dict[str, Any]]:
    """Return what the rows grant, as an operation takes it.

    :raises InvalidParams: naming the filter that is not JSON
    """
    wrong: dict[str, list[str]] = {}
    grants = [({"node_type_id": row.node_type_id} if row.node_type_id else {}) | {
               "read": _value(row.read, row.read_filter, f"grants.{place}.read", wrong),
               "write": _value(row.write, row.write_filter, f"grants.{place}.write", wrong)}
              for place, row in enumerate(rows)]
    if wrong:
        raise InvalidParams(fields=wrong)
    return grants


def _told(let: Any) -> tuple[str, str]:
    if isinstance(let, bool):
        return ("all" if let else "none"), ""
    return "filter", json_text.dump_exactly(let).decode()


def _value(let: str, filter: str, place: str, wrong: dict[str, list[str]]) -> Any:
    if let != "filter":
        return let == "all"
    try:
        value = json_of(filter, place)
    except InvalidParams as error:
        wrong |= error.data["fields"]
        return False
    if not isinstance(value, dict):
        wrong[place] = ['must be a filter, for instance {"data.owner": {"$caller": "id"}}']
    return value
