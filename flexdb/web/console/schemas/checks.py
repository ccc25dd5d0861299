"""Which records of a type do not fit its schema, or one that it might have: told page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from flexdb.api.calls import PageCalls
from flexdb.errors import InvalidParams
from flexdb.web.console.labels import label
from flexdb.web.console.page import Shown, Within, page, show
from flexdb.web.console.schemas import Draft, node_types
from flexdb.web.console.schemas.posting import Form

# How many records one call checks; how many of them that do not fit a page shows, and how many of
# the violations of each; and how many a link to the table names.
_PAGE, _SHOWN, _VIOLATIONS, _NAMED = 10_000, 100, 5, 100


@dataclass
class Progress:
    """How far a check came.

    :param ids: of records that do not fit, as many as a link may name
    :param clashes: how often several records have what only one may have
    :param token: where it goes on; "" where it has not begun, or is at its end
    """

    checked: int = 0
    refused: int = 0
    ids: list[str] = field(default_factory=list)
    token: str = ""
    clashes: int = 0
    is_begun: bool = False

    @classmethod
    def of_post(cls, form: Form) -> Progress:
        """Return one as a page before said it."""
        ids = [id for id in form.get("ids", "").split(",") if id]
        return cls(_count(form.get("checked", "")), _count(form.get("refused", "")), ids[:_NAMED],
                   form.get("page_token", ""), _count(form.get("clashes", "")))

    def add(self, told: dict[str, Any]) -> None:
        """Count what one call checked."""
        self.is_begun = True
        self.checked += int(told["checked"])
        self.refused += len(told["refused"])
        self.token = told["next_page_token"]
        # They are told with the first records.
        self.clashes += len(told["clashes"])
        new = (one["node"]["id"] for one in told["refused"])
        self.ids = [*dict.fromkeys([*self.ids, *new])][:_NAMED]


@page("/t/<tenant_id>/types/<id>/check")
def begin(calls: PageCalls, tenant_id: str, id: str) -> Shown:
    """Show what is to be checked."""
    place, node_type, total = node_types.found(calls, tenant_id, id)
    return _shown(place, node_type, total, Draft.of_type(node_type, "json"), Progress(), None)


@page("/t/<tenant_id>/types/<id>/check", "POST")
def go_on(calls: PageCalls, tenant_id: str, id: str) -> Shown | Response:
    """Check the next records, or all of them again, and show those that do not fit."""
    draft = Draft.of_post(request.form)
    progress = (Progress() if request.form.get("do") == "again" else
                Progress.of_post(request.form))
    try:
        draft.turn("json")
        schema = draft.schema()
    except ValueError:
        schema = None
    place, node_type, total = node_types.found(calls, tenant_id, id)
    if draft.faults:
        return node_types.editor(place, draft, node_type=node_type, total=total)
    if schema is None:
        return _shown(place, node_type, total, draft, progress, None)
    pagination = {"page_size": _PAGE} | ({"page_token": progress.token} if progress.token else {})
    try:
        told = calls.one("check_node_type", tenant_id=tenant_id, id=id, schema=schema,
                         pagination=pagination)
    except InvalidParams as error:
        draft.blame(error)
        return node_types.editor(place, draft, status=error.status, node_type=node_type,
                                 total=total)
    progress.add(told)
    return _shown(place, node_type, total, draft, progress, told)


def _shown(place: Within, node_type: dict[str, Any], total: Any, draft: Draft, progress: Progress,
           told: dict[str, Any] | None) -> Shown:
    stored = Draft.of_type(node_type, "json")
    return show("schemas/check.html", place=place, node_type=node_type, total=total, draft=draft,
                progress=progress, told=told, label=label, most_shown=_SHOWN,
                most_violations=_VIOLATIONS, page=_PAGE, is_changed=draft.text != stored.text,
                fix={"id": {"$in": progress.ids}})


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
