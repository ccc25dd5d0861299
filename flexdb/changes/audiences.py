"""Those who wait for the same: one question from one position on, which is read once for all."""

from __future__ import annotations

from collections.abc import Iterator

from flexdb.changes.listeners import Listener


class Audience:
    """Listeners who ask the same from the same position on.

    :param first: one of them
    """

    __slots__ = ("question", "position", "listeners", "is_asked")

    def __init__(self, first: Listener) -> None:
        self.question, self.position = first.question, first.position
        self.listeners: set[Listener] = set()
        # Whether the page behind the position is being read, or about to be.
        self.is_asked = False


class Audiences:
    """All who wait, each in one audience."""

    def __init__(self) -> None:
        self._audiences: dict[tuple[bytes, str], Audience] = {}

    def __iter__(self) -> Iterator[Audience]:
        return iter(self._audiences.values())

    def join(self, listener: Listener) -> Audience:
        """Have a listener wait, and return with whom."""
        key = listener.question.key, listener.position
        if (audience := self._audiences.get(key)) is None:
            audience = self._audiences[key] = Audience(listener)
        audience.listeners.add(listener)
        return audience

    def leave(self, listener: Listener) -> None:
        """Have a listener wait no longer, if it does."""
        key = listener.question.key, listener.position
        if audience := self._audiences.get(key):
            audience.listeners.discard(listener)
            if not audience.listeners:
                del self._audiences[key]

    def dissolve(self, audience: Audience) -> set[Listener]:
        """End an audience, and return who was in it."""
        self._audiences.pop((audience.question.key, audience.position), None)
        listeners, audience.listeners = audience.listeners, set()
        return listeners
