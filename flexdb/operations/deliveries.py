"""Deliveries: what webhooks are told of, and what came of it; and trying them, and once more."""

from __future__ import annotations

from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.context import Context
from flexdb.contract.fields import Choice, Id, Integer, Text, Time
from flexdb.contract.gives import one, paged
from flexdb.contract.members import TENANT_ID
from flexdb.contract.objects import Items
from flexdb.contract.operation import CHANGES, READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.errors import InvalidParams
from flexdb.operations.statements import one_object
from flexdb.plan import Statement
from flexdb.query.paging import page, pagination
from flexdb.sql.pages import Key, rows_of

# How many one call sends again, how many it may name, and how many tests may wait at once.
MOST_AGAIN, MOST_POSITIONS, MOST_TESTS = 10_000, 100, 10
STATUSES = ("waiting", "done", "dead")
_NEWEST_FIRST = (Key("created_at", "timestamptz", "DESC"), Key("position", "bigint", "DESC"))
# PostgreSQL's bigint ends there.
_LARGEST = 2**63 - 1

WEBHOOK_ID = partial(Id, "The webhook's id.")
POSITION = partial(Integer, "The number of the change, with which its position in the feed ends; "
                   "below 0 for a test. The header `webhook-id` ends with it.", least=-_LARGEST,
                   most=_LARGEST, example=1234)
STATUS = partial(Choice, "`waiting` for the next attempt, `done`, or `dead`: given up.",
                 choices=STATUSES, example="dead")


class Delivery(Schema):
    """One change that a webhook is told of, or a test."""

    tenant_id = TENANT_ID()
    webhook_id = WEBHOOK_ID()
    position = POSITION()
    object_id = Id("The id of what was changed; of a test, the webhook's.")
    status = STATUS()
    attempts = Integer("How many there were.", least=0)
    due = Time("When the next one is to be, where it is waiting.")
    last_status = Integer("The status that the receiver answered last with, if it did.", least=0,
                          allow_none=True, example=503)
    last_error = Text("Why the last attempt failed.", allow_none=True)
    created_at = Time("When it was entered.")
    done_at = Time("When it was done, or given up.", allow_none=True)


class DeliveryFigures(Schema):
    """How a webhook's deliveries are getting on."""

    waiting = Integer("How many deliveries wait for an attempt, up to 10,000.", least=0)
    dead = Integer("How many were given up, up to 10,000.", least=0)
    lag = Integer("For how many seconds the oldest change waits that the webhook is to be told of, "
                  "be it entered as a delivery yet or not; it grows where `python -m flexdb "
                  "deliver` does not run, and where the receiver fails.", least=0)


class Again(Schema):
    """What is sent again."""

    count = Integer("How many deliveries.", least=0)


class OfWebhook(Params):
    tenant_id = TENANT_ID(required=True)
    webhook_id = WEBHOOK_ID(required=True)


class DeliveryList(OfWebhook):
    status = STATUS()
    pagination = pagination()


class Redelivery(OfWebhook):
    positions = Items("Which; those that are dead when absent.", POSITION(), MOST_POSITIONS,
                      load_default=None, example=[1234])
    since = Time("Of the dead, those that were entered from this time on.", load_default=None)
    until = Time("Of the dead, those that were entered before this time.", load_default=None)


@operation(OfWebhook, gives=one(Delivery, "delivery"), effect=CHANGES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def test_webhook(context: Context, params: Loaded) -> Statement:
    """Have a webhook told of a test, `webhook.test`, once; `list_deliveries` tells what came of it.
    """
    return one_object(context, "test_webhook", params | {
        "most": MOST_TESTS,
        "wrong": f"has {MOST_TESTS} tests that wait: it must be active, and `python -m flexdb "
                 "deliver` must run"}, "delivery", "webhook_id")


@operation(DeliveryList, gives=paged(Delivery, "deliveries"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED, fresh=True)
def list_deliveries(context: Context, params: Loaded) -> Statement:
    """List what a webhook is told of, newest first; up to 10,000 are counted."""
    filters = ("status",) if "status" in params else ()
    return page(context, "list_deliveries", params, filters, _NEWEST_FIRST, of="webhook",
                takes=("webhook_id",), found=f"({rows_of('list_deliveries', filters)}) d")


@operation(OfWebhook, gives=one(DeliveryFigures), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED, fresh=True)
def count_deliveries(context: Context, params: Loaded) -> Statement:
    """Count what a webhook is still to be told of and what was given up, and for how long it waits.
    """
    return one_object(context, "count_deliveries", params, missing="webhook_id")


@operation(Redelivery, gives=one(Again), effect=CHANGES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def redeliver(context: Context, params: Loaded) -> Statement:
    """Send deliveries again as if there had been no attempt: those named, or all that are dead.

    One call sends up to 10,000 again, the oldest first. One of a change that the feed does not keep
    any more ends dead.
    """
    positions = params["positions"]
    if positions and (params["since"] or params["until"]):
        raise InvalidParams(fields={"positions": ["may not stand beside since or until"]})
    return one_object(context, "redeliver", params | {
        "positions": positions, "most": MOST_AGAIN}, missing="webhook_id")
