"""Webhooks and who delivers them, in threads of the tests' own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from flexdb.changes.deliverer import Deliverer
from flexdb.changes.schedule import Schedule
from flexdb.config import Settings
from tests.support.service import Service

# As usual, but soon.
SOON = Schedule(delays=(0.02,) * 9, pause=0.05, probe=0.02, poll=0.02, rest=0.02)


def webhook(service: Service, tenant: dict[str, Any], url: str, **given: Any) -> Any:
    """Make a webhook and return it with its secret."""
    return service.call("create_webhook", {"tenant_id": tenant["id"], "url": url} | given)[
        "webhook"]


def deliveries(service: Service, webhook: dict[str, Any], **given: Any) -> Any:
    """Return what a webhook is told of, the oldest first."""
    found = service.call("list_deliveries", {
        "tenant_id": webhook["tenant_id"], "webhook_id": webhook["id"],
        "pagination": {"page_size": 1000}} | given)["deliveries"]
    return found[::-1]


@contextmanager
def delivering(settings: Settings, schedule: Schedule = SOON, **changed: Any
               ) -> Iterator[Deliverer]:
    """Deliver until the block ends."""
    deliverer = Deliverer(replace(settings, **changed), schedule)
    thread = threading.Thread(target=deliverer.run)
    thread.start()
    try:
        yield deliverer
    finally:
        deliverer.stop()
        thread.join()
