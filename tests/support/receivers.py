"""Who webhooks are delivered to: servers on this machine that keep what they are sent."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import orjson


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
