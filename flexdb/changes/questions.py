"""What listeners ask: the same list of changes, from one position on after the other."""

from __future__ import annotations

from dataclasses import replace

import orjson
from msgspec import Raw, Struct
from msgspec.json import Decoder

from flexdb.context import Context
from flexdb.contract.operation import Loaded, Operation
from flexdb.db.run import Runner
from flexdb.plan import Budget, Result
from flexdb.telemetry import watch

# When a page that is read for listeners ends, in bytes of JSON: so much is on its way to one who
# is slow, at most, and a single change beyond it.
PAGE_BYTES = 1024 * 1024
# JSON has line ends between its tokens only, where a space is as good.
_ENDS = bytes.maketrans(b"\r\n", b"  ")


class _Answer(Struct):
    """The result of a list of changes, as far as it is looked at."""

    changes: list[Raw]
    position: str
    more: bool


class _Change(Struct):
    """A change, of which only its position is looked at."""

    position: str


_read_answer = Decoder(_Answer).decode
_read_change = Decoder(_Change).decode


class Page:
    """What was read from one position on.

    :param text: the result as JSON text
    """

    __slots__ = ("text", "position", "more", "count", "_changes", "_frame", "holders")

    def __init__(self, text: bytes) -> None:
        answer = _read_answer(text)
        self.text, self.position, self.more = text, answer.position, answer.more
        self.count = len(answer.changes)
        self._changes = answer.changes
        self._frame = b""
        # How many listeners have it on its way to them.
        self.holders = 0

    @property
    def weight(self) -> int:
        """Return how much its events weigh, in bytes."""
        return len(self.frame)

    @property
    def frame(self) -> bytes:
        """Return the changes as events in one chunk of HTTP (RFC 9112, section 7.1)."""
        if not self._frame:
            self._frame = chunk(b"".join([
                event("change", _read_change(change).position, bytes(change))
                for change in self._changes]))
        return self._frame


class Question:
    """A list of changes that one or several listeners ask for.

    :param operation: gives the list
    :param context: of one of those who ask; what it gives is the same to all of them
    :param params: its parameters by name, without those that say from where on, and how long to
        wait
    :param runner: runs it
    """

    def __init__(self, operation: Operation, context: Context, params: Loaded, runner: Runner
                 ) -> None:
        params, bound = operation.within(params, context.caller)
        self.tenant = str(params[operation.tenant or ""]).lower()
        limits = context.limits._replace(
            max_page_bytes=min(context.limits.max_page_bytes, PAGE_BYTES))
        self.operation, self.params, self._runner = operation, params, runner
        self._context = replace(context, limits=limits)
        # Who has rules shares no answer with another.
        who = [context.caller.name, *bound.rules] if bound and bound.rules else []
        self.key = orjson.dumps([operation.name, params | {operation.tenant: self.tenant},
                                 context.json_fields, who], option=orjson.OPT_SORT_KEYS)

    def ask(self, since: str) -> Page:
        """Read the page behind a position.

        :raises FlexdbError: when it cannot be read
        """
        watch.begin("")
        try:
            return self._read(self.params | {"since": since})
        finally:
            watch.end()

    def behind(self, page: Page) -> Page:
        """Return the page of now, behind all that was written, in the watch of who asks.

        :param page: one that was read without a position; of much that was written just now a part
            gets its places with each
        :raises FlexdbError: when it cannot be read
        """
        while page.more:
            page = self._read(self.params)
        return page

    def _read(self, params: Loaded) -> Page:
        plan = self.operation.plan(self._context, params, lambda: orjson.dumps(params))
        budget = Budget(self._context.limits.max_answer_bytes)
        result: Result = self._runner.result(plan, budget, self._context.caller.tenants)
        return Page(result.text)


def event(name: str, position: str, data: bytes) -> bytes:
    """Return an event of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html).

    :param position: from where on the stream goes on for who has seen it
    :param data: JSON text
    """
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (
        position.encode(), name.encode(), data.translate(_ENDS))


def chunk(data: bytes) -> bytes:
    """Return data as a chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def without_chunk(framed: bytes) -> memoryview:
    """Return what is in a chunk, for a client that knows none."""
    return memoryview(framed)[framed.index(b"\n") + 1:-2]
