"""The deliveries of webhooks in PostgreSQL: entering what changed, taking one, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from flexdb.changes.schedule import Schedule
from flexdb.config import Settings
from flexdb.context import Context, Limits
from flexdb.documents import text as json_text
from flexdb.errors import InvalidParams, NotFound
from flexdb.errors.changes import ChangesGone
from flexdb.operations.changes import MEMBERS
from flexdb.operations.statements import step
from flexdb.operations.webhooks import EVENTS
from flexdb.plan import Plan, Result, Row, Statement, Steps, Walk, as_steps
from flexdb.query.changes import MOST_NUMBERED, changes
from flexdb.query.positions import Position
from flexdb.sql.loader import STATEMENTS

# No more deliveries of one webhook wait here, and so many are entered at once.
MOST_WAITING, _PAGE = 1000, 200
# For how many webhooks one look finds something to do.
_MOST_WEBHOOKS = 1000
_MOST_REMOVED = 5000
_NOTHING = b"null"
_HEAD, _TAIL = b'{"changes":[', b'],"position":'
LEFT_BEHIND = ("what changed since the last it was told of is not kept any more: list everything "
               "anew, then activate it, and it goes on from there")


class Hook(NamedTuple):
    """Names a webhook."""

    tenant_id: str
    webhook_id: str


class Claimed(NamedTuple):
    """A delivery that was taken, for as long as the lease.

    :param attempts: how many there are, this one included
    :param secrets: as they are kept, the newest first
    :param now: when it was taken, in seconds since 1970
    """

    hook: Hook
    position: int
    attempts: int
    feed: str
    url: str
    secrets: list[str]
    now: float

    @property
    def is_test(self) -> bool:
        """Tell whether it is of no change: there is one attempt at it."""
        return self.position < 0


class Ending(NamedTuple):
    """How an attempt ended.

    :param status: what the delivery is then
    :param delay: after how long the next attempt comes, in seconds
    :param pause: for how long the endpoint is left alone, in seconds
    :param counts: whether it tells something of the endpoint
    """

    status: str
    last_status: int = 0
    error: str = ""
    delay: float = 0.0
    pause: float = 0.0
    counts: bool = True


class Deliveries:
    """The plans of what is asked of PostgreSQL.

    :param places: how many deliveries of one webhook may be under way at once
    """

    def __init__(self, settings: Settings, schedule: Schedule, places: int) -> None:
        self._context = Context(Limits.of(settings), settings.json_fields)
        self._schedule, self._places = schedule, places
        self._is_blind, self._days = settings.db_row_security, settings.webhook_days

    def due(self) -> Statement:
        """Return what gives the webhooks for which there is something to do, each with its tenant
        and whether something may have changed that it is to be told of.
        """
        return _row("find_due_webhooks", {"is_blind": self._is_blind, "room": MOST_WAITING,
                                          "most": _MOST_WEBHOOKS})

    def number(self, hook: Hook) -> Statement:
        """Return what gives positions to what changed; alone, so that nobody waits for it."""
        return _row("number_changes", {"tenant_id": hook.tenant_id, "most": MOST_NUMBERED})

    def take(self, hook: Hook) -> Steps:
        """Return what enters what a webhook is to be told of, and gives one delivery that was
        taken; null where there is none.

        Entering deliveries and moving the webhook's position on are one transaction.
        """
        of = hook._asdict()

        def steps() -> Walk:
            row = yield step(self._context, "lock_webhook", of | {"room": MOST_WAITING})
            if row is None:
                return Result(_NOTHING)
            webhook = orjson.loads(row[0])
            if webhook["is_to_enter"]:
                yield from self._enter(of, webhook, row[1])
            row = yield step(self._context, "claim_delivery", of | {
                "places": self._places, "probing": self._schedule.probing,
                "lease": str(self._schedule.lease)})
            return Result(row[0] if row else _NOTHING)

        return Steps("take_delivery", steps)

    def _enter(self, of: Mapping[str, Any], webhook: Any, filter: str | None) -> Any:
        heard = {done for done, event in EVENTS.items()
                 if webhook["events"] is None or event in webhook["events"]}
        asked: dict[str, Any] = {
            "tenant_id": of["tenant_id"], "limit": _PAGE, "old": False,
            "since": Position(webhook["feed"], webhook["position"]),
            "kinds": sorted({kind for kind, _ in heard}), "ops": sorted({op for _, op in heard})}
        for name in ("node_type_ids", "relationship_types"):
            if webhook[name] is not None:
                asked[name] = webhook[name]
        if filter is not None:
            asked["filter"] = json_text.parse_exactly(filter.encode())
        try:
            page: Result = yield as_steps(changes(self._context, asked, MEMBERS))
        except ChangesGone as gone:
            yield self._disable(of, LEFT_BEHIND, Position.parse(gone.data["position"]))
            return
        except InvalidParams as error:
            # It was taken by another version, or put there by hand.
            yield self._disable(of, f"its filter cannot be read: {error}", asked["since"])
            return
        found = orjson.loads(page.text)
        wanted = [change for change in found["changes"]
                  if (change["kind"], change["op"]) in heard]
        yield step(self._context, "enter_deliveries", dict(of) | {
            "position": Position.parse(found["position"]).number,
            "positions": [Position.parse(change["position"]).number for change in wanted],
            "objects": [change["id"] for change in wanted]})

    def _disable(self, of: Mapping[str, Any], reason: str, at: Position) -> Statement:
        return step(self._context, "disable_webhook", dict(of) | {
            "reason": reason, "epoch": at.feed.partition(".")[2], "position": at.number})

    def change(self, claimed: Claimed) -> Plan:
        """Return what gives the change that a delivery tells of, as the feed has it.

        :raises ChangesGone: when it runs, where the feed does not have it any more
        """
        return changes(self._context, {
            "tenant_id": claimed.hook.tenant_id, "limit": 1, "old": False,
            "since": Position(claimed.feed, claimed.position - 1)}, MEMBERS)

    def end(self, claimed: Claimed, ending: Ending) -> Statement:
        """Return what notes how an attempt ended, and gives why the webhook is disabled, if so."""
        schedule = self._schedule
        return _row("end_attempt", claimed.hook._asdict() | {
            "position": claimed.position, "attempts": claimed.attempts,
            "status": ending.status, "succeeded": ending.status == "done",
            "counts": ending.counts and not claimed.is_test, "last_status": ending.last_status,
            "last_error": ending.error, "delay": str(ending.delay), "pause": str(ending.pause),
            "probing": schedule.probing, "probe": str(schedule.probe),
            "patience": str(schedule.patience)}, column=1)

    def remove(self) -> Statement:
        """Return what removes some of those that ended long ago, and gives how many."""
        return _row("remove_ended_deliveries", {"days": self._days, "most": _MOST_REMOVED})


def claimed_of(hook: Hook, text: bytes) -> Claimed | None:
    """Return the delivery that :meth:`Deliveries.take` gave."""
    found = orjson.loads(text)
    return found and Claimed(hook, **found)


def body_of(claimed: Claimed, page: bytes) -> bytes:
    """Return what is sent of a change, to the digit as the feed gave it.

    :param page: of that one
    :raises NotFound: when it is another one
    """
    found = orjson.loads(page)["changes"]
    if not found or Position.parse(found[0]["position"]).number != claimed.position:
        raise NotFound("the change is not in the feed")
    change = page[len(_HEAD):page.rindex(_TAIL)]
    return _body(EVENTS[found[0]["kind"], found[0]["op"]], found[0]["at"], change)


def body_of_test(claimed: Claimed, at: str) -> bytes:
    """Return what is sent as a test."""
    return _body("webhook.test", at, orjson.dumps(claimed.hook._asdict()))


def _body(type: str, at: str, data: bytes) -> bytes:
    return b'{"type":"%b","timestamp":"%b","data":%b}' % (type.encode(), at.encode(), data)


def _row(name: str, arguments: Mapping[str, Any], column: int = 0) -> Statement:
    def read(row: Row | None) -> Result:
        value = row[column] if row else None
        return Result(value if isinstance(value, bytes) else orjson.dumps(value))

    return Statement(STATEMENTS["value"][name], arguments, read)


