"""Lines that a thread of their own reads on, while PostgreSQL takes those before them.

At the end of a COPY PostgreSQL checks keys and runs triggers, for as long as it took to read the
rows; a reader that waited meanwhile would double the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread

from flexdb.db.load import Line

# How many lines are handed over at once, so that few wake-ups are needed; and how many bytes of
# them are held at most, unless one alone weighs more.
_LINES, _BYTES = 500, 4 * 1024 * 1024


@contextmanager
def ahead(lines: Iterable[Line]) -> Iterator[Iterator[Line]]:
    """Give lines in their order, read ahead; what reading raises comes after the lines before it.

    :param lines: where they come from; nothing more is taken of it when the context ends
    """
    reader = _Reader(lines)
    reader.start()
    try:
        yield reader.taken()
    finally:
        reader.leave()


class _Reader(Thread):
    """Reads lines, a few of them at a time, as long as there is room."""

    def __init__(self, lines: Iterable[Line]) -> None:
        # Nobody waits for one that waits for standard input.
        super().__init__(name="lines", daemon=True)
        self._lines = lines
        self._changed = Condition()
        self._parts: deque[list[Line]] = deque()
        self._held = 0
        self._is_left = self._is_done = False
        self._error: BaseException | None = None

    def run(self) -> None:
        """Read until the end, an error, or until nobody wants more."""
        part: list[Line] = []
        size = 0
        try:
            for line in self._lines:
                part.append(line)
                size += line.size
                if len(part) == _LINES or size >= _BYTES:
                    if not self._give(part, size):
                        return
                    part, size = [], 0
        except BaseException as error:  # noqa: BLE001 (it is raised again where lines are taken)
            self._error = error
        self._give(part, size)
        with self._changed:
            self._is_done = True
            self._changed.notify()

    def _give(self, part: list[Line], size: int) -> bool:
        """Hand lines over when there is room for them, and tell whether more are wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_left or not self._held
                                   or self._held + size <= _BYTES)
            self._parts.append(part)
            self._held += size
            self._changed.notify()
            return not self._is_left

    def taken(self) -> Iterator[Line]:
        """Give the lines that were read, as they come."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._parts or self._is_done)
                if not self._parts:
                    break
                part = self._parts.popleft()
                self._held -= sum(line.size for line in part)
                self._changed.notify()
            yield from part
        if self._error is not None:
            raise self._error

    def leave(self) -> None:
        """Take nothing more."""
        with self._changed:
            self._is_left = True
            self._changed.notify()
