"""A webhook: how it is, what it was told of, and sending that again."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from flexdb.api.calls import Call, PageCalls
from flexdb.errors import InvalidParams
from flexdb.web.console.messages import redirect_with
from flexdb.web.console.page import Shown, page, paging, show, within
from flexdb.web.console.typed import whole
from flexdb.web.console.webhooks.endpoints import OVERLAPS, url_of

STATUSES = ("waiting", "done", "dead")
# After how many seconds without an attempt it is told that nobody may be delivering.
_LATE = 30


@page("/t/<tenant_id>/webhooks/<webhook_id>")
def webhook(calls: PageCalls, tenant_id: str, webhook_id: str) -> Shown:
    """Show a webhook, its figures and its deliveries."""
    status = request.args.get("status", "")
    of_webhook = {"tenant_id": tenant_id, "webhook_id": webhook_id}
    narrowed = {"status": status} if status in STATUSES else {}
    place, (found, figures, listed) = within(
        calls, tenant_id, Call("get_webhook", {"tenant_id": tenant_id, "id": webhook_id}),
        Call("count_deliveries", of_webhook),
        Call("list_deliveries", of_webhook | narrowed | {"pagination": paging()}))
    one = found["webhook"]
    return show("webhooks/webhook.html", place=place, webhook=one, figures=figures, listed=listed,
                url=url_of(tenant_id, webhook_id), chosen=status, statuses=STATUSES,
                overlaps=OVERLAPS, is_alone=_is_alone(one, figures, listed["deliveries"]))


@page("/t/<tenant_id>/webhooks/<webhook_id>/test", "POST")
def test(calls: PageCalls, tenant_id: str, webhook_id: str) -> Response:
    """Have a webhook told of a test."""
    url = url_of(tenant_id, webhook_id)
    try:
        calls.one("test_webhook", tenant_id=tenant_id, webhook_id=webhook_id)
    except InvalidParams as error:
        return redirect_with(url, f"No test was entered: {error}.")
    return redirect_with(url, "A test is on its way: show this page again to see what came of it.")


@page("/t/<tenant_id>/webhooks/<webhook_id>/redeliver", "POST")
def send_again(calls: PageCalls, tenant_id: str, webhook_id: str) -> Response:
    """Send a delivery again, or all that are dead."""
    position = request.form.get("position", "")
    which: dict[str, Any] = {}
    if position:
        # That of a test is below 0.
        sign = -1 if position.startswith("-") else 1
        which = {"positions": [sign * whole(position.lstrip("-"), "position")]}
    count = calls.one("redeliver", tenant_id=tenant_id, webhook_id=webhook_id, **which)["count"]
    return redirect_with(url_of(tenant_id, webhook_id), {
        "0": "Nothing is sent again: it is being sent at this moment, or is not kept any more.",
        "1": "One delivery is sent again."}.get(str(count), f"{count} deliveries are sent again."))


def _is_alone(webhook: dict[str, Any], figures: dict[str, Any], newest: list[dict[str, Any]]
              ) -> bool:
    """Tell whether it seems that nobody delivers: changes wait, and nothing fails."""
    return (webhook["status"] == "active" and int(figures["lag"]) > _LATE
            and int(webhook["failures"]) == 0
            and all(int(one["attempts"]) == 0 for one in newest if one["status"] == "waiting"))
