"""A thread that waits for sockets alone, and threads that ask PostgreSQL for it."""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from flexdb.changes.readers import Readers

logger = logging.getLogger(__name__)

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE


class Loop:
    """Calls what is to be done, each in the one thread, which begins with the first of it.

    :param readers: how many threads ask
    :param ready: is called with what a socket was watched for, and whether that may be written to
    :param turn: is called each period, as long as a socket is watched
    :param period: in seconds
    """

    def __init__(self, readers: int, ready: Callable[[Any, bool], None],
                 turn: Callable[[float], None], period: float) -> None:
        self._count, self._ready, self._turn, self._period = readers, ready, turn, period
        self._lock = threading.Lock()
        # A process that is forked has threads of its own.
        self._pid = 0

    @property
    def is_begun(self) -> bool:
        """Tell whether there was something to do in this process."""
        return self._pid == os.getpid()

    def tell(self, what: Callable[[], None]) -> None:
        """Have something done in the thread, from any other."""
        with self._lock:
            if not self.is_begun:
                self._begin()
        self._inbox.put(what)
        try:
            self._wakes.send(b"!")
        except BlockingIOError:
            pass  # It is told by what waits there already.

    def read(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Have PostgreSQL asked, and the outcome told in the thread."""
        self._readers.submit(work, then)

    def watch(self, watched: socket.socket, data: Any) -> None:
        """Look for what comes from a socket.

        :raises OSError: when it is closed; so does a ValueError
        """
        self._selector.register(watched, READ, data)

    def wait_to_write(self, watched: socket.socket, data: Any, waits: bool) -> None:
        """Look for room to write as well, or no longer."""
        self._selector.modify(watched, WRITE if waits else READ, data)

    def forget(self, watched: Any) -> None:
        """Look no longer, if that was done."""
        try:
            self._selector.unregister(watched)
        except (KeyError, ValueError, OSError):
            pass

    def _begin(self) -> None:
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._waked, self._wakes = socket.socketpair()
        self._waked.setblocking(False)
        self._wakes.setblocking(False)
        self._selector.register(self._waked, READ)
        self._readers = Readers(self._count, self.tell)
        self._pid = os.getpid()
        threading.Thread(target=self._run, name="changes", daemon=True).start()

    def _run(self) -> None:
        turns_at = 0.0
        while True:
            # Where no socket is watched, but that which wakes, nothing is due.
            patience = (max(0.0, turns_at - time.monotonic())
                        if len(self._selector.get_map()) > 1 else None)
            for key, events in self._selector.select(patience):
                if key.data is None:
                    self._read_inbox()
                elif _fails(partial(self._ready, key.data, bool(events & selectors.EVENT_WRITE))):
                    self.forget(key.fileobj)
            if (now := time.monotonic()) >= turns_at:
                turns_at = now + self._period
                _fails(partial(self._turn, now))

    def _read_inbox(self) -> None:
        self._waked.recv(4096)
        try:
            while True:
                _fails(self._inbox.get_nowait())
        except Empty:
            pass


def _fails(what: Callable[[], None]) -> bool:
    """Do something, and tell whether it failed: an error of ours about one ends it for no other."""
    try:
        what()
    except Exception:
        logger.exception("an error of the thread of streams")
        return True
    return False
