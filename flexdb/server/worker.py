"""gunicorn's worker: its share of connections, requests that follow at once, errors in JSON."""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import time
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson
from gunicorn.glogging import Logger as GunicornLogger
from gunicorn.http import errors as gunicorn_errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from flexdb.telemetry import watch
from flexdb.api import middleware
from flexdb.errors import FlexdbError, Internal, InvalidRequest, TooLarge

_STATUS: dict[type[Exception], int] = {
    gunicorn_errors.LimitRequestLine: 414,
    gunicorn_errors.LimitRequestHeaders: 431,
    gunicorn_errors.UnsupportedTransferCoding: 501,
    gunicorn_errors.ExpectationFailed: 417,
}


# A signal that reaches a new worker before it listens would be lost: it would end late, killed.
_ENDING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
os.register_at_fork(
    before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, _ENDING),
    after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _ENDING))


# How many connections each worker has, and when it last looked for new ones (on the system's clock,
# in ms; 0 when it does not), shared by all that are forked from here.
_MOST_WORKERS = 1024
_connections, _looked_at = (
    memoryview(mmap.mmap(-1, 8 * _MOST_WORKERS)).cast("q") for _ in range(2))
# For how long a connection is left to a worker that has fewer, and in what steps, in seconds; a
# worker that has not looked for so many ms is stopped or gone. An idle one looks every second.
_PATIENCE, _NAP, _GONE = 0.05, 0.001, 1500

# How long a thread waits for the next request of a connection before it lets go of it, in ms.
_LINGER = 2


class Worker(ThreadWorker):  # type: ignore[misc]
    """A threaded worker.

    All workers wait at one socket, and whoever wakes first may take all connections: those that
    are kept alive would fill one worker's places while the others idle. So a worker leaves a
    connection to another one that has fewer.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._place = self.age % _MOST_WORKERS
        self._waits_since = 0.0
        self._sample_at = 0.0

    def notify(self) -> None:
        """Tell the master and the other workers that this one lives, and the metrics how it is."""
        super().notify()
        self._tell()
        if time.monotonic() >= self._sample_at:
            self._sample_at = time.monotonic() + 1
            if pool := getattr(self.wsgi, "extensions", {}).get("flexdb"):
                pool.metrics.sample()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, or leave it to another worker that has fewer."""
        now = time.monotonic()
        # A wait whose connection another one took is no part of this one.
        if now - self._waits_since > 2 * _PATIENCE:
            self._waits_since = now
        if (self.alive and now - self._waits_since < _PATIENCE
                and self._has_more_than_another(now)):
            time.sleep(_NAP)
            return
        self._waits_since = 0.0
        super().accept(listener)
        self._tell()

    def _tell(self) -> None:
        _connections[self._place] = self.nr_conns
        _looked_at[self._place] = round(1000 * time.monotonic()) if self._accepting else 0

    def _has_more_than_another(self, now: float) -> bool:
        since = round(1000 * now) - _GONE
        return any(looked_at > since and connections < self.nr_conns
                   for connections, looked_at in zip(_connections, _looked_at))

    def init_signals(self) -> None:
        """Listen to signals, those included that came since the fork."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take new connections or leave them; an end first takes those that wait already.

        When all workers end, nobody else would, and they would be cut off. Connections on which
        nothing was ever sent get as long as kept ones, where ThreadWorker gives them KEEPALIVE.
        """
        super().set_accept_enabled(enabled)
        self._tell()
        if not (enabled or self.alive) and self.cfg.graceful_timeout:
            for listener in self.sockets:
                taken = -1
                while taken < self.nr_conns < self.worker_connections:
                    taken = self.nr_conns
                    self.accept(listener)
            for silent in self.pending_conns:
                silent.timeout = min(silent.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)

    def is_parent_alive(self) -> bool:
        """Tell whether the master lives; without it, end and leave its port to the next one.

        ThreadWorker's own goes on answering on kept connections, and holds the port meanwhile.
        """
        if super().is_parent_alive():
            return True
        self.alive = False
        self.set_accept_enabled(False)
        for listener in self.sockets:
            listener.close()
        self.sockets: list[Any] = []
        return False

    def handle(self, conn: Any) -> Any:
        """Handle a connection's request, and those that follow at once.

        Between two requests ThreadWorker hands a connection to its main thread and back, which
        wakes three threads; a busy client's next request is there before that is done.
        """
        while True:
            kept = super().handle(conn)
            if kept is not True or not self.alive or self._others_wait():
                return kept
            if not conn.parser.unreader.buf.getvalue() and not _is_readable(conn.sock, _LINGER):
                return kept

    def _others_wait(self) -> bool:
        """Tell whether connections wait for a thread."""
        return bool(self.tpool._work_queue.qsize())

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End without waiting for the calls under way.

        ThreadWorker's own takes a lock and raises SystemExit wherever a signal finds it, which
        may be in the middle of that very lock: the worker then never ends.
        """
        self.cfg.set("graceful_timeout", 0)
        self.handle_exit(sig, frame)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer a request that is not even HTTP."""
        asked = dict(req.headers).get("X-REQUEST-ID") if req else None
        request_id = watch.begin(middleware.request_id(asked)).request_id
        error: FlexdbError
        if isinstance(exc, gunicorn_errors.ParseException):
            error, status = InvalidRequest("not an HTTP request"), _STATUS.get(type(exc), 400)
            if status in (414, 431):
                error = TooLarge()
            # Its message quotes the request, which may hold what no log should.
            self.log.info("Invalid request: %s", type(exc).__name__)
        else:
            error, status = Internal(), 500
            self.log.error("error_id %s: a request failed", error.data["error_id"], exc_info=exc)
        body = orjson.dumps({"jsonrpc": "2.0", "error": error.to_json(), "id": None})
        head = (f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                f"X-Request-ID: {request_id}\r\n\r\n")
        try:
            write_nonblock(client, head.encode() + body)
        except OSError:
            self.log.debug("Failed to send an error message.")
        finally:
            watch.end()


def _is_readable(connection: socket.socket, timeout: int) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(timeout))


class Logger(GunicornLogger):  # type: ignore[misc]
    """gunicorn's log, which writes a line for each request only when it is told where to.

    gunicorn takes any logging configuration for a wish for such lines, and spends a tenth of a
    call on them even if they go nowhere.
    """

    def _compute_access_log_enabled(self) -> bool:
        return bool(self.cfg.accesslog)
