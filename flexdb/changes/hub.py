"""All who listen to a worker, served by one thread however many they are.

Now and then one statement tells of all tenants that somebody listens to where they are, and what
changed is read once for all who ask the same from the same position on. Nothing is kept for who is
slow: the next page is read when the last one is sent.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from functools import partial

from flexdb.changes.audiences import Audience, Audiences
from flexdb.changes.desk import READERS, Desk
from flexdb.changes.flights import Flights
from flexdb.changes.listeners import BLOCKED, Listener, Standing, refused
from flexdb.changes.loop import Loop
from flexdb.changes.places import Places
from flexdb.changes.questions import Page
from flexdb.config import Settings
from flexdb.errors import FlexdbError
from flexdb.telemetry.logs import Lines, write
from flexdb.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

# How often what is due is done, at least, and looked whether callers may still listen; for how long
# a socket may take nothing of what is on its way to it; all in seconds. What is known of a caller
# is good for one, so who may no longer is let go within two.
_TURN, _CHECK, _STALLED = 0.25, 0.5, 30.0
# How often one who should only listen may say something before its connection is closed.
_MOST_WORDS = 100
# How long an end waits until everyone was told, in seconds.
_FAREWELL = 1.0

# Of each tenant the position of now, and whether there is something that has none yet.
Where = dict[str, tuple[str, bool]]


class Hub:
    """All who listen to a worker.

    :param settings: say how many there may be, and how often to look
    :param metrics: counts them
    :param look: tells of tenants, by their ids, where they are
    """

    def __init__(self, settings: Settings, metrics: Metrics, look: Callable[[list[str]], Where]
                 ) -> None:
        # Whether the server gives sockets away, so that no thread need stay with them.
        self.takes_sockets = False
        self.places = {"stream": Places(settings.max_streams, "streams"),
                       "wait": Places(settings.max_waiting, "waiting calls")}
        self._look, self._metrics = look, metrics
        # Beside those who read pages, one looks where tenants are, and who may listen.
        self._loop = Loop(READERS + 1, self._ready, self._turn, min(_TURN, settings.stream_poll))
        self._period = settings.stream_poll
        self._desk = Desk(self._loop, self._answer)
        self._listeners: set[Listener] = set()
        self._audiences, self._flights = Audiences(), Flights()
        self._is_looking = self._is_checking = self._is_ending = False
        self._looks_at = self._checks_at = 0.0
        self._ended = threading.Event()
        metrics.sample_with(self._sample)

    @property
    def count(self) -> int:
        """Return how many there are."""
        return len(self._listeners)

    def take(self, listener: Listener, page: Page, taken: socket.socket) -> None:
        """Serve a listener from now on, in place of the thread that calls.

        :param page: what was read for it
        """
        taken.setblocking(False)
        listener.socket, listener.moved = taken, time.monotonic()
        self._loop.tell(partial(self._enter, listener, page))

    def end(self) -> None:
        """Let everyone go, with all that is complete: the process is to end."""
        if self._loop.is_begun and not self._is_ending:
            self._loop.tell(self._end)
            self._ended.wait(_FAREWELL)
        self._is_ending = True

    def _turn(self, now: float) -> None:
        """Do what is due by the clock."""
        for listener in [*self._listeners]:
            if listener.rest:
                if now - listener.moved > _STALLED:
                    self._close(listener)
            elif listener.turn(now):
                self._audiences.leave(listener)
                self._send(listener)
        if not self._is_looking and now >= self._looks_at and (audiences := [*self._audiences]):
            self._looks_at, self._is_looking = now + self._period, True
            tenants = sorted({audience.question.tenant for audience in audiences})
            self._loop.read(partial(self._look, tenants), partial(self._looked, audiences))
        if not self._is_checking and now >= self._checks_at:
            self._checks_at = now + _CHECK
            # One of those who ask the same by the same credential speaks for all of them.
            checks = {listener.standing: listener.check for listener in self._listeners
                      if listener.credential}
            if checks:
                self._is_checking = True
                self._loop.read(partial(refused, checks), self._checked)

    def _looked(self, audiences: list[Audience], where: Where | FlexdbError) -> None:
        self._is_looking = False
        if isinstance(where, FlexdbError):
            return
        for audience in audiences:
            # That a tenant is gone is told by who reads.
            position, has_more = where.get(audience.question.tenant, ("", False))
            if has_more or position != audience.position:
                self._desk.ask(audience)

    def _checked(self, found: dict[Standing, FlexdbError] | FlexdbError) -> None:
        self._is_checking = False
        for standing, error in found.items() if isinstance(found, dict) else ():
            for listener in [one for one in self._listeners if one.standing == standing]:
                self._finish(listener, error)

    def _answer(self, audience: Audience, page: Page | FlexdbError) -> None:
        """Give a page to all who wait for it."""
        if isinstance(page, FlexdbError):
            # What may be over in a moment is asked for again after the next look.
            for listener in () if page.retryable else [*audience.listeners]:
                self._finish(listener, page)
        elif page.count or page.position != audience.position:
            listeners = self._audiences.dissolve(audience)
            self._metrics.events_sent.inc(page.count * len(listeners))
            for listener in listeners:
                self._give(listener, page)

    def _give(self, listener: Listener, page: Page) -> None:
        listener.position, listener.is_behind = page.position, page.more
        if not page.count:
            return self._wait(listener)
        listener.answer(page)
        self._send(listener)

    def _wait(self, listener: Listener) -> None:
        audience = self._audiences.join(listener)
        if listener.is_behind:
            self._desk.ask(audience)

    def _enter(self, listener: Listener, page: Page) -> None:
        assert listener.socket
        self._listeners.add(listener)
        try:
            self._loop.watch(listener.socket, listener)
        except (OSError, ValueError):
            return self._close(listener)
        self._metrics.events_sent.inc(page.count)
        self._give(listener, page)
        if self._is_ending:
            self._finish(listener, None)

    def _send(self, listener: Listener) -> None:
        """Send on; when all is sent, wait for the next page or close."""
        if listener.is_closed:
            return
        assert listener.socket
        try:
            is_sent = listener.send()
        except (OSError, ValueError):
            return self._close(listener)
        if listener.is_writing == is_sent:
            self._block(listener, not is_sent)
        if is_sent:
            listener.page = None
            if listener.is_ending:
                self._close(listener)
            else:
                self._wait(listener)

    def _block(self, listener: Listener, is_writing: bool) -> None:
        """Wait for room to send more, or no longer; where too much waits, the slowest is let go."""
        assert listener.socket
        listener.is_writing = is_writing
        self._loop.wait_to_write(listener.socket, listener, is_writing)
        if not is_writing:
            return self._flights.end(listener)
        self._flights.begin(listener)
        while slow := self._flights.slowest():
            self._close(slow)

    def _ready(self, listener: Listener, may_write: bool) -> None:
        """Send on, or notice the end of a connection; what else comes from there is let fall."""
        if may_write or listener.is_closed:
            return self._send(listener)
        assert listener.socket
        try:
            listener.words += 1
            if listener.socket.recv(65536) and listener.words < _MOST_WORDS:
                return
        except BLOCKED:
            return
        except (OSError, ValueError):
            pass
        self._close(listener)

    def _finish(self, listener: Listener, error: FlexdbError | None) -> None:
        """Say the last words and close; in the middle of others there are none."""
        self._audiences.leave(listener)
        if listener.rest or listener.is_closed:
            return self._close(listener)
        listener.finish(error)
        self._send(listener)

    def _close(self, listener: Listener) -> None:
        if listener.is_closed:
            return
        assert listener.socket
        listener.is_closed = True
        self._listeners.discard(listener)
        self._audiences.leave(listener)
        self._flights.end(listener)
        self._loop.forget(listener.socket)
        listener.socket.close()
        self.places[listener.name].leave(listener.question.tenant)
        if logger.isEnabledFor(logging.INFO):
            write(logger, Lines(__name__, [listener.line()]))

    def _end(self) -> None:
        self._is_ending = True
        for listener in [*self._listeners]:
            self._finish(listener, None)
        self._ended.set()

    def _sample(self) -> None:
        self._metrics.streams.set(self.places["stream"].held)
        self._metrics.waiting.set(self.places["wait"].held)
