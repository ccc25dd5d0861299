"""gunicorn's worker: requests that follow at once, and an end that loses no call."""

from __future__ import annotations

import signal
import socket
import time
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from gunicorn.util import close_graceful, write_nonblock
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from flexdb.api import middleware
from flexdb.changes.handover import HandedOver
from flexdb.server import signals
from flexdb.server.heads import Heads, is_read
from flexdb.server.queue import FairQueue
from flexdb.server.refusals import refusal
from flexdb.server.shares import Share
from flexdb.server.sockets import Socket
from flexdb.telemetry import watch


class Worker(ThreadWorker):  # type: ignore[misc]
    """A threaded worker that takes its share of the connections."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._share = Share(self.age)
        self._sample_at = 0.0
        self._hub: Any = None
        self._queue = FairQueue()
        # The connections whose next request a thread waits for, and how many threads may do that:
        # the others are there for whoever comes.
        self._awaited: set[Any] = set()
        self._most_awaited = max(1, self.cfg.threads // 2)

    def load_wsgi(self) -> None:
        """Load the application, and let it have sockets whose answers go on without a thread."""
        super().load_wsgi()
        # gunicorn looks each of its settings up in two further calls, some twenty times a request.
        self.cfg.__dict__.update({name: one.get() for name, one in self.cfg.settings.items()})
        self._hub = getattr(self.wsgi, "extensions", {}).get("flexdb_hub")
        if self._hub:
            self._hub.takes_sockets = True

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
        if self.alive and self._share.leaves(self._connections):
            return
        super().accept(listener)
        self._tell()

    def _tell(self) -> None:
        self._share.tell(self._connections, self._accepting)

    @property
    def _connections(self) -> int:
        """Return how many clients there are, those included that only listen."""
        return int(self.nr_conns) + (self._hub.count if self._hub else 0)

    def init_signals(self) -> None:
        """Listen to signals, those included that came since the fork."""
        super().init_signals()
        # Ctrl-C reaches every process of a terminal's group. The master, which tells its workers
        # to end, would find them dying of that.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signals.receive()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take new connections or leave them; an end first takes those that wait already.

        When all workers end, nobody else would, and they would be cut off. Connections on which
        nothing was ever sent get as long as kept ones, where ThreadWorker gives them KEEPALIVE.
        """
        super().set_accept_enabled(enabled)
        self._tell()
        if not (enabled or self.alive) and self._hub:
            self._hub.end()
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

    def enqueue_req(self, conn: Any) -> None:
        """Let a connection wait for a thread; ThreadWorker's own serves who came first."""
        self._queue.put(conn, getattr(conn, "tenant", ""))
        self.tpool.submit(self._handle_next)

    def _handle_next(self) -> None:
        conn, tenant = self._queue.take()
        done: Future[Any] = Future()
        try:
            done.set_result(self.handle(conn))
        except BaseException as error:
            done.set_exception(error)
        self._queue.leave(tenant)
        self.method_queue.defer(self.finish_request, conn, done)

    def handle(self, conn: Any) -> Any:
        """Handle a connection's request, and those that follow at once.

        Between two requests ThreadWorker hands a connection to its main thread and back, which
        wakes three threads; a busy client's next request is there before that is done.
        """
        if not hasattr(conn, "heads"):
            conn.heads, conn.sock = Heads(), Socket.of(conn.sock)
        while True:
            if conn.parser:
                conn.parser.mesg_class = conn.heads.request
            try:
                kept = super().handle(conn)
            except HandedOver as handed:
                handed.take(conn.sock)
                # What is closed behind a request, and shut down, is not the one that goes on.
                conn.sock = socket.socket()
                return False
            if kept is not True or not self.alive or not self._queue.is_empty:
                return kept
            if not conn.parser.unreader.buf.getvalue() and not self._has_more(conn):
                return kept

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer a request, and tell whether its connection is kept.

        ThreadWorker's own does the same with an answer and an environment that are made anew.
        """
        environ: dict[str, Any] = {}
        response = None
        began = datetime.now()
        try:
            self.cfg.pre_request(self, req)
            response, environ = conn.heads.create(req, conn, self.cfg)
            self.nr += 1
            if self.nr >= self.max_requests:
                if self.alive:
                    self.log.info("Autorestarting worker after current request.")
                self.alive = False
            if (not self.alive or not self.cfg.keepalive
                    or len(self.keepalived_conns) >= self.max_keepalived):
                response.force_close()
            pieces = self.wsgi(environ, response.start_response)
            try:
                if isinstance(pieces, environ["wsgi.file_wrapper"]):
                    response.write_file(pieces)
                else:
                    for piece in pieces:
                        response.write(piece)
                response.close()
            finally:
                self.log.access(response, req, environ, datetime.now() - began)
                if hasattr(pieces, "close"):
                    pieces.close()
            conn.tenant = environ.get("flexdb.tenant", "")
            return not response.should_close()
        except OSError:
            raise
        except (Exception, SystemExit):
            if response and response.headers_sent:
                # Another answer cannot begin in the middle of this one.
                self.log.exception("Error handling request")
                close_graceful(conn.sock)
                raise StopIteration from None
            raise
        finally:
            try:
                self.cfg.post_request(self, req, environ, response)
            except Exception:
                self.log.exception("Exception in post_request hook")

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Tell whether a connection can have another request, of whose last one nothing is left.

        ThreadWorker's own asks a body for what was left, twice and each time with a time limit,
        which is four system calls also where it was read to its end.
        """
        if keepalive and is_read(conn.parser.mesg.body):
            conn.parser.mesg = None
            return True
        return bool(super()._keepalive_after(conn, keepalive))

    def _has_more(self, conn: Any) -> bool:
        """Tell whether something comes on a connection while it is worth it to wait for that."""
        if len(self._awaited) >= self._most_awaited or not isinstance(conn.sock, Socket):
            # TLS has its own sockets.
            return False
        self._awaited.add(conn)
        try:
            conn.parser.unreader.unread(conn.sock.recv_soon())
        except BlockingIOError:
            return False
        except OSError:
            # Whoever reads on finds the end.
            pass
        finally:
            self._awaited.discard(conn)
        return True

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End without waiting for the calls under way.

        ThreadWorker's own takes a lock and raises SystemExit wherever a signal finds it, which
        may be in the middle of that very lock: the worker then never ends.
        """
        self.cfg.set("graceful_timeout", 0)
        self.cfg.__dict__.pop("graceful_timeout", None)
        self.handle_exit(sig, frame)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer a request that is not even HTTP."""
        asked = dict(req.headers).get("X-REQUEST-ID") if req else None
        request_id = watch.begin(middleware.request_id(asked)).request_id
        try:
            write_nonblock(client, refusal(exc, request_id))
        except OSError:
            self.log.debug("Failed to send an error message.")
        finally:
            watch.end()
