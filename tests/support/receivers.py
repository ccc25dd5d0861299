"""Who webhooks are delivered to: servers on this machine that keep what they are sent."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import orjson

# What lets webhooks lead to them, as settings and as variables.
LOCAL: dict[str, Any] = {"webhook_http": True, "webhook_allow": "127.0.0.0/8"}
LEAVE = {name.upper(): str(value).lower() for name, value in LOCAL.items()}


class Received(NamedTuple):
    """A request.

    :param headers: by their names in lower case
    :param port: from which it came
    """

    path: str
    headers: dict[str, str]
    body: bytes
    port: int

    @property
    def data(self) -> Any:
        """Return the change in it."""
        return orjson.loads(self.body)["data"]


class Reply(NamedTuple):
    """What is answered."""

    status: int = 204
    headers: dict[str, str] = {}  # noqa: RUF012 (nobody changes it)
    body: bytes = b""


Answers = Callable[[Received], Reply]


class Crowd:
    """Answers slowly, and counts how many are answered at once.

    :param answer: says what a request is answered
    :param seconds: how long that takes
    """

    def __init__(self, answer: Answers, seconds: float) -> None:
        self._answer, self._seconds = answer, seconds
        self._lock = threading.Lock()
        self._now = self._most = 0

    def __call__(self, received: Received) -> Reply:
        """Answer a request."""
        with self._lock:
            self._now += 1
            self._most = max(self._most, self._now)
        time.sleep(self._seconds)
        with self._lock:
            self._now -= 1
        return self._answer(received)

    def most_while(self, wait: Callable[[], object]) -> int:
        """Return how many were answered at once, at most, while something was waited for."""
        with self._lock:
            self._most = 0
        wait()
        return self._most


class Receiver:
    """A server of HTTP at an address of this machine, until ``close()`` or the end of a ``with``.

    :param answer: says what a request is answered; called in the request's own thread
    :param host: where it listens
    :param context: for TLS
    """

    def __init__(self, answer: Answers = lambda received: Reply(), host: str = "127.0.0.1",
                 context: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            # Of the server's own: it answers and closes.
            def do_POST(self) -> None:
                outer._handle(self)

            def do_GET(self) -> None:
                outer._handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server((host, 0), Handler)
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host, self.port = host, int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, path: str = "/hook", host: str = "", scheme: str = "http") -> str:
        """Return the URL of a path."""
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        size = int(request.headers.get("Content-Length", 0))
        received = Received(request.path, {name.lower(): value for name, value
                                           in request.headers.items()}, request.rfile.read(size),
                            request.client_address[1])
        self.received.append(received)
        reply = self.answer(received)
        try:
            request.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(reply.body)
        except OSError:
            # Whoever asked has given up.
            pass

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    # One that hangs is not waited for.
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of who gives up, or is no client of TLS."""
