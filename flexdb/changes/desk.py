"""Where pages are asked for: few are read at once, in the order in which they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from flexdb.changes.audiences import Audience
from flexdb.changes.loop import Loop
from flexdb.changes.questions import Page
from flexdb.errors import FlexdbError

# How many pages are read at once.
READERS = 2


class Desk:
    """Has pages read.

    :param loop: reads them
    :param answer: is given each, or why it could not be read
    """

    def __init__(self, loop: Loop, answer: Callable[[Audience, Page | FlexdbError], None]) -> None:
        self._loop, self._answer = loop, answer
        self._due: deque[Audience] = deque()
        self._reading = 0

    def ask(self, audience: Audience) -> None:
        """Have the page behind an audience's position read, as soon as a reader is free."""
        if not audience.is_asked:
            audience.is_asked = True
            self._due.append(audience)
            self._next()

    def _next(self) -> None:
        while self._due and self._reading < READERS:
            audience = self._due.popleft()
            if audience.listeners:
                self._reading += 1
                self._loop.read(partial(audience.question.ask, audience.position),
                                partial(self._read, audience))
            else:
                audience.is_asked = False

    def _read(self, audience: Audience, page: Page | FlexdbError) -> None:
        self._reading -= 1
        audience.is_asked = False
        self._answer(audience, page)
        self._next()
