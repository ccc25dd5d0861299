"""Who listens: a stream of events, or a call that waits for the first change."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable

import orjson

from flexdb.changes.questions import Page, Question, chunk, event, without_chunk
from flexdb.errors import FlexdbError, Internal, Unavailable

logger = logging.getLogger(__name__)

# What says that a socket takes no more at the moment, or has nothing to be read.
BLOCKED = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# What ends a stream for good: who comes back is told the same.
_GONE = (401, 403, 404, 410)
_END = b"0\r\n\r\n"

_NOTHING = memoryview(b"")

Standing = tuple[str, bytes]


class Listener:
    """Someone who listens to a question, from a position on.

    :param question: what is asked
    :param position: the last one that was looked at
    :param credential: by what the caller is known; "" for anyone
    :param check: raises an error where the caller may no longer listen
    :param told: what the log line at its end has of it
    """

    name = ""

    def __init__(self, question: Question, position: str, credential: str,
                 check: Callable[[], None], told: dict[str, object]) -> None:
        self.question, self.position = question, position
        self.credential, self.check, self.told = credential, check, told
        self.began = time.monotonic()
        self.socket: socket.socket | None = None
        self.is_chunked = True
        self.events = 0
        # What is on its way, and of which page; since when it does not move.
        self.rest = _NOTHING
        self.page: Page | None = None
        self.moved = 0.0
        # Whether there is more than was read, and whether it ends when all is sent.
        self.is_behind = False
        self.is_ending = False
        self.is_closed = self.is_writing = False
        # How often something came from the client.
        self.words = 0

    @property
    def standing(self) -> Standing:
        """Return what one check of the caller does for."""
        return self.credential, self.question.key

    def answer(self, page: Page) -> None:
        """Send a page that is not empty."""
        raise NotImplementedError

    def turn(self, now: float) -> bool:
        """Begin to send what is due by the clock, and tell whether there is something."""
        raise NotImplementedError

    def finish(self, error: FlexdbError | None) -> None:
        """Begin to send the last there is to say.

        :param error: why it ends
        """
        raise NotImplementedError

    def line(self) -> dict[str, object]:
        """Return the fields of the log line at its end."""
        return self.told | {"events": self.events,
                            "ms": round((time.monotonic() - self.began) * 1000, 2)}

    def begin(self, framed: bytes, page: Page | None = None) -> None:
        """Have a chunk on its way."""
        self._begin(memoryview(framed) if self.is_chunked else without_chunk(framed))
        self.page = page

    def end(self, data: bytes = b"") -> None:
        """Have the last data on its way, and the end behind it."""
        framed = chunk(data) if data else b""
        self.is_ending = True
        self._begin(memoryview(framed + _END if self.is_chunked else data))

    def _begin(self, data: memoryview) -> None:
        self.rest, self.moved = data, time.monotonic()

    def send(self) -> bool:
        """Send as much as the socket takes, and tell whether that was all.

        :raises OSError: when the other end is gone
        """
        assert self.socket
        rest = self.rest
        try:
            # Mostly it takes all at once, and nothing is to be noted.
            while (sent := self.socket.send(rest)) < len(rest):
                rest, self.moved = rest[sent:], time.monotonic()
        except BLOCKED:
            self.rest = rest
            return False
        # Even an empty rest would keep what it is the rest of.
        self.rest = _NOTHING
        return True


class Stream(Listener):
    """Server-sent events until either end closes."""

    name = "stream"

    def __init__(self, *arguments: object, heartbeat: float) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._heartbeat = heartbeat
        self._beats_at = self.began + heartbeat

    def answer(self, page: Page) -> None:
        """Send the changes of a page as events."""
        self.events += page.count
        self.begin(page.frame, page)
        self._beats_at = self.moved + self._heartbeat

    def turn(self, now: float) -> bool:
        """Say the position now and then, also where nothing fits the question."""
        if now < self._beats_at:
            return False
        self._beats_at = now + self._heartbeat
        self.begin(chunk(self.place(self.position)))
        return True

    def place(self, position: str) -> bytes:
        """Return the event that says a position."""
        return event("position", position, orjson.dumps({"position": position}))

    def finish(self, error: FlexdbError | None) -> None:
        """Say why it is over for good; who may come back is told nothing."""
        if error and error.status in _GONE:
            self.end(event("gone", self.position, orjson.dumps({"error": error.to_json()})))
        else:
            self.end()


class Waiter(Listener):
    """A call that is answered when there is a change, or when its time is over.

    :param until: when that is, by the monotonic clock
    :param reply: makes the answer's body of a result
    :param nothing: the result that says that nothing changed
    """

    name = "wait"

    def __init__(self, *arguments: object, until: float, reply: Callable[[bytes], bytes],
                 nothing: bytes) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._until, self._reply, self._nothing = until, reply, nothing

    def answer(self, page: Page) -> None:
        """Answer with a page."""
        self.events += page.count
        self.end(self._reply(page.text))

    def turn(self, now: float) -> bool:
        """Answer with nothing when the time is over."""
        if now < self._until:
            return False
        self.finish(None)
        return True

    def finish(self, error: FlexdbError | None) -> None:
        """Answer with nothing; the next call is told why, where it is refused."""
        # The place that was looked at by now, in a result that is otherwise the first one.
        nothing = orjson.loads(self._nothing) | {"position": self.position}
        self.end(self._reply(orjson.dumps(nothing)))


def refused(checks: dict[Standing, Callable[[], None]]) -> dict[Standing, FlexdbError]:
    """Return those who may no longer listen, and why; that nobody can tell is no reason."""
    found: dict[Standing, FlexdbError] = {}
    for standing, check in checks.items():
        try:
            check()
        except FlexdbError as error:
            if not isinstance(error, Unavailable):
                found[standing] = error
        except Exception as error:
            # It is an error of ours about one, and no other is to listen longer for it.
            found[standing] = Internal()
            logger.error("error_id %s: it is not known whether a caller may still listen",
                         found[standing].data["error_id"], exc_info=error)
    return found
