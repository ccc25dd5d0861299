"""Long downloads: one at a time in a process, since each holds a connection and a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic

from flask import Response

from flexdb.db.address import NotReachable
from flexdb.errors import Overloaded, Unavailable

# What goes out at once, in bytes; and after which time a reader that takes nothing has to give
# way to another, in seconds.
_AT_ONCE, _PATIENCE = 64 * 1024, 60
BUSY = ("another export is being downloaded from this worker: try again when it is done, or take "
        "the command beside")


class _Download:
    """A file that goes out piece by piece, until it ends or is given up."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces, self.moved, self._is_given_up = pieces, monotonic(), False
        self._text = b""

    def begin(self) -> None:
        """Have the beginning made, and fail as that does."""
        self._text = self._collected()

    def _collected(self) -> bytes:
        """Return so many pieces as go out at once."""
        found: list[bytes] = []
        size = 0
        for piece in self._pieces:
            found.append(piece)
            size += len(piece)
            if size >= _AT_ONCE:
                break
        self.moved = monotonic()
        if self._is_given_up:
            # An end without an error would look like that of a whole file.
            raise ConnectionAbortedError("the download was given up: nobody read it")
        return b"".join(found)

    def __iter__(self) -> Iterator[bytes]:
        try:
            while self._text:
                yield self._text
                self._text = self._collected()
        finally:
            _end(self)

    def close(self) -> None:
        """Let go of its connection; what goes on reading is told that it was given up."""
        self._is_given_up = True
        # Where another thread makes the next piece, that ends it.
        with suppress(ValueError):
            self._pieces.close()


_guard = threading.Lock()
_current: list[_Download] = []


def download(pieces: Generator[bytes, None, None], name: str, kind: str) -> Response:
    """Return a file as it is made.

    :param pieces: its text; the connection that it comes from is let go when it is closed
    :param name: the file's
    :param kind: its media type
    :raises Overloaded: when there is one under way
    :raises FlexdbError: what its beginning failed with
    :raises Unavailable: when PostgreSQL does not answer
    """
    made = _Download(pieces)
    with _guard:
        if any(monotonic() - one.moved <= _PATIENCE for one in _current):
            raise Overloaded(BUSY)
        stale, _current[:] = _current[:], [made]
    for one in stale:
        one.close()
    try:
        made.begin()
    except NotReachable as error:
        _end(made)
        raise Unavailable(why=str(error)) from error
    except BaseException:
        _end(made)
        raise
    response = Response(iter(made), content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(partial(_end, made))
    return response


def _end(made: _Download) -> None:
    with _guard:
        if made in _current:
            _current.remove(made)
    made.close()
