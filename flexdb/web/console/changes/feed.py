"""What happened in a tenant, the last first, and what has happened since the page was shown."""

from __future__ import annotations

from typing import Any

from flask import request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import FlexdbError
from flexdb.web.console.changes import differences
from flexdb.web.console.labels import label
from flexdb.web.console.page import Shown, page, show, within
from flexdb.web.console.typed import whole

# How many changes a page looks at: as they come, and where only some are wanted. And in how many
# calls, since an answer ends early where the objects are large, before it looks at fewer.
_PAGE, _WIDE, _MOST_CALLS = 50, 500, 4
KINDS, OPS = ("node", "relationship", "node_type"), ("create", "update", "delete")


@page("/t/<tenant_id>/changes")
def changes(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the changes before a position, of some kinds where that is asked for."""
    wanted = _wanted()
    place, (now,) = within(calls, tenant_id, Call("list_changes", {"tenant_id": tenant_id}))
    feed, last = now["position"].rpartition(".")[0], _number(now)
    asked = request.args.get("until", "")
    until = min(whole(asked, "until") if asked else last, last)
    after = max(0, until - (_WIDE if wanted else _PAGE))
    found: list[Any] = []
    gone = ""
    try:
        found, after = _before(calls, tenant_id, feed, after, until, wanted)
    except FlexdbError as error:
        oldest = str(error.data.get("oldest", "")).rpartition(".")[2]
        if not oldest.isdecimal():
            raise
        # What is older than the log keeps is gone; the rest of the page is there.
        if int(oldest) < until:
            found, after = _before(calls, tenant_id, feed, int(oldest), until, wanted)
        gone = str(error) if after <= int(oldest) else ""
    return show("changes/feed.html", place=place, changes=found[::-1], feed=feed, after=after,
                until=until, last=last, wanted=wanted, gone=gone, kinds=KINDS, ops=OPS,
                label=label, between=differences.between, most=differences.MOST)


@page("/t/<tenant_id>/changes/since")
def since(calls: PageCalls, tenant_id: str) -> Shown:
    """Show the rows of changes since a position, for a page that is open."""
    told = calls.one("list_changes", tenant_id=tenant_id, since=request.args.get("position", ""),
                     limit=_PAGE, old=True, **_wanted())
    return show("changes/feed_rows.html", changes=told["changes"][::-1], position=told["position"],
                url=f"/console/t/{tenant_id}", label=label, between=differences.between,
                most=differences.MOST)


def _wanted() -> dict[str, Any]:
    """Return which changes the request is about, as the call has it."""
    found: dict[str, Any] = {}
    if (kind := request.args.get("kind")) in KINDS:
        found["kinds"] = [kind]
    if (op := request.args.get("op")) in OPS:
        found["ops"] = [op]
    if id := request.args.get("id"):
        found["ids"] = [id]
    if node_type := request.args.get("node_type_id"):
        found["node_type_ids"] = [node_type]
    return found


def _before(calls: PageCalls, tenant_id: str, feed: str, after: int, until: int,
            wanted: dict[str, Any]) -> tuple[list[Any], int]:
    """Return the changes up to a number, and from which on they are all there.

    :param after: from which on they are wanted: where they are large, the last of them are there
    """
    while True:
        found: list[Any] = []
        position = after
        for _ in range(_MOST_CALLS):
            if position >= until:
                break
            told = calls.one("list_changes", tenant_id=tenant_id, since=f"{feed}.{position}",
                             limit=until - position, old=True, **wanted)
            found += told["changes"]
            position = max(position + 1, _number(told))
        if position >= until:
            return [one for one in found if _number(one) <= until], after
        # The last come first; those before are on the next page.
        after = max(position, (after + until) // 2)


def _number(placed: dict[str, Any]) -> int:
    """Return the number in the position of a change, or of an answer."""
    return int(placed["position"].rpartition(".")[2])
