"""Webhooks: where what changes in a tenant is posted, and how whoever receives it can tell."""

from __future__ import annotations

from functools import partial

from marshmallow import Schema

from flexdb.access.callers import Access
from flexdb.access.rules import Heed
from flexdb.access.sealing import make_signing_secret
from flexdb.context import Context
from flexdb.contract.fields import Choice, Id, Integer, Text, Time
from flexdb.contract.gives import NOTHING, one, paged
from flexdb.contract.json_fields import JsonText
from flexdb.contract.members import (
    ASKED_VERSION,
    CREATED_AT,
    NEW_ID,
    TENANT_ID,
    UPDATED_AT,
    VERSION,
)
from flexdb.contract.objects import Items
from flexdb.contract.operation import CHANGES, CREATES, DELETES, READS, TENANT, Loaded, operation
from flexdb.contract.params import Params
from flexdb.contract.urls import Url
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams, NotFound
from flexdb.operations.changes import MEMBERS
from flexdb.operations.node_types import check_node_types
from flexdb.operations.statements import one_object, step, with_secret
from flexdb.plan import Statement, Steps, Walk
from flexdb.query.changes import KINDS, OPS
from flexdb.query.filters import PATTERNS, condition
from flexdb.query.paging import page, pagination
from flexdb.query.positions import Since

# How many a tenant may have, how many types one may name, and how large its filter may be.
MOST_WEBHOOKS, MOST_TYPES, MOST_BYTES = 50, 100, 16_384
# By what kind of object is changed, and by what is done to it.
EVENTS = {(kind, op): f"{kind}.{op}d" for kind in KINDS for op in OPS}
ORDERINGS, STATUSES = ("record", "all"), ("active", "paused", "disabled")
CLEARABLE = ("events", "node_type_ids", "relationship_types", "filter")
_MOST_OVERLAP = 7 * 86400
# All changes that there are get their positions before a webhook begins behind them.
_ALL = 2**31 - 1

ID = partial(Id, "The webhook's id.")
URL = partial(Url, "Where to post: https, on the port 443 or 8443, without a user.",
              example="https://example.com/hooks")
EVENT = Choice("An event.", tuple(EVENTS.values()))
EVENTS_OF = partial(Items, "Which events; null for all.", EVENT, len(EVENTS), allow_none=True,
                    example=["node.created", "node.updated"])
NODE_TYPE_IDS = partial(Items, "Only of nodes of these types, and of these types; beside "
                        "`relationship_types`, of these relationships too; null for all.",
                        Id("A node type's id."), MOST_TYPES, allow_none=True)
RELATIONSHIP_TYPES = partial(Items, "Only of relationships of these types, and of what "
                             "`node_type_ids` names; null for all.", Text("A type."), MOST_TYPES,
                             allow_none=True, example=["part_of"])
FILTER = partial(JsonText, "Only of what fits this before or after the change: a filter as "
                 "`list_changes` takes it, without `$regex`; null for all.", allow_none=True,
                 example={"data.priority": "high"})
ORDERING = partial(Choice, "What a delivery waits for: earlier ones of the same object "
                   "(`record`), or all earlier ones (`all`).", choices=ORDERINGS,
                   example="record")
STATUS = partial(Choice, "`active`; `paused` by a caller; or `disabled`, as the receiver answered "
                 "410 or nothing but failures for 5 days. While it is not active nothing is sent, "
                 "and then it goes on where it was.", choices=STATUSES, example="active")


class Webhook(Schema):
    """Where what changes in a tenant is posted."""

    asked_for = ("secret",)
    id = ID()
    tenant_id = TENANT_ID()
    url = URL()
    events = EVENTS_OF()
    node_type_ids = NODE_TYPE_IDS()
    relationship_types = RELATIONSHIP_TYPES()
    filter = FILTER()
    ordering = ORDERING()
    status = STATUS()
    reason = Text("Why it is disabled.", allow_none=True)
    failures = Integer("How many attempts failed since the last that did not.", least=0)
    failing_since = Time("When the first of them was.", allow_none=True)
    version = VERSION()
    created_at = CREATED_AT()
    updated_at = UPDATED_AT()
    secret = Text("What verifies its deliveries, by Standard Webhooks; told where it is made, and "
                  "never again.", example="whsec_MfKQ9r8GKYqr")


class NewWebhook(Params):
    tenant_id = TENANT_ID(required=True)
    url = URL(required=True)
    events = EVENTS_OF(load_default=None)
    node_type_ids = NODE_TYPE_IDS(load_default=None)
    relationship_types = RELATIONSHIP_TYPES(load_default=None)
    filter = FILTER(load_default=None)
    ordering = ORDERING(load_default="record")
    since = Since("After which position of the feed to begin; behind all that changed by now when "
                  "absent.", example="k3f9zq.a81c.1234", load_default=None)
    id = NEW_ID()


class WebhookId(Params):
    id = ID(required=True)
    tenant_id = TENANT_ID(required=True)


class WebhookVersion(WebhookId):
    version = ASKED_VERSION()


class WebhookChange(WebhookId):
    url = URL(load_default=None)
    events = EVENTS_OF()
    node_type_ids = NODE_TYPE_IDS()
    relationship_types = RELATIONSHIP_TYPES()
    filter = FILTER()
    ordering = ORDERING(load_default=None)
    status = Choice("`paused` ends its deliveries for now; `active` goes on with them, from where "
                    "they ended.", STATUSES[:2], load_default=None, example="paused")
    version = ASKED_VERSION()


class Rotation(WebhookId):
    overlap = Integer("For how long deliveries are signed with the secret before it too, in "
                      "seconds.", least=0, most=_MOST_OVERLAP, load_default=86400)


class WebhookList(Params):
    tenant_id = TENANT_ID(required=True)
    pagination = pagination()


@operation(NewWebhook, gives=one(Webhook, "webhook"), effect=CREATES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED, long=True)
def create_webhook(context: Context, params: Loaded) -> Steps:
    """Make a webhook: what changes from now on, or since a position, is posted to a URL.

    The answer alone tells the secret that its deliveries are signed with.
    """
    secret = make_signing_secret()
    made = params | _kept(params) | {
        "secret": _sealed(context, params, secret), "most": MOST_WEBHOOKS,
        "wrong": f"is one too many: a tenant may have {MOST_WEBHOOKS} webhooks"}

    def steps() -> Walk:
        since = params["since"]
        if (yield step(context, "number_changes", params | {"most": _ALL})) is None:
            raise NotFound.of("tenant_id")
        if since:
            feed, oldest, last = yield step(context, "get_feed", params)
            since.check(feed, oldest, last)
        yield from check_node_types(context, params, ("node_type_ids",))
        statement = with_secret(one_object(
            context, "create_webhook", made | {"position": since and since.number}, "webhook",
            "tenant_id"), secret)
        return statement.result((yield statement))

    return Steps("create_webhook", steps)


@operation(WebhookId, gives=one(Webhook, "webhook"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def get_webhook(context: Context, params: Loaded) -> Statement:
    """Get a webhook by its id."""
    return one_object(context, "get_webhook", params, "webhook", thing="webhook")


@operation(WebhookChange, gives=one(Webhook, "webhook"), effect=CHANGES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def update_webhook(context: Context, params: Loaded) -> Steps:
    """Change a webhook, pause it or activate it again; what is absent stays, null clears.

    With another URL, and when it is activated, its failures are forgotten. What it is to be told
    of is so for what it was not yet told of.
    """
    changed = params | _kept(params) | {
        f"has_{name}": name in params for name in CLEARABLE}

    def steps() -> Walk:
        yield from check_node_types(context, params, ("node_type_ids",))
        statement = one_object(context, "update_webhook", changed, "webhook", thing="webhook")
        return statement.result((yield statement))

    return Steps("update_webhook", steps)


@operation(Rotation, gives=one(Webhook, "webhook"), effect=CHANGES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def rotate_webhook_secret(context: Context, params: Loaded) -> Statement:
    """Give a webhook another secret, which the answer alone tells.

    For a while deliveries have a signature by each of the two, so that none is refused meanwhile.
    """
    secret = make_signing_secret()
    return with_secret(one_object(context, "rotate_webhook_secret", params | {
        "secret": _sealed(context, params, secret)}, "webhook", thing="webhook"), secret)


@operation(WebhookVersion, gives=NOTHING, effect=DELETES, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED, long=True)
def delete_webhook(context: Context, params: Loaded) -> Statement:
    """Delete a webhook with its deliveries, be they waiting or done."""
    return one_object(context, "delete_webhook", params, thing="webhook")


@operation(WebhookList, gives=paged(Webhook, "webhooks"), effect=READS, of=TENANT,
           access=Access.MANAGE, rules=Heed.REFUSED)
def list_webhooks(context: Context, params: Loaded) -> Statement:
    """List a tenant's webhooks, newest first."""
    return page(context, "list_webhooks", params)


def _sealed(context: Context, params: Loaded, secret: str) -> str:
    return context.seal(secret, f"{params['tenant_id']}/{params['id']}")


def _kept(params: Loaded) -> Loaded:
    """Return what a webhook is to be told of, as it is kept.

    :raises InvalidParams: naming the place in the filter that is wrong
    """
    found: Loaded = {name: params.get(name) for name in CLEARABLE}
    if filter := found["filter"]:
        _check_filter(filter)
    return found


def _check_filter(filter: bytes) -> None:
    if len(filter) > MOST_BYTES:
        raise InvalidParams(fields={"filter": [
            f"may have at most {MOST_BYTES:,} bytes, not {len(filter):,}"]})
    _, arguments = condition(json_text.parse_exactly(filter), MEMBERS, "n")
    if patterns := arguments.get(PATTERNS):
        raise InvalidParams(fields={min(patterns): [
            "may not stand in a webhook's filter: it may take long"]})
