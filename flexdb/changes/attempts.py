"""One attempt at a delivery: what is sent, and what its answer means."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone

from flexdb.access.sealing import CannotOpen, Seals
from flexdb.changes import signing
from flexdb.changes.deliveries import Claimed, Deliveries, Ending, body_of, body_of_test
from flexdb.changes.posts import Reaction, Sender
from flexdb.changes.schedule import Schedule
from flexdb.errors import NotFound
from flexdb.errors.changes import ChangesGone
from flexdb.plan import Plan

logger = logging.getLogger(__name__)


class Attempts:
    """Makes attempts.

    :param ask: runs a plan, and returns its text
    :param seals: open the secrets of webhooks
    """

    def __init__(self, ask: Callable[[Plan], bytes], deliveries: Deliveries, sender: Sender,
                 schedule: Schedule, seals: Seals) -> None:
        self._ask, self._deliveries, self._sender = ask, deliveries, sender
        self._schedule, self._seals = schedule, seals

    def make(self, claimed: Claimed, until: float) -> Ending:
        """Send a delivery, and say how that ended.

        :param until: when it is over at the latest, on the monotonic clock
        :raises FlexdbError: when PostgreSQL does not give what is to be sent
        """
        id = signing.delivery_id(claimed.hook.webhook_id, claimed.position)
        of = "/".join(claimed.hook)
        try:
            body = self._body(claimed)
            headers = signing.headers(id, int(claimed.now), body, [
                self._seals.open(secret, of) for secret in claimed.secrets])
        except (ChangesGone, NotFound):
            return Ending("dead", error="the change is not kept any more", counts=False)
        except (CannotOpen, ValueError) as error:
            logger.error("%s", error)
            return self._failed(claimed, Reaction(0, "its secret cannot be read"), counts=False)
        reaction = self._sender.post(claimed.url, headers, body, until)
        if not reaction.error:
            return Ending("done", reaction.status)
        return self._failed(claimed, reaction)

    def _failed(self, claimed: Claimed, reaction: Reaction, counts: bool = True) -> Ending:
        delay = None if claimed.is_test else self._schedule.delay(claimed.attempts)
        return Ending("waiting" if delay is not None else "dead", reaction.status, reaction.error,
                      delay or 0.0, self._schedule.pause_after(reaction.status,
                                                               reaction.retry_after), counts)

    def _body(self, claimed: Claimed) -> bytes:
        if claimed.is_test:
            at = datetime.fromtimestamp(claimed.now, timezone.utc).isoformat(
                timespec="microseconds")
            return body_of_test(claimed, at)
        return body_of(claimed, self._ask(self._deliveries.change(claimed)))
