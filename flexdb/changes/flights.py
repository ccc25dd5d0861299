"""What is on its way to listeners: pages, each weighed once however many it goes to."""

from __future__ import annotations

from flexdb.changes.listeners import Listener

# How much all that is on its way may weigh, in bytes.
_MOST = 64 * 1024 * 1024


class Flights:
    """The pages that are on their way."""

    def __init__(self) -> None:
        self._held = 0
        self._weighed: set[Listener] = set()

    def begin(self, listener: Listener) -> None:
        """Weigh what is on its way to a listener."""
        if page := listener.page:
            self._held += 0 if page.holders else page.weight
            page.holders += 1
            self._weighed.add(listener)

    def end(self, listener: Listener) -> None:
        """Weigh it no longer, if it was: it is there, or given up."""
        if listener in self._weighed and (page := listener.page):
            self._weighed.discard(listener)
            page.holders -= 1
            self._held -= 0 if page.holders else page.weight

    def slowest(self) -> Listener | None:
        """Return who took nothing for longest, where all together are too much."""
        return min(self._weighed, key=lambda one: one.moved) if self._held > _MOST else None
